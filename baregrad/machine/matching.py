"""The choice of a row: by the mnemonic and the kinds of the operands, found once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from baregrad.machine.encoding import Form
from baregrad.machine.errors import OperandError, UnsupportedInstructionError
from baregrad.machine.registers import MASK, Register
from baregrad.machine.rows import Row
from baregrad.machine.x86 import rows

ROUNDINGS: Final = ("rn", "rd", "ru", "rz", "sae")
# mnemonic, kinds of the operands, masked, zeroing, rounding
Signature = tuple[str, tuple[str, ...], bool, bool, str | None]


def select(signature: Signature, features: frozenset[str] | None) -> Form:
    """The preferred form of an instruction for these operands.

    Args:
        signature: what the instruction is given.
        features: what the processor has; None for everything.
    """
    mnemonic, kinds, masked, zeroing, rounding = signature
    candidates = [row for row in rows(mnemonic) if _fits(row, kinds, masked, zeroing, rounding)]
    if not candidates:
        raise OperandError(_refusal(signature))
    available = [row for row in candidates if features is None or row.features <= features]
    if not available:
        missing = sorted(candidates[0].features - (features or frozenset()))
        raise UnsupportedInstructionError(
            f"{_describe(signature)} needs {', '.join(missing)}, which the processor has not"
        )
    _refuse_open_size(signature, available)
    return Form(available[0], kinds, zeroing, rounding)


def _fits(
    row: Row, kinds: Sequence[str], masked: bool, zeroing: bool, rounding: str | None
) -> bool:
    if len(kinds) != len(row.patterns):
        return False
    for kind, pattern in zip(kinds, row.patterns, strict=True):
        if kind not in pattern.kinds:
            return False
    if (masked and not row.masking) or (row.masking == "k!" and not masked):
        return False
    if zeroing and not (masked and row.masking == "kz"):
        return False
    return rounding is None or _may_round(row, kinds, rounding)


def check_modifiers(mask: Register | None, rounding: str | None) -> None:
    """Raise for a mask or rounding that no instruction could take.

    k0 as a write mask means no mask (SDM volume 2, section 2.7.4), so it is refused here.
    """
    if mask is not None and not (isinstance(mask, Register) and mask in MASK[1:]):
        raise OperandError(f"a write mask is one of k1 to k7, not {mask}")
    if rounding is not None and rounding not in ROUNDINGS:
        raise OperandError(f"rounding is one of {', '.join(ROUNDINGS)}, not {rounding!r}")


def _may_round(row: Row, kinds: Sequence[str], rounding: str) -> bool:
    """Embedded rounding is for instructions on registers only (SDM volume 2, 2.7.9)."""
    wanted = "sae" if rounding == "sae" else "er"
    return row.rounding == wanted and not any(kind[0] in "mb" for kind in kinds)


def _refuse_open_size(signature: Signature, candidates: list[Row]) -> None:
    """Raise where memory without a size could be of several."""
    kinds = signature[1]
    if "m" not in kinds:
        return
    at = kinds.index("m")
    sizes = sorted({row.patterns[at].memory_bits for row in candidates})
    if len(sizes) > 1:
        raise OperandError(
            f"{_describe(signature)}: the memory could be of {' or '.join(map(str, sizes))} bits; "
            "give Memory a size"
        )


def _describe(signature: Signature) -> str:
    mnemonic, kinds, masked, zeroing, rounding = signature
    text = f"{mnemonic} {', '.join(kinds)}".rstrip()
    text += "{k}" * masked + "{z}" * zeroing
    return text + (f"{{{rounding}}}" if rounding else "")


def _refusal(signature: Signature) -> str:
    forms = []
    for row in rows(signature[0]):
        flags = "".join(f"{{{flag}}}" for flag in (row.masking, row.rounding) if flag)
        forms.append(",".join("/".join(sorted(p.kinds)) for p in row.patterns) + flags)
    return f"{_describe(signature)} has no encoding; {signature[0]} takes: {'; '.join(forms)}"
