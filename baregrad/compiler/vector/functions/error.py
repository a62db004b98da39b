"""The error function."""

from __future__ import annotations

from typing import Final

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compositions import polynomial, two_product
from baregrad.compiler.vector.functions.exponential import exp_between
from baregrad.compiler.vector.program import Value

# minimax: erf x = x + x p(s), s = x**2, for |x| < 0.9, relative error 2**-30.2
_ERF: Final = tuple(
    float.fromhex(c)
    for c in (
        "0x1.06eba8p-3",
        "-0x1.812742p-2",
        "0x1.ce2dfap-4",
        "-0x1.b80ee8p-6",
        "0x1.54d5a2p-8",
        "-0x1.aafd0ap-11",
        "0x1.5fff4cp-14",
    )
)
# minimax: 1 - erf x = e**-x**2 p(x - 1.5) for x from 0.9 to 4, error of erf 2**-27.4
_ERFC: Final = tuple(
    float.fromhex(c)
    for c in (
        "0x1.494daep-2",
        "-0x1.4f1956p-3",
        "0x1.37ed5cp-4",
        "-0x1.0dcdbep-5",
        "0x1.b543aep-7",
        "-0x1.5069fp-8",
        "0x1.043b9cp-9",
        "-0x1.7278fcp-11",
        "0x1.1f13a2p-13",
    )
)
_ERFC_CENTRE: Final = 1.5
_SMALL: Final = 0.9
_SATURATED: Final = 4.0  # from 3.92 on the result rounds to 1


def erf(b: Builder, x: Value) -> Value:
    """2 / sqrt(pi) times the integral of e**-t**2 from 0 to x.

    A polynomial for small x, else 1 - e**-x**2 p(x - 1.5). The rounding error of the square, which
    would break monotony, is made good: e**-(s + d) = e**-s (1 - d). Error below 0.91 ULP, monotone.
    """
    magnitude = b.absolute(x)
    small = b.fma(polynomial(b, b.multiply(x, x), _ERF), magnitude, magnitude)
    bounded = b.min(_SATURATED, magnitude)
    square, rest = two_product(b, bounded, bounded)
    factor = polynomial(b, b.subtract(bounded, _ERFC_CENTRE), _ERFC)
    factor = b.fnma(factor, rest, factor)
    large = b.fnma(exp_between(b, b.negate(square)), factor, 1.0)
    return b.copy_sign(b.select(b.compare("less", magnitude, _SMALL), small, large), x)
