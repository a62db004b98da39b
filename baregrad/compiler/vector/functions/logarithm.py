"""log, log1p and softplus.

x = 2**e (1 + f) with integer e and f from -1/3 to 1/3, so that log x = e ln 2 + log(1 + f) (Cody &
Waite, "Software Manual for the Elementary Functions", 1980, chapter 5). e and f are taken from the
bits of x, from which those of 2/3 are subtracted so that the exponent turns where f does.
"""

from __future__ import annotations

from typing import Final

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compositions import polynomial
from baregrad.compiler.vector.functions.exponential import exp_of_minus_absolute
from baregrad.compiler.vector.program import Value

INFINITY: Final = float("inf")
NAN: Final = float("nan")
LN2: Final = float.fromhex("0x1.62e43p-1")
TWO_THIRDS_BITS: Final = 0x3F2AAAAB
FRACTION_BITS: Final = 23
FRACTION: Final = (1 << FRACTION_BITS) - 1
EXPONENT: Final = 0xFF800000
SMALLEST_NORMAL: Final = 2.0**-126
# minimax: log(1 + f) = f + f**2 p(f), relative error 2**-27.6
_LOG: Final = tuple(
    float.fromhex(c)
    for c in (
        "-0x1p-1",
        "0x1.555502p-2",
        "-0x1.ffff12p-3",
        "0x1.99d1c4p-3",
        "-0x1.559858p-3",
        "0x1.1ec0fep-3",
        "-0x1.f39eeep-4",
        "0x1.1ec5e2p-3",
        "-0x1.06e0c2p-3",
    )
)


def make_normal(b: Builder, x: Value) -> tuple[Value, Value]:
    """x * 2**-e and e, where e is 0 unless x is denormal (or negative)."""
    denormal = b.compare("less", x, SMALLEST_NORMAL)
    return b.select(denormal, b.multiply(x, 2.0**25), x), b.select(denormal, -25.0, 0.0)


def log(b: Builder, x: Value) -> Value:
    """The natural logarithm; -infinity at 0, NaN below. Error below 0.94 ULP, monotone."""
    normal, shift = make_normal(b, x)
    position = b.subtract_int(b.bits(normal), TWO_THIRDS_BITS)
    exponent = b.add(b.to_float(b.shift_right_signed(position, FRACTION_BITS)), shift)
    mantissa = b.add_int(b.bit_and(position, FRACTION), TWO_THIRDS_BITS)
    result = _log_of_parts(b, exponent, b.subtract(b.float_from_bits(mantissa), 1.0))
    return _with_poles(b, x, 0.0, result)


def _log_of_parts(b: Builder, exponent: Value, f: Value) -> Value:
    """log(2**exponent * (1 + f))."""
    log_mantissa = b.fma(polynomial(b, f, _LOG), b.multiply(f, f), f)
    return b.fma(exponent, LN2, log_mantissa)


def _with_poles(b: Builder, x: Value, pole: float, result: Value) -> Value:
    """-infinity at the pole, NaN below, and what is not finite as it was."""
    result = b.select(b.compare("less", x, INFINITY), result, x)
    result = b.select(b.compare("greater", x, pole), result, NAN)
    return b.select(b.compare("equal", x, pole), -INFINITY, result)


def log1p(b: Builder, x: Value) -> Value:
    """log(1 + x), exact to the last digits near 0; -infinity at -1, NaN below.

    Error below 1.55 ULP.
    """
    result = _with_poles(b, x, -1.0, log1p_between(b, x))
    return b.copy_sign(result, x)  # which -0 has lost


def log1p_between(b: Builder, x: Value) -> Value:
    """log(1 + x) for finite x > -1, and NaN.

    f = (1 + x) 2**-e - 1 is rounded once, though 1 + x is not representable. The power of two is
    taken four times as large, lest it be denormal.
    """
    position = b.subtract_int(b.bits(b.add(x, 1.0)), TWO_THIRDS_BITS)
    exponent = b.to_float(b.shift_right_signed(position, FRACTION_BITS))
    power = b.float_from_bits(
        b.subtract_int((127 + 2) << FRACTION_BITS, b.bit_and(position, EXPONENT))
    )
    f = b.fma(b.multiply(x, power), 0.25, b.fms(power, 0.25, 1.0))
    return _log_of_parts(b, exponent, f)


def softplus(b: Builder, x: Value) -> Value:
    """log(1 + e**x) = max(x, 0) + log(1 + e**-|x|), which neither overflows nor cancels.

    Error below 1.89 ULP.
    """
    return b.add(b.max(0.0, x), log1p_between(b, exp_of_minus_absolute(b, x)))
