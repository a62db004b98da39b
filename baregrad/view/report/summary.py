"""What is kept of a tensor: a few statistics, a histogram, and some of its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from baregrad.tensor.tensor import Tensor

LARGEST = 512  # numbers that are looked at; of more, every k-th
BINS = 20
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def rounded(value: Any) -> Any:
    """Numbers, in lists and dicts too, with the four digits that are shown; None if not finite."""
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return list(map(rounded, value))
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value


def summary(tensor: Tensor, bins: bool = True) -> list[Any]:
    """Mean, deviation, minimum, maximum, norm, share of zeros, histogram, share not finite.

    The deviation is the standard one and the norm the Euclidean one. Of more than 512 numbers it
    looks at every k-th, and scales the norm up. Numbers that are not finite are left out of the
    others. Without `bins` the histogram is empty.
    """
    data = tensor.array.data
    values: Sequence[float] = data[:: max(1, -(-len(data) // LARGEST))]
    seen = len(values)
    if not math.isfinite(sum(values)):
        values = [v for v in values if math.isfinite(v)]
    if not values:
        return [None] * 6 + ["", float(seen > 0)]
    mean, least, most = sum(values) / len(values), min(values), max(values)
    deviation = math.hypot(*[v - mean for v in values]) / math.sqrt(len(values))
    norm = math.hypot(*values) * math.sqrt(len(data) / seen)
    zeros = list(values).count(0) / len(values)
    shape = histogram(values, least, most) if bins else ""
    return [mean, deviation, least, most, norm, zeros, shape, 1 - len(values) / seen]


def histogram(values: Sequence[float], least: float, most: float) -> str:
    """Twenty digits in base 36, the heights of equal bins from `least` to `most`, the largest z.

    A bin that is not empty has one at least. Empty text if all the values are equal.
    """
    width = (most - least) / BINS
    if not 0 < width < math.inf:
        return ""
    counts = Counter([int((v - least) / width) for v in values])
    counts[BINS - 1] += counts.pop(BINS, 0)  # the largest value
    highest = max(counts.values())
    return "".join(DIGITS[-(-35 * counts[i] // highest)] for i in range(BINS))


def corner(tensor: Tensor, side: int, rows: int) -> list[Any]:
    """The first `side` numbers of each of the first rows; of one row, or one axis, a flat list."""
    width = tensor.shape[-1] if tensor.ndim else 1
    data, shown = tensor.array.data, min(width, side)
    count = min(rows, tensor.size // width if width else 0)
    lines = [list(data[i * width : i * width + shown]) for i in range(count)]
    return lines if tensor.ndim > 1 and rows > 1 else (lines or [[]])[0]
