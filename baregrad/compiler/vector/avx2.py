"""AVX2 with FMA: 8 lanes, 16 vector registers; a mask is a vector with all bits of a lane equal."""

from __future__ import annotations

from typing import Final

from baregrad.compiler.vector.emitter import Emitter
from baregrad.compiler.vector.program import Instruction
from baregrad.compiler.vector.selection import (
    ALL_BUT_SIGN,
    EMIT,
    FOLDABLE,
    PREDICATE_CODES,
    SIGN_BIT,
    Operands,
    Scratch,
    below_all,
    commutative,
    exchange,
    flag_to_integer,
    plain,
    reduction,
    register,
    rounding,
    shuffle,
    sign_bits,
)
from baregrad.compiler.vector.target import GENERAL, VECTOR, Emit, Selection, Target
from baregrad.machine.cpu import AVX2_LEVEL
from baregrad.machine.registers import GPR32, XMM, YMM, Register

_LANES: Final = 8
_ALL_BITS: Final = 0xFFFF_FFFF
_BIAS: Final = 127
_FRACTION_BITS: Final = 23
_INTEGER_COMPARISONS: Final = {"equal": "vpcmpeqd", "greater": "vpcmpgtd"}


def _compare(e: Emitter, i: Instruction, d: Register, operands: Operands, _: Scratch) -> None:
    e.asm.vcmpps(d, *operands, PREDICATE_CODES[str(i.immediate)])


def _compare_int(e: Emitter, i: Instruction, d: Register, operands: Operands, _: Scratch) -> None:
    e.asm.emit(_INTEGER_COMPARISONS[str(i.immediate)], d, *operands)


def _select(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
    mask, a, b = operands
    e.asm.vblendvps(d, b, a, mask)


def _copy_sign(
    e: Emitter, _: Instruction, d: Register, operands: Operands, scratch: Scratch
) -> None:
    magnitude, sign = operands
    e.asm.vandps(scratch[0], sign, e.bits(SIGN_BIT))
    e.asm.vandps(d, magnitude, e.bits(ALL_BUT_SIGN))
    e.asm.vorps(d, d, scratch[0])


def _scale(e: Emitter, _: Instruction, d: Register, operands: Operands, scratch: Scratch) -> None:
    """a * 2**m * 2**(n - m) with m = n // 2: both powers are normal numbers."""
    asm = e.asm
    a, exponent = operands
    rest = scratch[0]
    asm.vcvtps2dq(rest, exponent)
    asm.vpsrad(d, rest, 1)
    asm.vpsubd(rest, rest, d)
    for power in (d, rest):
        asm.vpaddd(power, power, e.bits(_BIAS))
        asm.vpslld(power, power, _FRACTION_BITS)
    asm.vmulps(d, a, d)
    asm.vmulps(d, d, rest)


def _any(e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch) -> None:
    lanes = GPR32[d.index]
    e.asm.vmovmskps(lanes, operands[0])
    e.asm.test(lanes, lanes)
    flag_to_integer(e, d)


def _mask_below(
    e: Emitter, _: Instruction, d: Register, operands: Operands, scratch: Scratch
) -> None:
    e.asm.vmovd(XMM[d.index], below_all(e, operands[0], scratch[0]))
    e.asm.vpbroadcastd(d, XMM[d.index])
    e.asm.vpcmpgtd(d, d, e.iota())


def _broadcast_int(
    e: Emitter, _: Instruction, d: Register, operands: Operands, __: Scratch
) -> None:
    e.asm.vmovd(XMM[d.index], GPR32[register(operands[0]).index])
    e.asm.vpbroadcastd(d, XMM[d.index])


def _interleave(halves: int) -> Emit:
    """Within each half by unpacking; then `halves` says which of the two results' halves."""

    def emit(e: Emitter, _: Instruction, d: Register, operands: Operands, scratch: Scratch) -> None:
        e.asm.vunpcklps(scratch[0], *operands)
        e.asm.vunpckhps(d, *operands)
        e.asm.vperm2f128(d, scratch[0], d, halves)

    return emit


def _load(e: Emitter, i: Instruction, d: Register, operands: Operands, _: Scratch) -> None:
    assert i.address is not None
    if i.address.masked:
        e.asm.vmaskmovps(d, operands[-1], e.address(i, operands))
    else:
        e.asm.vmovups(d, e.address(i, operands))


def _store(e: Emitter, i: Instruction, _: None, operands: Operands, __: Scratch) -> None:
    assert i.address is not None
    memory = e.address(i, operands[1:])
    if i.address.masked:
        e.asm.vmaskmovps(memory, operands[-1], operands[0])
    else:
        e.asm.vmovups(memory, operands[0])


def _gather(e: Emitter, i: Instruction, d: Register, operands: Operands, scratch: Scratch) -> None:
    """The instruction clears the lanes of the mask that it has loaded."""
    assert i.address is not None
    mask = scratch[0]
    if i.address.masked:
        e.copy(mask, register(operands[2]))
    else:
        e.asm.vpcmpeqd(mask, mask, mask)
    e.asm.vxorps(d, d, d)
    e.asm.vgatherdps(d, e.vector_address(i, operands), mask)


_EMIT: Final = EMIT | {
    "copy_sign": _copy_sign,
    "round": rounding("vroundps"),
    "scale": _scale,
    "bit_and": commutative("vpand"),
    "bit_or": commutative("vpor"),
    "bit_xor": commutative("vpxor"),
    "broadcast_int": _broadcast_int,
    "compare": _compare,
    "compare_int": _compare_int,
    "mask_and": plain("vandps"),
    "mask_or": plain("vorps"),
    "mask_xor": plain("vxorps"),
    "mask_not": sign_bits("vxorps", _ALL_BITS),
    "mask_below": _mask_below,
    "select": _select,
    "any": _any,
    "reduce_add": reduction("vaddps", "vextractf128"),
    "reduce_max": reduction("vmaxps", "vextractf128"),
    "reduce_min": reduction("vminps", "vextractf128"),
    "interleave_low": _interleave(0x20),
    "interleave_high": _interleave(0x31),
    "shuffle": shuffle("vperm2f128", {"even_fours": 0x20, "odd_fours": 0x31}),
    "exchange": exchange("vperm2f128", {4: 0x01}),
    "load": _load,
    "gather": _gather,
    "store": _store,
}
_SCRATCH: Final[dict[str, tuple[int, ...]]] = {
    "copy_sign": (VECTOR,),
    "scale": (VECTOR,),
    "mask_below": (GENERAL,),
    "reduce_add": (VECTOR,),
    "reduce_max": (VECTOR,),
    "reduce_min": (VECTOR,),
    "interleave_low": (VECTOR,),
    "interleave_high": (VECTOR,),
    "gather": (VECTOR,),
}
_EARLY: Final = frozenset({"scale", "gather"})

AVX2: Final = Target(
    "avx2",
    _LANES,
    AVX2_LEVEL,
    YMM[:16],
    (),
    Selection(_EMIT, FOLDABLE, _SCRATCH, _EARLY, folds_broadcasts=False),
)
