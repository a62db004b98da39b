"""Scaling of numbers, so that a network sees values of order 1, whatever their unit."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, get_args

from baregrad.data.summary import Summary
from baregrad.errors import unknown_name

ScalingName: TypeAlias = Literal["standard", "robust", "quantile"]
SCALINGS: tuple[ScalingName, ...] = get_args(ScalingName)

BOUND = 3.0  # what robust scaling keeps values within
QUANTILES = 1000  # at most so many points of a distribution are kept
FARTHEST = 5.2  # quantile scaling keeps values within; beyond it one in ten million is expected


class Scaling:
    """From the numbers of a column to features, learned from training rows.

    ``"standard"``: (x - mean) / standard deviation.

    ``"robust"``: z = (x - median) / (third - first quartile), then z / sqrt(1 + (z / 3)²), which
    keeps outliers within ±3; if the quartiles are equal, half of the range takes the place of
    their difference. Of D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
    pre-tuned MLPs and boosted trees on tabular data" (2024), section 3.

    ``"quantile"``: the value of the standard normal distribution that has the same share of values
    below it as x has among the training values, between which it is interpolated; so whatever the
    distribution was, it is nearly normal. Values beyond those of training are taken for the
    smallest or largest of them.

    Attributes:
        name: one of these.
        center: mean or median.
        scale: what differences from it are divided by, above 0.
        points: for ``"quantile"`` the quantiles of the training values at equal shares, ascending.
    """

    __slots__ = ("center", "name", "points", "scale")

    def __init__(
        self, name: ScalingName, center: float, scale: float, points: Sequence[float] = ()
    ) -> None:
        self.name = name
        self.center = center
        self.scale = scale
        self.points = list(points)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scaling) and self.state() == other.state()

    __hash__ = None  # type: ignore[assignment]  # equal by value

    def __call__(self, values: Sequence[float]) -> list[float]:
        """The scaled values; 0, which is the center, for NaN."""
        scaled = self._scaled(values)
        total = sum(scaled)
        if total == total:  # then none is NaN
            return scaled
        return [0.0 if v != v else f for v, f in zip(values, scaled, strict=True)]

    def _scaled(self, values: Sequence[float]) -> list[float]:
        center, scale = self.center, self.scale
        if self.name == "quantile":
            return list(map(self._normal(), values))
        scaled = [(value - center) / scale for value in values]
        return list(map(smoothly_clipped, scaled)) if self.name == "robust" else scaled

    def _normal(self) -> Callable[[float], float]:
        from statistics import NormalDist  # slow to import, and only this scaling needs it

        inverse, points, last = NormalDist().inv_cdf, self.points, len(self.points) - 1

        def normal(value: float) -> float:
            if value != value:
                return 0.0
            if value <= points[0]:
                return -FARTHEST
            if value >= points[-1]:
                return FARTHEST
            after = bisect_left(points, value)
            share = (after - (points[after] - value) / (points[after] - points[after - 1])) / last
            return max(-FARTHEST, min(inverse(share), FARTHEST))

        return normal

    def state(self) -> dict[str, Any]:
        """The scaling as JSON can hold it."""
        return {slot: getattr(self, slot) for slot in ("name", "center", "scale", "points")}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Scaling:
        """The scaling that `state` described.

        Raises:
            ValueError, TypeError, KeyError: it described none.
        """
        center, scale = checked_scaling(state["center"], state["scale"])
        points = [finite(point) for point in state["points"]]
        if state["name"] not in SCALINGS:
            raise ValueError(f"scaling {state['name']!r}")
        if state["name"] == "quantile" and (len(points) < 2 or points != sorted(points)):
            raise ValueError("quantiles must be two or more, in ascending order")
        return cls(state["name"], center, scale, points)


def smoothly_clipped(value: float) -> float:
    """x / sqrt(1 + (x / 3)²): nearly x around 0, and never beyond ±3."""
    if math.isinf(value):
        return math.copysign(BOUND, value)
    return value / math.hypot(1.0, value / BOUND)


def checked_scaling_name(name: ScalingName) -> ScalingName:
    """`name`, if it is that of a scaling.

    Raises:
        ArgumentError: it is not.
    """
    if name not in SCALINGS:
        raise unknown_name("scaling", name, SCALINGS)
    return name


def fitted_scaling(name: ScalingName, summary: Summary, what: str) -> Scaling:
    """A scaling, learned from training values, of which there must be some.

    ``"standard"`` is learned from all of them, the others from the sample in the summary.

    Raises:
        DataError: numbers too large to square.
    """
    if name == "standard":
        return Scaling(name, *summary.mean_and_scale(what))
    ordered = sorted(summary.sample)
    median = quantile(ordered, 0.5)
    if name == "robust":
        return Scaling(name, median, robust_scale(ordered))
    count = max(2, min(QUANTILES, len(ordered)))
    points = [quantile(ordered, i / (count - 1)) for i in range(count)]
    return Scaling(name, median, 1.0, points)


def robust_scale(ordered: Sequence[float]) -> float:
    """The difference of the quartiles, or else half of the range, or else 1."""
    spread = quantile(ordered, 0.75) - quantile(ordered, 0.25)
    scale = spread or (ordered[-1] - ordered[0]) / 2 or 1.0
    return scale if math.isfinite(scale) else 1e308


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of ascending values lies, interpolated linearly.

    This is definition 7 of R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages"
    (1996).
    """
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    part = place - low
    return ordered[low] * (1 - part) + ordered[high] * part


def checked_scaling(center: object, scale: object) -> tuple[float, float]:
    """A center and a scale, if they are finite numbers and the scale is above 0."""
    checked = finite(center), finite(scale)
    if checked[1] <= 0:
        raise ValueError(f"a scale must be above 0, not {scale!r}")
    return checked


def finite(value: object) -> float:
    """`value`, if it is a finite number."""
    if not isinstance(value, float | int) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a finite number")
    return float(value)
