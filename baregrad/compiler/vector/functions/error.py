"""The error function."""

from typing import Final

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compositions import polynomial
from baregrad.compiler.vector.functions.exponential import exp_between
from baregrad.compiler.vector.program import Value

# minimax: erf x = x + x p(s), s = x**2, for |x| < 1, relative error 2**-29.3
_ERF: Final = tuple(
    float.fromhex(c)
    for c in (
        "0x1.06eba8p-3",
        "-0x1.81273ep-2",
        "0x1.ce2cf2p-4",
        "-0x1.b7f88cp-6",
        "0x1.540172p-8",
        "-0x1.a3d812p-11",
        "0x1.4917a4p-14",
    )
)
# minimax: log(1 - erf x) = p(x) for x from 1 to 4, error of erf 2**-35.7
_TAIL: Final = tuple(
    float.fromhex(c)
    for c in (
        "0x1.a7c2a6p-13",
        "-0x1.2130b4p+0",
        "-0x1.442128p-1",
        "-0x1.bcdadcp-4",
        "0x1.9f53b4p-6",
        "-0x1.17e82cp-8",
        "0x1.e2e1cp-12",
        "-0x1.9fd70ap-16",
        "0x1.cd49ccp-23",
    )
)
_SATURATED: Final = 4.0  # from 3.92 on the result rounds to 1


def erf(b: Builder, x: Value) -> Value:
    """2 / sqrt(pi) times the integral of e**-t**2 from 0 to x."""
    magnitude = b.absolute(x)
    small = b.fma(polynomial(b, b.multiply(x, x), _ERF), magnitude, magnitude)
    complement = exp_between(b, polynomial(b, b.min(_SATURATED, magnitude), _TAIL))
    large = b.subtract(1.0, complement)
    return b.copy_sign(b.select(b.compare("less", magnitude, 1.0), small, large), x)
