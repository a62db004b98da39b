"""Squares of lanes: as many vectors as a vector has lanes.

Both functions are the perfect shuffle applied over and over (Stone, "Parallel processing with the
perfect shuffle", 1971): vector i is interleaved with vector i + lanes/2.
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value


def transpose_square(builder: Builder, rows: Sequence[Value]) -> list[Value]:
    """Vector j of the result has lane j of all `rows`; there are as many rows as lanes."""
    vectors = list(rows)
    half = len(vectors) // 2
    low, high = builder.interleave_low, builder.interleave_high
    for _ in range(half.bit_length()):
        pairs = list(zip(vectors[:half], vectors[half:], strict=True))
        vectors = [half_of(a, b) for a, b in pairs for half_of in (low, high)]
    return vectors


def sum_each(builder: Builder, vectors: Sequence[Value], lanes: int) -> Value:
    """Lane i is the sum of the lanes of vector i, in the order in which `reduce_add` adds them.

    There may be fewer vectors than lanes; the lanes of those that are missing are 0.
    """
    b, zero = builder, builder.constant(0.0)
    sums: list[Value | None] = [*vectors, *[None] * (lanes - len(vectors))]
    while len(sums) > 1:
        half = len(sums) // 2
        sums = [
            b.add(b.interleave_low(x or zero, y or zero), b.interleave_high(x or zero, y or zero))
            if x or y
            else None
            for x, y in zip(sums[:half], sums[half:], strict=True)
        ]
    return sums[0] or zero
