"""float32 arithmetic on Python's floats, correctly rounded: what the interpreter computes with."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable
from typing import Final

INT32_MIN: Final = -(1 << 31)
_INT32_LIMIT: Final = 2.0**31
_ROUNDINGS: Final[dict[str, Callable[[float], int]]] = {
    "nearest": round,
    "down": math.floor,
    "up": math.ceil,
    "truncate": math.trunc,
}


def float32(x: float) -> float:
    """The nearest float32, ties to even; infinity beyond the largest."""
    return ctypes.c_float(x).value


def wrap32(n: int) -> int:
    """`n` modulo 2**32 as a signed integer."""
    return (n + (1 << 31)) % (1 << 32) - (1 << 31)


def wrap64(n: int) -> int:
    """`n` modulo 2**64 as a signed integer."""
    return (n + (1 << 63)) % (1 << 64) - (1 << 63)


def divide(a: float, b: float) -> float:
    """a / b of float32, rounded to float32.

    Rounding a quotient of float32 to float64 and then to float32 is rounding it once, since
    53 >= 2 * 24 + 2 (Figueroa, "When is double rounding innocuous?", 1995); so it is for sums,
    products and square roots.
    """
    if b == 0:
        if a == 0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)
    return float32(a / b)


def square_root(a: float) -> float:
    """The square root of a float32, rounded to float32; NaN below 0."""
    return float32(math.sqrt(a)) if a >= 0 else a if a == 0 else math.nan


def fused_multiply_add(a: float, b: float, c: float) -> float:
    """a * b + c of float32, rounded once.

    The product is exact in float64. The sum is rounded to odd, with which the second rounding
    cannot err (Boldo & Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
    """
    product = a * b
    total = product + c
    if not math.isfinite(total):
        return float32(total)
    # Knuth's exact error of a sum: no overflow, as float32 is far from float64's limits
    part = total - product
    error = (product - (total - part)) + (c - part)
    if error:
        (bits,) = struct.unpack("<q", struct.pack("<d", total))
        if not bits & 1:
            total = math.nextafter(total, math.copysign(math.inf, error))
    return float32(total)


def scale(a: float, exponent: float) -> float:
    """a * 2**exponent rounded to float32."""
    if not math.isfinite(a) or not math.isfinite(exponent):
        return a * 2.0**exponent if math.isfinite(exponent) else math.nan
    return float32(math.ldexp(a, int(exponent)))


def to_int32(a: float, *, truncate: bool) -> int:
    """The nearest integer (ties to even), or the integer part; -2**31 where no int32 is that."""
    if not -_INT32_LIMIT <= a < _INT32_LIMIT:
        return INT32_MIN
    return int(a) if truncate else round(a)


def float_bits(a: float) -> int:
    """The bits of a float32 as a signed integer."""
    bits: int = struct.unpack("<i", struct.pack("<f", a))[0]
    return bits


def bits_float(n: int) -> float:
    """The float32 of these bits."""
    value: float = struct.unpack("<f", struct.pack("<i", n))[0]
    return value


def round_to_integer(a: float, mode: str) -> float:
    """`a` rounded to an integer, keeping the sign of zero."""
    if not math.isfinite(a):
        return a
    return math.copysign(float(_ROUNDINGS[mode](a)), a)
