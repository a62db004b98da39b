"""Sine and cosine.

x = n pi/2 + r with integer n and |r| <= pi/4; the polynomial is the sine's or the cosine's by the
last bit of n, the sign by the one before. r is a sum of two float32.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compositions import polynomial, two_product, two_sum
from baregrad.compiler.vector.program import Value

_TWO_OVER_PI: Final = float.fromhex("0x1.45f306p-1")
_PI_OVER_2: Final = tuple(
    float.fromhex(c) for c in ("0x1.921fb6p+0", "-0x1.777a5cp-25", "-0x1.ee59dap-50")
)
# minimax: sin r = r + r s p(s), s = r**2, relative error 2**-27.9
_SIN: Final = tuple(
    float.fromhex(c) for c in ("-0x1.555546p-3", "0x1.11077ap-7", "-0x1.9954e8p-13")
)
# minimax: cos r = 1 - s / 2 + s**2 p(s), relative error 2**-33
_COS: Final = tuple(
    float.fromhex(c) for c in ("0x1.55554ap-5", "-0x1.6c0c2ap-10", "0x1.99e914p-16")
)
# up to here x 2/pi is exact enough to be rounded to n
_NEAR: Final = 65536.0
_INFINITY: Final = float("inf")

# floor(2**256 * 2 / pi)
_TWO_OVER_PI_BITS: Final = 0xA2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163ABDEBBC561
_BITS: Final = 256
_BIAS: Final = 127
_FRACTION_BITS: Final = 23
_FIRST: Final = _BIAS + 16  # the biased exponent of the first x that is not near
_ROWS: Final = 255 - _FIRST
_PARTS: Final = 4


def sin(b: Builder, x: Value) -> Value:
    """The sine of x radians; NaN for infinity. Error below 1.2 ULP."""
    # the reduction loses the sign of zero
    return b.select(b.compare("equal", x, 0.0), x, _sin_of_quadrant(b, x, 0))


def cos(b: Builder, x: Value) -> Value:
    """The cosine of x radians; NaN for infinity. Error below 1.22 ULP."""
    return _sin_of_quadrant(b, x, 1)


def _sin_of_quadrant(b: Builder, x: Value, turns: int) -> Value:
    """sin(x + turns * pi/2)."""
    n, high, low = _reduce(b, x)
    quadrant = b.add_int(n, turns) if turns else n
    square = b.multiply(high, high)
    odd = b.multiply(b.multiply(high, square), polynomial(b, square, _SIN))
    sine = b.add(high, b.add(odd, low))
    even = b.fms(b.multiply(square, square), polynomial(b, square, _COS), b.multiply(high, low))
    cosine = _one_minus_half(b, square, even)
    is_even = b.compare_int("equal", b.bit_and(quadrant, 1), 0)
    result = b.bits(b.select(is_even, sine, cosine))
    sign = b.shift_left(b.bit_and(quadrant, 2), 30)
    return b.float_from_bits(b.bit_xor(result, sign))


def _one_minus_half(b: Builder, square: Value, rest: Value) -> Value:
    """1 - square / 2 + rest, with the rounding error of the difference made good."""
    half = b.multiply(square, 0.5)
    difference = b.subtract(1.0, half)
    lost = b.subtract(b.subtract(1.0, difference), half)
    return b.add(difference, b.add(lost, rest))


def _reduce(b: Builder, x: Value) -> tuple[Value, Value, Value]:
    """n as int32, and r as a sum."""
    near = _reduce_near(b, x)
    magnitude = b.absolute(x)
    is_far = b.mask_and(
        b.compare("greater_equal", magnitude, _NEAR), b.compare("less", magnitude, _INFINITY)
    )
    # nearly always there is nothing to be done here
    with b.when(is_far, near) as rare:
        far = _reduce_far(b, x, is_far)
        rare.carry(*[b.select(is_far, f, n) for f, n in zip(far, rare.carried, strict=True)])
    n, high, low = rare.results
    return n, high, low


def _reduce_near(b: Builder, x: Value) -> tuple[Value, Value, Value]:
    """Cody & Waite, "Software Manual for the Elementary Functions" (1980), chapter 8.

    pi/2 is a sum of three float32. With fused multiply-add n times the first can be subtracted
    exactly, for the difference is a multiple of 2**-24 and below 1; of the second's subtraction the
    rounding error is kept, since the difference may be small.
    """
    first, second, third = _PI_OVER_2
    n = b.round(b.multiply(x, _TWO_OVER_PI))
    exact = b.fnma(n, first, x)
    product, product_low = two_product(b, n, b.constant(-second))
    high, lost = two_sum(b, exact, product)
    return b.to_int(n), high, b.fnma(n, third, b.add(lost, product_low))


def _reduce_far(b: Builder, x: Value, mask: Value) -> tuple[Value, Value, Value]:
    """Payne & Hanek, "Radian reduction for trigonometric functions" (1983), in float32.

    x is an integer m of 24 bits times a power of two; a table has, for each exponent, 2/pi times
    that power, without multiples of 4. Its product with m has the quadrant and the fraction.
    """
    bits = b.bits(x)
    m = b.float_from_bits(b.bit_or(b.bit_and(bits, 0x807FFFFF), (_BIAS + 23) << _FRACTION_BITS))
    exponent = b.bit_and(b.shift_right(bits, _FRACTION_BITS), 0xFF)
    row = b.subtract_int(exponent, _FIRST)
    table = b.table(far_table())
    parts = [
        b.gather(table, row, displacement=4 * _ROWS * part, mask=mask) for part in range(_PARTS)
    ]
    products = [two_product(b, m, part) for part in parts]
    # the first product is up to 2**25, and its multiples of 4 do not count
    whole, first_low = products[0]
    quarters = b.round(b.multiply(whole, 0.25))
    whole = b.fnma(quarters, 4.0, whole)
    n = b.round(whole)
    fraction = b.subtract(whole, n)
    rests = []
    for term in (first_low, products[1][0]):
        total, lost = two_sum(b, fraction, term)
        turns = b.round(total)
        n = b.add(n, turns)
        fraction = b.subtract(total, turns)
        rests.append(lost)
    # what is left is far smaller, unless the fraction has cancelled: then it counts to the last bit
    rests += [products[1][1], products[2][0], products[2][1], products[3][0]]
    low = b.constant(0.0)
    for term in rests:
        fraction, lost = two_sum(b, fraction, term)
        low = b.add(low, lost)
    high, high_low = two_product(b, fraction, b.constant(_PI_OVER_2[0]))
    low = b.fma(low, _PI_OVER_2[0], b.fma(fraction, _PI_OVER_2[1], high_low))
    return b.to_int(n), high, low


@cache
def far_table() -> bytes:
    """2/pi * 2**(exponent - 23) modulo 4 for each exponent from 16, in parts of 24 bits."""
    columns: list[list[float]] = [[] for _ in range(_PARTS)]
    for row in range(_ROWS):
        exponent = row + _FIRST - _BIAS - 23
        # an integer times 2**-scale
        scale = _BITS - exponent
        rest = _TWO_OVER_PI_BITS % (4 << scale)
        if rest >= 2 << scale:
            rest -= 4 << scale
        for column in columns:
            shift = max(rest.bit_length() - 24, 0)  # of the magnitude
            part = round(rest / (1 << shift)) << shift
            column.append(part / (1 << scale))
            rest -= part
    numbers = [number for column in columns for number in column]
    return struct.pack(f"<{len(numbers)}f", *numbers)
