"""Squares of lanes: as many vectors as a vector has lanes.

Both functions are the perfect shuffle applied over and over (Stone, "Parallel processing with the
perfect shuffle", 1971): vector i is interleaved with vector i + lanes/2.
"""

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


def sum_each(builder: Builder, vectors: Sequence[Value]) -> Value:
    """Lane i is the sum of the lanes of vector i, in the order in which `reduce_add` adds them."""
    vectors = list(vectors)
    low, high = builder.interleave_low, builder.interleave_high
    while len(vectors) > 1:
        half = len(vectors) // 2
        pairs = zip(vectors[:half], vectors[half:], strict=True)
        vectors = [builder.add(low(a, b), high(a, b)) for a, b in pairs]
    return vectors[0]
