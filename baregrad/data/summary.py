"""What is to be known of columns of numbers, found out as their rows go by, in one pass."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence

from baregrad.data.table import Kind, Table
from baregrad.errors import DataError

SAMPLE = 1 << 17  # values, from which quantiles are taken: all of them, if there are not more
DISTINCT = 20  # different values that are told apart, at most
GOLDEN = (math.sqrt(5) - 1) / 2


class Summary:
    """What is known of the numbers that went by.

    Mean and variance of blocks of rows are joined as in T. F. Chan, G. H. Golub and R. J. LeVeque,
    "Algorithms for computing the sample variance: analysis and recommendations" (1983).

    Attributes:
        missing: how many rows had none.
        count: how many had one.
        lowest: of them, at first infinity.
        highest: of them.
        integral: whether all are integers.
        distinct: the different ones; None if they are more than a few.
        sample: some of them, in the order of their rows.
    """

    def __init__(self) -> None:
        self.missing = 0
        self.count = 0
        self.lowest = math.inf
        self.highest = -math.inf
        self.integral = True
        self.distinct: set[float] | None = set()
        self.sample = array("d")
        self._mean = 0.0
        self._squares = 0.0  # of differences from the mean, their sum

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """That of these numbers; all are in the sample."""
        summary = cls()
        summary.add(values)
        summary.sample.extend(value for value in values if value == value)
        return summary

    @property
    def varied(self) -> bool:
        """Whether there are different ones."""
        return self.lowest < self.highest

    def add(self, values: Sequence[float]) -> None:
        """Takes some more rows into account, NaN where a value is missing."""
        known = [value for value in values if value == value]
        self.missing += len(values) - len(known)
        if not known:
            return
        self.lowest = min(self.lowest, min(known))
        self.highest = max(self.highest, max(known))
        self.integral = self.integral and all(map(float.is_integer, known))
        if self.distinct is not None:
            self.distinct |= set(known)
            self.distinct = self.distinct if len(self.distinct) <= DISTINCT else None
        self._join(len(known), *_mean_and_squares(known))

    def _join(self, count: int, mean: float, squares: float) -> None:
        total, share = self.count + count, count / (self.count + count)
        difference = mean - self._mean
        self._squares += squares + difference * difference * self.count * share
        self._mean = self._mean + difference * share if self.count else mean
        self.count = total

    def mean_and_scale(self, what: str) -> tuple[float, float]:
        """Mean and standard deviation (over n); a deviation of 0 is given as 1.

        Raises:
            DataError: numbers too large to square.
        """
        if not self.varied:
            return self.lowest, 1.0
        if not math.isfinite(self._squares):
            raise DataError(
                f"{what} has numbers too large to square; divide them by a power of ten"
            )
        # A variance can underflow to 0 when the values are not all the same.
        return self._mean, math.sqrt(self._squares / self.count) or 1.0


def _mean_and_squares(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and the sum of squares of differences from it; infinity if they are too large."""
    try:
        mean = math.fsum(values) / len(values)
        return mean, math.fsum([(d := v - mean) * d for v in values])
    except OverflowError:
        return values[0], math.inf


def summaries(
    table: Table, kinds: Mapping[str, Kind], sampled: Collection[str]
) -> dict[str, Summary]:
    """The summaries of some columns, from one pass through the rows.

    Args:
        table: the rows.
        kinds: of the columns: number, boolean or date.
        sampled: those of which there must be samples.

    Raises:
        DataError: a cell is of another kind.
    """
    found = {name: Summary() for name in kinds}
    rows = _sampled_rows(len(table)) if sampled else ()
    start = 0
    for block in table.blocks(kinds):
        end = start + len(block)
        first, last = bisect_left(rows, start), bisect_left(rows, end)
        for name, kind in kinds.items():
            values = block.numbers(name, kind)
            found[name].add(values)
            if name in sampled:
                chosen = (values[row - start] for row in rows[first:last])
                found[name].sample.extend(value for value in chosen if value == value)
        start = end
    return found


def _sampled_rows(count: int) -> Sequence[int]:
    """All rows, or one of each of many intervals of equal length.

    Within its interval it is shifted by a multiple of the golden ratio, modulo 1, so that what
    repeats itself in the table is not met at the same place again and again.
    """
    if count <= SAMPLE:
        return range(count)
    return array("q", [int((i + i * GOLDEN % 1) * count / SAMPLE) for i in range(SAMPLE)])
