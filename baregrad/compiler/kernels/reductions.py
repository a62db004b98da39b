"""Sums and maxima of vectors, of lanes, and over the rows.

Along a row, lane i of the partial results has the elements i, i + L, i + 2 L, ... where L is the
number of lanes; in a long row of a short expression four of them are combined pairwise before. At
the end the lanes are combined by halves, as `reduce_add` does. Over the rows, partial results are
combined row after row. So the order depends on the kernel and the target, but never on the number
of threads.
"""

from collections.abc import Sequence
from math import inf, nan
from typing import Final

from baregrad.compiler.kernels import arithmetic, integers
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.integers import Vector, Wide, single
from baregrad.compiler.kernels.operands import Index, Operand, Place, Tile
from baregrad.compiler.vector import compositions
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.engines.array import DType
from baregrad.record import Record

_LEAST: Final = {"float32": -inf, "int64": -(1 << 63)}


def identity(b: Builder, op: str, dtype: DType) -> Vector:
    """What does not change the result of a ``"sum"`` or ``"max"``.

    Raises:
        UnsupportedKernelError: there is no vector code for the data type.
    """
    if dtype not in _LEAST:
        raise UnsupportedKernelError(f"there is no vector code for a {op} of {dtype}")
    return arithmetic.constant(b, 0 if op == "sum" else _LEAST[dtype], dtype)


def combine(b: Builder, op: str, x: Vector, y: Vector) -> Vector:
    """Lane by lane."""
    if isinstance(x, Wide) and isinstance(y, Wide):
        return integers.add(b, x, y) if op == "sum" else integers.maximum(b, x, y)
    function = Builder.add if op == "sum" else compositions.maximum
    return function(b, single(x), single(y))


def combine_all(b: Builder, op: str, vectors: Sequence[Vector]) -> Vector:
    """Of several vectors, pairwise."""
    while len(vectors) > 1:
        pairs = zip(vectors[::2], vectors[1::2], strict=False)
        rest = vectors[len(vectors) - len(vectors) % 2 :]
        vectors = [*[combine(b, op, x, y) for x, y in pairs], *rest]
    return vectors[0]


def masked(b: Builder, op: str, x: Vector, mask: Value | None) -> Vector:
    """`x` with what does not change the result in lanes outside the mask."""
    if mask is None:
        return x
    return integers.select(b, mask, x, identity(b, op, dtype_of(x)))


def dtype_of(x: Vector) -> DType:
    """The data type of what is reduced."""
    return "int64" if isinstance(x, Wide) else "float32"


def across_lanes(b: Builder, op: str, x: Vector) -> Vector:
    """Of all lanes, in all lanes."""
    if isinstance(x, Wide):
        return integers.lanes_sum(b, x) if op == "sum" else integers.lanes_max(b, x)
    if op == "sum":
        return b.reduce_add(x)
    # the processor's maximum may lose a NaN
    spoiled = b.reduce_add(b.select(b.compare("unordered", x, x), nan, 0.0))
    return b.select(b.compare("unordered", spoiled, spoiled), nan, b.reduce_max(x))


class RowsReduction(Record):
    """A reduction over the rows, whose partial results are in scratch memory.

    Attributes:
        op: ``"sum"`` or ``"max"``.
        by_column: whether there is a result for each column; otherwise there is one vector of
            partial results, whose lanes are combined at the end.
        partial: the row of partial results, or the vector.
        lanes: of a vector.
    """

    op: str
    by_column: bool
    partial: Operand
    lanes: int

    def clear(self, b: Builder, first: Index, last: Index) -> None:
        """Begin anew, for the columns from `first` to before `last`."""
        nothing = identity(b, self.op, self.partial.dtype)
        if not self.by_column:
            self._vector(b).store(nothing, self.partial)
            return
        with b.loop(first, last, self.lanes) as loop:
            Place(Tile(b, 0, loop.counter), 0, 0, self.lanes, None).store(nothing, self.partial)

    def add(self, b: Builder, value: Vector, place: Place) -> None:
        """Combine what is at a place with its columns' partial results."""
        place.store(combine(b, self.op, place.load(self.partial), value), self.partial)

    def add_vector(self, b: Builder, value: Vector) -> None:
        """Combine all lanes with the vector of partial results."""
        self.add(b, value, self._vector(b))

    def result(self, b: Builder, place: Place) -> Vector:
        """After the last row."""
        if self.by_column:
            return place.load(self.partial)
        return across_lanes(b, self.op, self._vector(b).load(self.partial))

    def _vector(self, b: Builder) -> Place:
        """The place of the vector of partial results."""
        return Place(Tile(b, 0, 0), 0, 0, self.lanes, None)
