"""exp, expm1 and the logistic function.

x = n ln 2 + r with integer n and |r| <= ln(2) / 2, so that e**x = 2**n e**r (Cody & Waite,
"Software Manual for the Elementary Functions", 1980, chapter 6). The product n ln 2 is subtracted
in two parts; the first subtraction is exact.
"""

from __future__ import annotations

from typing import Final

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compositions import fast_two_sum, polynomial
from baregrad.compiler.vector.program import Value

LOG2_E: Final = float.fromhex("0x1.715476p+0")
LN2_HIGH: Final = float.fromhex("0x1.62e43p-1")
LN2_LOW: Final = float.fromhex("-0x1.05c61p-29")
# minimax: exp(r) = 1 + r + r**2 p(r), relative error 2**-28.3
_EXP: Final = tuple(
    float.fromhex(c)
    for c in ("0x1.fffffcp-2", "0x1.555492p-3", "0x1.5558acp-5", "0x1.12397cp-7", "0x1.6a519p-10")
)
# beyond these e**x is infinite, is less than half the smallest denormal, or is less than half an
# ULP of 1
_OVERFLOWS: Final = 89.0
_VANISHES: Final = -104.0
_VANISHES_BESIDE_1: Final = -20.0


def _expm1_reduced(b: Builder, x: Value) -> tuple[Value, Value]:
    """n and e**r - 1, for |x| up to about 2**17.

    The polynomial is added to r last, so that its errors stay small beside the distance to the next
    argument, and the result is monotone.
    """
    n = b.round(b.multiply(x, LOG2_E))
    r = b.fnma(n, LN2_LOW, b.fnma(n, LN2_HIGH, x))
    return n, b.fma(polynomial(b, r, _EXP), b.multiply(r, r), r)


def exp_between(b: Builder, x: Value) -> Value:
    """e**x for x from -104 to 89, and NaN."""
    n, p = _expm1_reduced(b, x)
    return b.scale(b.add(p, 1.0), n)


def exp(b: Builder, x: Value) -> Value:
    """e**x; error below 1.02 ULP, monotone."""
    return exp_between(b, b.max(_VANISHES, b.min(_OVERFLOWS, x)))


def expm1(b: Builder, x: Value) -> Value:
    """e**x - 1, exact to the last digits near 0; error below 1.47 ULP.

    2**n p + (2**n - 1) with p = e**r - 1; all of it halved, since 2**n may be beyond float32 where
    the result is not.
    """
    n, p = _expm1_reduced(b, b.max(_VANISHES_BESIDE_1, b.min(_OVERFLOWS, x)))
    half_power = b.scale(b.constant(0.5), n)
    half = b.fma(half_power, p, b.subtract(half_power, 0.5))
    # a denormal cannot be halved
    result = b.select(b.compare("equal", n, 0.0), p, b.add(half, half))
    return b.copy_sign(result, x)


def exp_of_minus_absolute(b: Builder, x: Value) -> Value:
    """e**-|x|."""
    return exp_between(b, b.max(_VANISHES, b.negate(b.absolute(x))))


def sigmoid(b: Builder, x: Value) -> Value:
    """1 / (1 + e**-x), computed from the side that does not overflow; error below 1.99 ULP."""
    e = exp_of_minus_absolute(b, x)
    total, lost = fast_two_sum(b, b.constant(1.0), e)
    quotient = b.divide(b.select(b.compare("less", x, 0.0), e, 1.0), total)
    # what the sum has lost counts for half a unit; 1 / total is only needed to a twentieth
    return b.fnma(quotient, b.multiply(lost, b.fnma(total, 0.5, 1.457)), quotient)
