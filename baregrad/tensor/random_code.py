"""Machine code that draws many random numbers: those that `engines.philox` and `quantile` define.

Four blocks of Philox are computed at a time, of which each makes two 64-bit integers. Everything
after that is arithmetic in float64, in the order in which Python does it, and rounded to float32
at the end if need be: so every number is the same as Python's, to the last bit.
"""

from __future__ import annotations

import ctypes
import struct
from array import array
from functools import cache
from typing import Any, Final

from baregrad.engines.philox import MULTIPLIERS, ROUNDS, WEYL, WORD
from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import enter, leave
from baregrad.machine.cpu import is_x86_64, processor_features
from baregrad.machine.errors import MachineError
from baregrad.machine.function import NativeFunction
from baregrad.machine.registers import (
    XMM,
    YMM,
    Memory,
    Register,
    r8,
    r9,
    rcx,
    rdi,
    rdx,
    rsi,
)
from baregrad.tensor import quantile
from baregrad.tensor.quantile import Ratio

GROUP: Final = 8  # numbers that are made at a time
BLOCK: Final = 1 << 14  # numbers of one call, which stay in the caches
_LANES: Final = 4
_DIGITS: Final = 53  # of a float64
# what makes a float64 of the lower and the upper half of a 64-bit integer, put before its bits
_LOWER, _UPPER = 2.0**52, 2.0**84
_FRACTION_BITS: Final = 52
_BIAS: Final = 1023
_LESS_OR_EQUAL: Final = 2  # Intel SDM, CMPPD: predicates
_SIGN: Final = -0.0


def natively_drawn(
    kind: str, typecode: str, seed: int, stream: int, start: int, count: int, scale: float
) -> array[Any] | None:
    """As `draws.drawn`; None where the processor or the system does not run machine code."""
    function = _function(kind, typecode)
    if function is None:
        return None
    found, block = array(typecode), array(typecode, [0]) * BLOCK
    target, content = block.buffer_info()[0], memoryview(block).cast("B")
    (factor,) = struct.unpack("<q", struct.pack("<d", scale))
    skipped = start % 2  # a block of Philox makes two numbers
    for begin in range(start - skipped, start + count, BLOCK):
        groups = -(-min(BLOCK, start + count - begin) // GROUP)
        function(seed, stream, begin // 2, groups, target, factor)
        found.frombytes(content[: groups * GROUP * block.itemsize])
    del found[skipped + count :], found[:skipped]
    return found


@cache
def _function(kind: str, typecode: str) -> NativeFunction | None:
    """``void draw(seed, stream, block, groups, target, scale)``; None where it does not run."""
    try:
        if not is_x86_64() or "avx2" not in processor_features():
            return None
        asm = Assembler()
        _emit(asm, kind, typecode)
        integers = [ctypes.c_uint64] * 4
        arguments = (*integers, ctypes.c_void_p, ctypes.c_int64)
        return NativeFunction(asm.finish(), arguments)
    except MachineError:
        return None


# What stays in registers: the number of each lane's block of Philox, its key and its stream, and
# the scale. The others are free.
_BLOCKS, _KEY_0, _KEY_1, _STREAM_0, _STREAM_1, _SCALE = YMM[10:16]


def _emit(asm: Assembler, kind: str, typecode: str) -> None:
    enter(asm)
    for register, source in ((_KEY_0, rdi), (_STREAM_0, rsi), (_BLOCKS, rdx), (_SCALE, r9)):
        low = XMM[register.index]
        asm.vmovq(low, source)
        asm.vpbroadcastq(register, low)
    asm.vpsrlq(_KEY_1, _KEY_0, 32)
    asm.vpsrlq(_STREAM_1, _STREAM_0, 32)
    asm.vpaddq(_BLOCKS, _BLOCKS, _integers(asm, *range(_LANES)))
    again = asm.label("again")
    asm.bind(again)
    low, high = YMM[:2]
    _emit_integers(asm)
    size = 4 if typecode == "f" else 8
    for number, integers in enumerate((low, high)):
        place = Memory(r8, displacement=number * _LANES * size)
        if kind == "integer":
            asm.vmovdqu(place, integers)
            continue
        _emit_centred(asm, integers)
        if kind == "normal":
            _emit_normal(asm, integers)
        asm.vmulpd(integers, integers, _SCALE)
        if typecode == "f":
            asm.vcvtpd2ps(XMM[integers.index], integers)
            asm.vmovups(place, XMM[integers.index])
        else:
            asm.vmovupd(place, integers)
    asm.vpaddq(_BLOCKS, _BLOCKS, _integers(asm, *[GROUP // 2] * _LANES))
    asm.add(r8, GROUP * size)
    asm.sub(rcx, 1)
    asm.jne(again)
    leave(asm)


def _emit_integers(asm: Assembler) -> None:
    """The next 8 integers, in order, to ymm0 and ymm1; see `philox._rounds`.

    A lane of 64 bits has a word in its lower half. The upper half does not matter: products are
    those of lower halves.
    """
    a, b, c, d, low, high, key_0, key_1 = YMM[:8]
    asm.vmovdqa(a, _BLOCKS)
    asm.vpsrlq(b, _BLOCKS, 32)
    asm.vmovdqa(c, _STREAM_0)
    asm.vmovdqa(d, _STREAM_1)
    asm.vmovdqa(key_0, _KEY_0)
    asm.vmovdqa(key_1, _KEY_1)
    for _ in range(ROUNDS):
        asm.vpmuludq(low, a, _integers(asm, *[MULTIPLIERS[0]] * _LANES))
        asm.vpmuludq(high, c, _integers(asm, *[MULTIPLIERS[1]] * _LANES))
        asm.vpxor(b, b, key_0)
        asm.vpxor(d, d, key_1)
        asm.vpsrlq(a, high, 32)
        asm.vpsrlq(c, low, 32)
        asm.vpxor(a, a, b)
        asm.vpxor(c, c, d)
        asm.vmovdqa(b, high)
        asm.vmovdqa(d, low)
        asm.vpaddq(key_0, key_0, _integers(asm, *[WEYL[0]] * _LANES))
        asm.vpaddq(key_1, key_1, _integers(asm, *[WEYL[1]] * _LANES))
    for upper, lower in ((a, b), (c, d)):
        asm.vpsllq(upper, upper, 32)
        asm.vpand(lower, lower, _integers(asm, *[WORD] * _LANES))
        asm.vpor(upper, upper, lower)
    asm.vpunpcklqdq(b, a, c)  # those of blocks 0 and 2; then of 1 and 3
    asm.vpunpckhqdq(d, a, c)
    asm.vperm2i128(a, b, d, 0x20)
    asm.vperm2i128(b, b, d, 0x31)


def _emit_centred(asm: Assembler, v: Register) -> None:
    """Of integers, the upper 53 bits as a number in [-1/2, 1/2); exact.

    A half of an integer, with the exponent's bits of a power of two before it, is that power of two
    plus the half. They are taken off again together.
    """
    upper = YMM[2]
    asm.vpsrlq(v, v, 64 - _DIGITS)
    asm.vpsrlq(upper, v, 32)
    asm.vpor(upper, upper, asm.float64(_UPPER, _LANES))
    asm.vpblendd(v, v, asm.float64(_LOWER, _LANES), 0b10101010)
    asm.vsubpd(upper, upper, asm.float64(_UPPER + _LOWER, _LANES))
    asm.vaddpd(v, v, upper)
    asm.vmulpd(v, v, asm.float64(2.0**-_DIGITS, _LANES))
    asm.vsubpd(v, v, asm.float64(0.5, _LANES))


def _emit_normal(asm: Assembler, q: Register) -> None:
    """The normal number of a uniform one; see `quantile.normal`. Changes ymm2 to ymm9."""
    r, far, tail, mask = YMM[2:6]
    _emit_root_of_log(asm, q, r)
    asm.vsubpd(mask, r, asm.float64(quantile.FAR, _LANES))
    _emit_ratio(asm, quantile.FAR_TAIL, mask, far)
    asm.vsubpd(mask, r, asm.float64(quantile.TAIL_OFFSET, _LANES))
    _emit_ratio(asm, quantile.TAIL, mask, tail)
    asm.vcmppd(mask, r, asm.float64(quantile.FAR, _LANES), _LESS_OR_EQUAL)
    asm.vblendvpd(tail, far, tail, mask)
    asm.vandpd(far, q, asm.float64(_SIGN, _LANES))
    asm.vorpd(tail, tail, far)
    centre, x = r, far
    asm.vmulpd(mask, q, q)
    asm.vmovupd(x, asm.float64(quantile.CENTRAL_SQUARE, _LANES))
    asm.vsubpd(x, x, mask)
    _emit_ratio(asm, quantile.CENTRE, x, centre)
    asm.vmulpd(centre, centre, q)
    asm.vmovupd(x, asm.float64(_SIGN, _LANES))
    asm.vandnpd(x, x, q)
    asm.vcmppd(mask, x, asm.float64(quantile.CENTRAL, _LANES), _LESS_OR_EQUAL)
    asm.vblendvpd(q, tail, centre, mask)


def _emit_root_of_log(asm: Assembler, q: Register, r: Register) -> None:
    """√(-log p), of the probability p of the tail in which 1/2 + q is; see `quantile.log`."""
    exponent, s, square, total = YMM[3:7]
    asm.vaddpd(r, q, asm.float64(0.5, _LANES))
    asm.vmovupd(s, asm.float64(1.0, _LANES))
    asm.vsubpd(s, s, r)
    asm.vmaxpd(r, r, asm.float64(quantile.LEAST, _LANES))
    asm.vminpd(r, r, s)
    asm.comment("r becomes the significand, from √½ to √2")
    (half,) = struct.unpack("<q", struct.pack("<d", quantile.SQRT_HALF))
    offset = (_BIAS << _FRACTION_BITS) - half
    asm.vpaddq(exponent, r, _integers(asm, *[offset] * _LANES))
    asm.vpsrlq(exponent, exponent, _FRACTION_BITS)
    asm.vpsllq(s, exponent, _FRACTION_BITS)
    asm.vpsubq(r, r, s)
    asm.vpaddq(r, r, _integers(asm, *[_BIAS << _FRACTION_BITS] * _LANES))
    asm.vpor(exponent, exponent, asm.float64(_LOWER, _LANES))
    asm.vsubpd(exponent, exponent, asm.float64(_LOWER + _BIAS, _LANES))
    asm.comment("its logarithm: the series of 2 artanh s")
    asm.vsubpd(s, r, asm.float64(1.0, _LANES))
    asm.vaddpd(r, r, asm.float64(1.0, _LANES))
    asm.vdivpd(s, s, r)
    asm.vmulpd(square, s, s)
    _emit_polynomial(asm, quantile.LOG_SERIES, square, total)
    asm.vaddpd(s, s, s)
    asm.vmulpd(s, s, total)
    asm.vmulpd(exponent, exponent, asm.float64(quantile.LOG_2, _LANES))
    asm.vaddpd(r, exponent, s)
    asm.vxorpd(r, r, asm.float64(_SIGN, _LANES))
    asm.vsqrtpd(r, r)


def _emit_ratio(asm: Assembler, ratio: Ratio, x: Register, result: Register) -> None:
    """The quotient of two polynomials. Changes ymm9."""
    _emit_polynomial(asm, ratio[0], x, result)
    _emit_polynomial(asm, ratio[1], x, YMM[9])
    asm.vdivpd(result, result, YMM[9])


def _emit_polynomial(
    asm: Assembler, coefficients: tuple[float, ...], x: Register, result: Register
) -> None:
    *others, last = coefficients
    asm.vmovupd(result, asm.float64(last, _LANES))
    for coefficient in reversed(others):
        asm.vmulpd(result, result, x)
        asm.vaddpd(result, result, asm.float64(coefficient, _LANES))


def _integers(asm: Assembler, *lanes: int) -> Memory:
    return asm.constant(struct.pack(f"<{len(lanes)}q", *lanes))
