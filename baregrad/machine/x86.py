"""All instructions by mnemonic: the tables of the `x86_*` modules joined."""

from __future__ import annotations

from functools import cache
from typing import Final

from baregrad.machine import x86_general, x86_integer, x86_move, x86_vector
from baregrad.machine.errors import UnknownInstructionError
from baregrad.machine.rows import Row, read

_TABLES: Final = (x86_general.TABLE, x86_vector.TABLE, x86_integer.TABLE, x86_move.TABLE)


@cache
def _lines() -> dict[str, list[str]]:
    """Table lines by mnemonic; a line is only read when its instruction is first used."""
    lines: dict[str, list[str]] = {}
    for table in _TABLES:
        for line in table.splitlines():
            if line:
                lines.setdefault(line.split(maxsplit=1)[0], []).append(line)
    return lines


def mnemonics() -> list[str]:
    """Every instruction's name."""
    return sorted(_lines())


@cache
def rows(mnemonic: str) -> tuple[Row, ...]:
    """The forms of an instruction, those to be preferred first."""
    lines = _lines().get(mnemonic)
    if lines is None:
        import difflib  # only needed once something is wrong

        near = difflib.get_close_matches(mnemonic, _lines(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownInstructionError(f"no table has the instruction {mnemonic!r}{hint}")
    return tuple(row for line in lines for row in read(line))
