"""Sums and maxima of vectors, of lanes, and over the rows.

Along a row, lane i of the partial results has the elements i, i + L, i + 2 L, ... where L is the
number of lanes; in a long row of a short expression four of them are combined pairwise before. At
the end the lanes are combined by halves, as `reduce_add` does. Over the rows, partial results are
combined row after row. So the order depends on the kernel and the target, but never on the number
of threads.
"""

from collections.abc import Sequence
from math import inf, nan
from typing import Final, NamedTuple

from baregrad.compiler.kernels.operands import Index, Operand, Place
from baregrad.compiler.vector import compositions
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import LANES, Value

IDENTITIES: Final = {"sum": 0.0, "max": -inf}


def combine(b: Builder, op: str, x: Value, y: Value) -> Value:
    """Lane by lane."""
    return b.add(x, y) if op == "sum" else compositions.maximum(b, x, y)


def combine_all(b: Builder, op: str, vectors: Sequence[Value]) -> Value:
    """Of several vectors, pairwise."""
    while len(vectors) > 1:
        pairs = zip(vectors[::2], vectors[1::2], strict=False)
        rest = vectors[len(vectors) - len(vectors) % 2 :]
        vectors = [*[combine(b, op, x, y) for x, y in pairs], *rest]
    return vectors[0]


def masked(b: Builder, op: str, x: Value, mask: Value | None) -> Value:
    """`x` with what does not change the result in lanes outside the mask."""
    return x if mask is None else b.select(mask, x, IDENTITIES[op])


def across_lanes(b: Builder, op: str, x: Value) -> Value:
    """Of all lanes, in all lanes."""
    if op == "sum":
        return b.reduce_add(x)
    # the processor's maximum may lose a NaN
    spoiled = b.reduce_add(b.select(b.compare("unordered", x, x), nan, 0.0))
    return b.select(b.compare("unordered", spoiled, spoiled), nan, b.reduce_max(x))


class RowsReduction(NamedTuple):
    """A reduction over the rows, whose partial results are in scratch memory.

    Attributes:
        op: ``"sum"`` or ``"max"``.
        by_column: whether there is a result for each column; otherwise there is one vector of
            partial results, whose lanes are combined at the end.
        partial: the row of partial results, or the vector.
    """

    op: str
    by_column: bool
    partial: Operand

    def clear(self, b: Builder, first: Index, last: Index) -> None:
        """Begin anew, for the columns from `first` to before `last`."""
        identity = b.constant(IDENTITIES[self.op])
        if not self.by_column:
            b.store(identity, self.partial.pointer)
            return
        with b.loop(first, last, LANES) as loop:
            b.store(identity, self.partial.pointer, loop.counter)

    def add(self, b: Builder, value: Value, place: Place) -> None:
        """Combine what is at a place with its columns' partial results."""
        place.store(combine(b, self.op, place.load(self.partial), value), self.partial)

    def add_vector(self, b: Builder, value: Value) -> None:
        """Combine all lanes with the vector of partial results."""
        pointer = self.partial.pointer
        b.store(combine(b, self.op, b.load(pointer), value), pointer)

    def result(self, b: Builder, place: Place) -> Value:
        """After the last row."""
        if self.by_column:
            return place.load(self.partial)
        return across_lanes(b, self.op, b.load(self.partial.pointer))
