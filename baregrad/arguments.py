"""Checks of the numbers that functions are given: what is out of range is refused in words."""

from __future__ import annotations

from math import inf
from numbers import Integral, Real
from operator import ge, gt, le, lt
from typing import TypeGuard

from baregrad.errors import ArgumentError


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a real number, of any library's; a bool is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def python_number(value: float) -> float:
    """A real number, of any library's, as an int or float."""
    return int(value) if isinstance(value, Integral) else float(value)


def checked_count(value: object, what: str, least: int = 1) -> int:
    """A whole number that is large enough, as an int.

    Raises:
        ArgumentError: it is not.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ArgumentError(f"{what} must be an integer of at least {least}, not {value!r}")
    return int(value)


def checked_number(
    value: object,
    what: str,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> float:
    """A real number within bounds, as an int or float; below infinity, it is finite.

    Raises:
        ArgumentError: it is not.
    """
    bounds = [
        *(("above", gt, above), ("of at least", ge, least)),
        *(("below", lt, below), ("at most", le, most)),
    ]
    given = [(word, holds, bound) for word, holds, bound in bounds if bound is not None]
    if not is_number(value) or not all(holds(value, bound) for _, holds, bound in given):
        words = ["finite" if bound == inf else f"{word} {bound:g}" for word, _, bound in given]
        raise ArgumentError(f"{what} must be a number {' and '.join(words)}, not {value!r}")
    return python_number(value)
