"""Where a program's arguments arrive, by the host's C convention.

Pointers and integers are in the registers that `machine.convention.enter` brings them to. Floats:
System V AMD64 ABI, section 3.2.3, counts them by themselves in xmm0 to xmm7; Microsoft x64 counts
all arguments together, the first four in registers.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

from baregrad.compiler.vector.errors import ProgramError
from baregrad.compiler.vector.program import FLOAT, INT64, POINTER, Program, Type
from baregrad.compiler.vector.target import Target
from baregrad.machine.convention import ARGUMENTS, WINDOWS
from baregrad.machine.registers import XMM, YMM, ZMM, Register

_C_TYPES: Final[dict[Type, type[Any]]] = {
    POINTER: ctypes.c_void_p,
    INT64: ctypes.c_int64,
    FLOAT: ctypes.c_float,
}
_MOST_FLOATS: Final = 8
_MOST_FLOATS_WINDOWS: Final = 4


def c_types(program: Program) -> tuple[type[Any], ...]:
    """The parameters' types for ctypes."""
    return tuple(_C_TYPES[parameter.type] for parameter in program.parameters)


def argument_registers(
    program: Program, target: Target, *, windows: bool = WINDOWS
) -> list[Register]:
    """The register of each parameter; a float's is the vector register whose lane 0 it is.

    Raises:
        ProgramError: more parameters than there are registers for.
    """
    vectors = YMM if target.lanes == 8 else ZMM
    most = _MOST_FLOATS_WINDOWS if windows else _MOST_FLOATS
    registers = []
    integers = floats = 0
    for place, parameter in enumerate(program.parameters):
        if parameter.type == FLOAT:
            number = place if windows else floats
            if number >= most:
                raise ProgramError(_too_many(program, "floats in registers", most))
            registers.append(vectors[number])
            floats += 1
            continue
        number = place if windows else integers
        if number >= len(ARGUMENTS):
            raise ProgramError(_too_many(program, "pointers and integers", len(ARGUMENTS)))
        registers.append(ARGUMENTS[number])
        integers += 1
    return registers


def spread_floats(program: Program, registers: list[Register]) -> list[tuple[Register, Register]]:
    """For each float parameter its whole register and the part that it arrives in."""
    pairs = zip(program.parameters, registers, strict=True)
    return [(whole, XMM[whole.index]) for p, whole in pairs if p.type == FLOAT]


def _too_many(program: Program, what: str, most: int) -> str:
    return (
        f"program {program.name!r} has more than {most} {what}; "
        "pass one pointer to a block, and load the others from it"
    )
