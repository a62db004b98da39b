"""The hyperbolic tangent."""

from __future__ import annotations

from typing import Final

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compositions import polynomial
from baregrad.compiler.vector.functions.exponential import exp_between
from baregrad.compiler.vector.program import Value

# minimax: tanh x = x + x s p(s), s = x**2, for |x| < 0.625, relative error 2**-27.7
_TANH: Final = tuple(
    float.fromhex(c)
    for c in (
        "-0x1.555532p-2",
        "0x1.110704p-3",
        "-0x1.b838ap-5",
        "0x1.5211c4p-6",
        "-0x1.758facp-8",
    )
)
_SMALL: Final = 0.625
_SATURATED: Final = 10.0  # from 9.02 on the result rounds to 1


def tanh(b: Builder, x: Value) -> Value:
    """tanh x: a polynomial for small x, else 1 - 2 / (e**2x + 1) with the sign of x.

    Error below 1.34 ULP, monotone.
    """
    magnitude = b.absolute(x)
    square = b.multiply(x, x)
    small = b.fma(b.multiply(polynomial(b, square, _TANH), square), magnitude, magnitude)
    bounded = b.min(_SATURATED, magnitude)
    power = exp_between(b, b.add(bounded, bounded))
    large = b.subtract(1.0, b.divide(2.0, b.add(power, 1.0)))
    return b.copy_sign(b.select(b.compare("less", magnitude, _SMALL), small, large), x)
