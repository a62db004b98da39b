"""Scalar functions that are defined for every float, as IEEE 754-2019 section 9.2 asks.

Python's own raise where the standard gives infinity or NaN. A tensor must not stop half-way, so
these return what the standard says; whoever cares looks for non-finite results afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from baregrad.errors import ArgumentError, DTypeError

INFINITY = math.inf
NAN = math.nan


def divide(x: float, y: float) -> float:
    """x / y, with x / 0 = ±infinity and 0 / 0 = NaN."""
    try:
        return x / y
    except ZeroDivisionError:
        if x == 0 or x != x:
            return NAN
        return math.copysign(INFINITY, x) * math.copysign(1.0, y)


def power(x: float, y: float) -> float:
    """x to the power y; NaN where the result would be complex, ±infinity on overflow.

    Of integers, an exact integer.

    Raises:
        ArgumentError: an integer to a negative power.
        OverflowError: the integer is certainly beyond int64.
    """
    if isinstance(x, int) and isinstance(y, int):
        return _integer_power(x, y)
    try:
        return math.pow(x, y)
    except OverflowError:
        return -INFINITY if x < 0 and y % 2 == 1 else INFINITY
    except ValueError:
        if x == 0:  # a pole: 0 to a negative power
            return math.copysign(INFINITY, x) if y % 2 == 1 else INFINITY
        return NAN


def _integer_power(x: int, y: int) -> int:
    if y < 0:
        raise ArgumentError(
            f"{x} to the negative power {y} is not an integer; make the tensor float first"
        )
    if abs(x) > 1 and y > 63:  # do not spend minutes on digits that nothing can hold
        raise OverflowError(f"{x} to the power {y}")
    return x**y  # type: ignore[no-any-return]  # int, as y >= 0


def truncate(x: float) -> int:
    """The integer part of x.

    Raises:
        DTypeError: infinity or NaN, which have none.
    """
    if not math.isfinite(x):
        raise DTypeError(f"{x} cannot become an integer; replace it first, as with isfinite()")
    return int(x)


def exp(x: float) -> float:
    """e to the power x; infinity on overflow."""
    try:
        return math.exp(x)
    except OverflowError:
        return INFINITY


def expm1(x: float) -> float:
    """e to the power x, less one, exact to the last digits near zero; infinity on overflow."""
    try:
        return math.expm1(x)
    except OverflowError:
        return INFINITY


def log(x: float) -> float:
    """Natural logarithm; -infinity at 0, NaN below."""
    if x > 0:
        return math.log(x)
    return -INFINITY if x == 0 else NAN


def sqrt(x: float) -> float:
    """Square root; NaN below 0."""
    return math.sqrt(x) if x >= 0 else NAN


def _periodic(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: function(x) if math.isfinite(x) else NAN


sin = _periodic(math.sin)
cos = _periodic(math.cos)


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), computed from the side that does not overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)


def softplus(x: float) -> float:
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which neither overflows nor cancels."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def maximum(x: float, y: float) -> float:
    """The larger of two; NaN if either is."""
    return y if y > x or y != y else x
