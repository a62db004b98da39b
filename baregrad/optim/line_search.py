"""How far to go along a direction: a line search for the strong Wolfe conditions.

With φ(t) the loss at distance t, these are J. Nocedal and S. Wright, "Numerical optimization",
2nd edition, 2006, equations 3.7:

    φ(t) ≤ φ(0) + c₁ t φ'(0)      the loss falls enough for the distance
    |φ'(t)| ≤ c₂ |φ'(0)|          and is not steep any more
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from baregrad.engines import ieee
from baregrad.tensor.tensor import Tensor

C1, C2 = 1e-4, 0.9  # what Nocedal and Wright suggest for quasi-Newton methods


class Point(NamedTuple):
    """A place on the line: the distance t, φ(t), φ'(t), and the gradient there, (elements,)."""

    t: float
    loss: float
    slope: float
    gradient: Tensor


Phi = Callable[[float], Point]


def strong_wolfe(
    phi: Phi, start: Point, t: float, longest: float, tolerance: float, trials: int
) -> Point:
    """A point with the strong Wolfe conditions, or else the lowest found.

    Args:
        phi: evaluates the loss at a distance.
        start: the point at distance 0; the slope there is negative.
        t: the first distance to try.
        longest: the largest element of the direction, in absolute value.
        tolerance: an interval in which no element moves further than this is not searched.
        trials: how many more distances to try at most.
    """
    low, high, trials = _bracket(phi, start, t, trials)
    close = False  # whether the last distance was close to an end of the interval
    while trials > 0 and abs(high.t - low.t) * longest >= tolerance:
        t, close = _between(low, high, close)
        point = phi(t)
        trials -= 1
        if not _falls(point, start) or point.loss >= low.loss:
            low, high = (point, low) if point.loss < low.loss else (low, point)
        elif _is_flat(point, start):
            return point
        else:
            low, high = point, (low if point.slope * (high.t - low.t) >= 0 else high)
    return low


def _bracket(phi: Phi, start: Point, t: float, trials: int) -> tuple[Point, Point, int]:
    """An interval that contains points with the conditions (Nocedal and Wright, algorithm 3.5).

    Returns:
        Its lower and its higher end, or the same point twice if it has the conditions; and how
        many trials are left.
    """
    before, point = start, phi(t)
    for trial in range(trials):
        rises = trial > 1 and point.loss >= before.loss
        if rises or not _falls(point, start):
            return *_by_loss(before, point), trials - trial
        if _is_flat(point, start):
            return point, point, 0
        if point.slope >= 0:
            return *_by_loss(before, point), trials - trial
        shortest, furthest = point.t + 0.01 * (point.t - before.t), 10 * point.t
        before, point = point, phi(_cubic_minimum(before, point, shortest, furthest))
    return *_by_loss(start, point), 0


def _falls(point: Point, start: Point) -> bool:
    """The first condition; never true of a loss that is NaN."""
    return point.loss <= start.loss + C1 * point.t * start.slope


def _is_flat(point: Point, start: Point) -> bool:
    """The second condition."""
    return abs(point.slope) <= -C2 * start.slope


def _by_loss(before: Point, after: Point) -> tuple[Point, Point]:
    return (after, before) if after.loss < before.loss else (before, after)


def _between(low: Point, high: Point, was_close: bool) -> tuple[float, bool]:
    """The next distance to try in an interval, and whether it is close to an end.

    Twice in a row close to an end, or on it, is too little progress: then it is moved inwards by
    a tenth of the interval.
    """
    left, right = sorted((low.t, high.t))
    t = _cubic_minimum(low, high, left, right)
    tenth = 0.1 * (right - left)
    if min(right - t, t - left) >= tenth:
        return t, False
    if was_close or t in (left, right):
        return (right - tenth if right - t < t - left else left + tenth), False
    return t, True


def _cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic with these losses and slopes is least, kept between `low` and `high`.

    Nocedal and Wright, equation 3.59; half-way if there is no such place.
    """
    left, right = (a, b) if a.t <= b.t else (b, a)
    d1 = left.slope + right.slope - 3 * ieee.divide(left.loss - right.loss, left.t - right.t)
    d2 = ieee.sqrt(d1 * d1 - left.slope * right.slope)
    share = ieee.divide(right.slope + d2 - d1, right.slope - left.slope + 2 * d2)
    t = right.t - (right.t - left.t) * share
    return (low + high) / 2 if math.isnan(t) else min(max(t, low), high)
