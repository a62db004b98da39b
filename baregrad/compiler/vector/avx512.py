"""AVX-512: 16 lanes, 32 vector registers, masks in registers of their own.

Needs AVX-512 F, VL and DQ (Intel SDM volume 1, chapter 15).
"""

from __future__ import annotations

import struct
from typing import Final

from baregrad.compiler.vector.emitter import Emitter
from baregrad.compiler.vector.program import Instruction
from baregrad.compiler.vector.selection import (
    ALL_BUT_SIGN,
    EMIT,
    FOLDABLE,
    PREDICATE_CODES,
    Operands,
    Scratch,
    below_all,
    commutative,
    exchange,
    flag_to_integer,
    halve,
    plain,
    register,
    rounding,
    shuffle,
)
from baregrad.compiler.vector.target import GENERAL, MASKS, VECTOR, Emit, Selection, Target
from baregrad.machine.cpu import AVX512_LEVEL
from baregrad.machine.registers import GPR32, MASK, YMM, ZMM, Register

_LANES: Final = 16
_INTEGER_CODES: Final = {"equal": 0, "greater": 6}
# VPTERNLOG: bit 4a + 2b + c is the result for bits a, b, c
_A_WHERE_C_ELSE_B: Final = 0xE4
_B_WHERE_C_ELSE_A: Final = 0xD8


def _compare(mnemonic: str, codes: dict[str, int]) -> Emit:
    def emit(e: Emitter, i: Instruction, d: Register, operands: Operands, _: Scratch) -> None:
        e.asm.emit(mnemonic, d, *operands, codes[str(i.immediate)])

    return emit


def _select(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
    mask, a, b = operands
    e.asm.emit("vblendmps", d, b, a, mask=register(mask))


def _copy_sign(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
    magnitude, sign = register(operands[0]), register(operands[1])
    bits = e.bits(ALL_BUT_SIGN)
    if d is sign:
        e.asm.vpternlogd(d, magnitude, bits, _B_WHERE_C_ELSE_A)
        return
    if d is not magnitude:
        e.copy(d, magnitude)
    e.asm.vpternlogd(d, sign, bits, _A_WHERE_C_ELSE_B)


def _any(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
    e.asm.kortestw(operands[0], operands[0])
    flag_to_integer(e, d)


def _mask_below(
    e: Emitter, _: Instruction, d: Register, operands: Operands, scratch: Scratch
) -> None:
    integer, vector = scratch
    e.asm.vpbroadcastd(vector, below_all(e, operands[0], integer))
    e.asm.vpcmpgtd(d, vector, e.iota())


def _broadcast_int(
    e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch
) -> None:
    e.asm.vpbroadcastd(d, GPR32[register(operands[0]).index])


def _reduction(mnemonic: str) -> Emit:
    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, s: Scratch) -> None:
        a = register(operands[0])
        low, high = YMM[d.index], YMM[s[0].index]
        e.asm.vextractf64x4(high, a, 1)
        e.asm.emit(mnemonic, low, YMM[a.index], high)
        halve(e, mnemonic, "vextractf32x4", d, low, s[0])

    return emit


def _interleave(first: int) -> Emit:
    """VPERMI2PS: lane numbers from 0 are the first vector's, from 16 the second's."""
    pairs = [(lane, lane + _LANES) for lane in range(first, first + _LANES // 2)]
    table = struct.pack(f"<{_LANES}i", *[number for pair in pairs for number in pair])

    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
        e.asm.vmovups(d, e.asm.constant(table))
        e.asm.vpermi2ps(d, *operands)

    return emit


def _load(e: Emitter, i: Instruction, d: Register, operands: Operands, _: Scratch) -> None:
    assert i.address is not None
    if i.address.masked:
        mask = register(operands[-1])
        e.asm.emit("vmovups", d, e.address(i, operands), mask=mask, zero=True)
    else:
        e.asm.vmovups(d, e.address(i, operands))


def _store(e: Emitter, i: Instruction, _: None, operands: Operands, __: Scratch) -> None:
    assert i.address is not None
    mask = register(operands[-1]) if i.address.masked else None
    e.asm.emit("vmovups", e.address(i, operands[1:]), operands[0], mask=mask)


def _gather(e: Emitter, i: Instruction, d: Register, operands: Operands, s: Scratch) -> None:
    """The instruction clears the mask bits of the elements that it has loaded."""
    assert i.address is not None
    e.asm.vxorps(d, d, d)
    if i.address.masked:
        e.asm.kmovw(s[0], operands[2])
    else:
        e.asm.kxnorw(s[0], s[0], s[0])
    e.asm.emit("vgatherdps", d, e.vector_address(i, operands), mask=s[0])


_EMIT: Final = EMIT | {
    "copy_sign": _copy_sign,
    "round": rounding("vrndscaleps"),
    "scale": plain("vscalefps"),
    "bit_and": commutative("vpandd"),
    "bit_or": commutative("vpord"),
    "bit_xor": commutative("vpxord"),
    "broadcast_int": _broadcast_int,
    "compare": _compare("vcmpps", PREDICATE_CODES),
    "compare_int": _compare("vpcmpd", _INTEGER_CODES),
    "mask_and": plain("kandw"),
    "mask_or": plain("korw"),
    "mask_xor": plain("kxorw"),
    "mask_not": plain("knotw"),
    "mask_below": _mask_below,
    "select": _select,
    "any": _any,
    "reduce_add": _reduction("vaddps"),
    "reduce_max": _reduction("vmaxps"),
    "reduce_min": _reduction("vminps"),
    "interleave_low": _interleave(0),
    "interleave_high": _interleave(_LANES // 2),
    "shuffle": shuffle("vshuff32x4", {"even_fours": 0x88, "odd_fours": 0xDD}),
    "exchange": exchange("vshuff32x4", {4: 0xB1, 8: 0x4E}),
    "load": _load,
    "gather": _gather,
    "store": _store,
}
_FOLDABLE: Final = FOLDABLE | {
    "scale": (1,),
    "shift_left": (0,),
    "shift_right": (0,),
    "shift_right_signed": (0,),
}
_SCRATCH: Final[dict[str, tuple[int, ...]]] = {
    "mask_below": (GENERAL, VECTOR),
    "reduce_add": (VECTOR,),
    "reduce_max": (VECTOR,),
    "reduce_min": (VECTOR,),
    "gather": (MASKS,),
}
_EARLY: Final = frozenset({"gather", "interleave_low", "interleave_high"})

AVX512: Final = Target(
    "avx512",
    _LANES,
    AVX512_LEVEL,
    ZMM,
    MASK[1:],  # k0 as a mask means none
    Selection(_EMIT, _FOLDABLE, _SCRATCH, _EARLY, folds_broadcasts=True),
)
