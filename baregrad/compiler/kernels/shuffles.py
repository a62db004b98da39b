"""Squares of lanes: as many vectors as a vector has lanes."""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value


def transpose_square(builder: Builder, rows: Sequence[Value]) -> list[Value]:
    """Vector j of the result has lane j of all `rows`; there are as many rows as lanes.

    First squares of four by four lanes are transposed, each where it is; then the square of these.
    """
    fours = [_transpose_fours(builder, *rows[at : at + 4]) for at in range(0, len(rows), 4)]
    columns = [_gather_fours(builder, column) for column in zip(*fours, strict=True)]
    return [vector for of_four in zip(*columns, strict=True) for vector in of_four]


def _transpose_fours(b: Builder, r0: Value, r1: Value, r2: Value, r3: Value) -> list[Value]:
    """Within each four lanes."""
    low, high = b.shuffle("low_lanes", r0, r1), b.shuffle("high_lanes", r0, r1)
    low2, high2 = b.shuffle("low_lanes", r2, r3), b.shuffle("high_lanes", r2, r3)
    return [
        b.shuffle(half, x, y)
        for x, y in ((low, low2), (high, high2))
        for half in ("low_pairs", "high_pairs")
    ]


def _gather_fours(b: Builder, vectors: Sequence[Value]) -> Sequence[Value]:
    """Vector j of the result has the four lanes number j of all, which are as many as fours."""
    if len(vectors) == 1:
        return vectors
    pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
    even, odd = (
        _gather_fours(b, [b.shuffle(which, x, y) for x, y in pairs])
        for which in ("even_fours", "odd_fours")
    )
    return [vector for both in zip(even, odd, strict=True) for vector in both]


def sum_each(builder: Builder, vectors: Sequence[Value], lanes: int) -> Value:
    """Lane i is the sum of the lanes of vector i, in the order in which `reduce_add` adds them.

    There may be fewer vectors than lanes; the lanes of those that are missing are 0. It is the
    perfect shuffle applied over and over (Stone, "Parallel processing with the perfect shuffle",
    1971), with an addition each time: vector i is interleaved with vector i + lanes/2.
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
