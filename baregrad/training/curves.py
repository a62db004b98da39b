"""How quantities went, small enough for a line of text or a cell of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from baregrad.tensor.notebook import TABLE, Bundle, bundle, paragraph

BARS, PLAIN_BARS = "▁▂▃▄▅▆▇█", "_.-=+*%#"
WIDTH, HEIGHT = 240, 40  # of a curve in a notebook, in pixels


def sparkline(values: Sequence[float], width: int, bars: str = BARS) -> str:
    """Bars from the lowest to the highest value, each the mean of its part; ? if not finite.

    E. Tufte, Beautiful Evidence (2006), chapter "Sparklines".
    """
    means = averaged(values, width)
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    step = (high / len(bars) - low / len(bars)) or 1.0  # divided first, as the range may overflow
    return "".join(
        bars[min(int(mean / step - low / step), len(bars) - 1)] if math.isfinite(mean) else "?"
        for mean in means
    )


def averaged(values: Sequence[float], count: int) -> list[float]:
    """The means of so many parts of equal length, or as many as there are values."""
    size = len(values)
    cuts = [i * size // min(count, size) for i in range(min(count, size) + 1)] if size else []
    return [
        sum(value / (end - start) for value in values[start:end]) for start, end in pairwise(cuts)
    ]


def shown(title: str, history: Mapping[str, Sequence[float]]) -> Bundle:
    """For notebooks: every quantity with its curve and its last value."""
    plain = [title] + [
        f"{name:<12} {sparkline(values, 40):<40} {values[-1]:.4g}"
        for name, values in history.items()
    ]
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{_svg(values)}</td><td>{values[-1]:.4g}</td></tr>"
        for name, values in history.items()
    )
    return bundle("\n".join(plain), f"{paragraph(title)}{TABLE}{rows}</table>")


def _svg(values: Sequence[float]) -> str:
    """A curve; values that are not finite are left out."""
    means = averaged(values, WIDTH)
    points = [(i, mean) for i, mean in enumerate(means) if math.isfinite(mean)]
    low = min((y for _, y in points), default=0.0)
    high = max((y for _, y in points), default=0.0)
    across, up = WIDTH / max(len(means) - 1, 1), HEIGHT / ((high / 2 - low / 2) or 1.0)
    drawn = " ".join(f"{x * across:.0f},{HEIGHT - (y / 2 - low / 2) * up:.1f}" for x, y in points)
    return (
        f'<svg viewBox="-2 -2 {WIDTH + 4} {HEIGHT + 4}" width="{WIDTH}" height="{HEIGHT}">'
        f'<polyline fill="none" stroke="#0072B2" stroke-width="2" points="{drawn}"/></svg>'
    )
