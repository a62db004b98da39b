"""From measurements to figures: medians, spread, ratios, tables."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """The middle of measurements and how far they lie apart: quartiles and the least."""

    low: float
    median: float
    high: float
    least: float


def spread(values: Sequence[float]) -> Spread:
    """Quartiles by linear interpolation between the sorted values.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("there is nothing to take the median of")
    if len(values) == 1:
        return Spread(*values * 4)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, middle, high, min(values))


def ratio(values: Sequence[float], own: Sequence[float]) -> float:
    """How many times as long `values` are as `own`, by the median over rounds.

    Both of a round were measured one after the other, so a change of the machine's speed in
    between rounds meets both and leaves their ratio as it is.
    """
    return statistics.median(a / b for a, b in zip(values, own, strict=True))


def fastest(measured: Mapping[str, Sequence[float]], names: Iterable[str]) -> str | None:
    """Which of the names that were measured has the least median."""
    present = [name for name in names if measured.get(name)]
    return min(present, key=lambda name: statistics.median(measured[name]), default=None)


def number(value: float) -> str:
    """With three digits that count, or all before the point."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:#.3g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))
