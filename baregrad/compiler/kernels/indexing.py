"""Index kernels: rows chosen by integers, rows added up at integers, the place of the largest.

The work is cut into blocks of rows; of rows that are added up, whose order matters, into blocks of
columns.
"""

from collections.abc import Callable, Sequence
from typing import Final

from baregrad.compiler.kernel import ITEMSIZE
from baregrad.compiler.kernel import Index as IndexKernel
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.expression import Pointers
from baregrad.compiler.kernels.integers import (
    Vector,
    Wide,
    equal,
    flat,
    lanes_min,
    less,
    select,
    shaped,
    single,
)
from baregrad.compiler.kernels.loops import Span, within
from baregrad.compiler.kernels.operands import ELEMENT, Index, Operand, Place, Tile, moved
from baregrad.compiler.kernels.plan import round_up
from baregrad.compiler.kernels.reductions import across_lanes, combine, identity, masked
from baregrad.compiler.kernels.sweep import UNROLL, Stretch, sweep
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import DType
from baregrad.record import Record

Visit = Callable[[Place], None]

# elements of a block, about
_BLOCK: Final = 4096
_INDEX_BYTES: Final = 8
# beyond all places, which are an int32 while the largest is looked for
_NOWHERE: Final = (1 << 31) - 1


class IndexPlan(Record):
    """How an index kernel is computed.

    Attributes:
        kernel: the kernel.
        lanes: of a vector.
        rows: of what is gone through: the target's where rows are chosen, else the source's.
        columns: in elements of `dtype`.
        size: rows of a block of the work, or columns where rows are added up.
    """

    kernel: IndexKernel
    lanes: int
    rows: int
    columns: int
    size: int

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        length = self.columns if self.kernel.op == "scatter_add" else self.rows
        return max(-(-length // self.size), 1)

    @property
    def dtype(self) -> DType:
        """Of the elements; what is copied are words of 4 bytes, whatever they mean."""
        return "float32" if self.kernel.op == "take" else self.kernel.source.dtype

    @property
    def scratch_bytes(self) -> int:
        """None is needed."""
        return 0

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks; see `maps.MapPlan`."""
        b, kernel = builder, self.kernel
        source = Operand(pointers[kernel.source.number], self.columns, 1, self.dtype)
        target = Operand(pointers[kernel.target.number], self.columns, 1, self.dtype)
        if kernel.op == "argmax":
            places = Operand(target.pointer, 1, 0, "int64")
            with b.loop(*within(b, blocks, self.size, self.rows)) as loop:
                self._largest(b, loop.counter, source, places)
            return
        assert kernel.indices is not None
        indices = pointers[kernel.indices.number]
        if kernel.op == "take":
            with b.loop(*within(b, blocks, self.size, self.rows)) as loop:
                row = _index(b, indices, loop.counter, kernel.rows)
                self._copy(b, loop.counter, _row(b, source, row), target)
        else:
            self._add_up(b, indices, source, target, within(b, blocks, self.size, self.columns))

    def _sweep(self, b: Builder, row: Index, columns: Span, visit: Visit) -> None:
        """`visit` all places of a row."""

        def body(places: Sequence[Place], _: Sequence[Value]) -> Sequence[Value]:
            for place in places:
                visit(place)
            return ()

        stretch = Stretch(row, *columns, self.columns, self.lanes)
        sweep(b, stretch, UNROLL, (), body)

    def _copy(self, b: Builder, row: Value, source: Operand, target: Operand) -> None:
        """One row; its source is given."""
        self._sweep(
            b, row, (0, self.columns), lambda place: place.store(place.load(source), target)
        )

    def _add_up(
        self, b: Builder, indices: Value, source: Operand, target: Operand, columns: Span
    ) -> None:
        """All rows, in order."""
        zero = identity(b, "sum", self.dtype)
        rows = self.kernel.target.size // max(self.columns, 1)
        with b.loop(0, rows) as loop:
            self._sweep(b, loop.counter, columns, lambda place: place.store(zero, target))
        with b.loop(0, self.rows) as loop:
            row = _index(b, indices, loop.counter, rows)
            to = _row(b, target, row)

            def add(place: Place) -> None:
                place.store(combine(b, "sum", place.load(to), place.load(source)), to)

            self._sweep(b, loop.counter, columns, add)

    def _largest(self, b: Builder, row: Value, source: Operand, target: Operand) -> None:
        """The place of the first largest element, or of the first NaN, in one row."""
        lane = b.iota()
        nothing = identity(b, "max", self.dtype)
        is_column = b.mask_below(self.columns)
        initial = [*flat([nothing]), b.select(is_column, lane, b.constant_int(_NOWHERE)), lane]

        def body(places: Sequence[Place], carried: Sequence[Value]) -> Sequence[Value]:
            (best,), (where, here) = shaped(carried[:-2], [nothing]), carried[-2:]
            for place in places:
                x = masked(b, "max", place.load(source), place.mask)
                better = _is_better(b, x, best)
                best, where = select(b, better, x, best), b.select(better, here, where)
                here = b.add_int(here, self.lanes)
            return [*flat([best]), where, here]

        stretch = Stretch(row, 0, self.columns, self.columns, self.lanes)
        *halves, where, _ = sweep(b, stretch, 1, initial, body)
        (best,) = shaped(halves, [nothing])
        is_largest = _is_alike(b, best, across_lanes(b, "max", best))
        found = lanes_min(b, b.select(is_largest, where, b.constant_int(_NOWHERE)))
        Place(Tile(b, row, 0), 0, 0, 1, None).store(Wide(found, b.constant_int(0)), target)


def _is_better(b: Builder, x: Vector, best: Vector) -> Value:
    """Whether `x` is larger than the best so far, or the first NaN."""
    if isinstance(x, Wide) and isinstance(best, Wide):
        return less(b, best, x)
    x, best = single(x), single(best)
    is_number = b.compare("equal", best, best)  # once it is NaN nothing is better
    return b.mask_and(b.mask_not(b.compare("less_equal", x, best)), is_number)


def _is_alike(b: Builder, x: Vector, y: Vector) -> Value:
    """Whether two elements are equal, or both NaN."""
    if isinstance(x, Wide) and isinstance(y, Wide):
        return equal(b, x, y)
    x, y = single(x), single(y)
    spoiled = b.mask_and(b.compare("unordered", x, x), b.compare("unordered", y, y))
    return b.mask_or(b.compare("equal", x, y), spoiled)


def _index(b: Builder, indices: Value, place: Value, rows: int) -> Value:
    """The number of a row, brought into range: a wrong one must never be a wrong address."""
    index = b.load_int64(indices, place, scale=_INDEX_BYTES)
    return b.max_int64(b.min_int64(index, rows - 1), 0)


def _row(b: Builder, operand: Operand, row: Index) -> Operand:
    """A row, to be read as if every row were that."""
    return moved(b, operand, row, 0)._replace(row_stride=0)


def plan_index(kernel: IndexKernel, target: Target) -> IndexPlan:
    """Decide how the work is cut.

    Raises:
        UnsupportedKernelError: there is no vector code for the data type, or for rows so long.
    """
    dtype = kernel.source.dtype
    if kernel.op != "take" and dtype not in ("float32", "int64"):
        raise UnsupportedKernelError(f"there is no vector code for {kernel.op!r} of {dtype}")
    if kernel.op == "argmax" and kernel.columns > _NOWHERE:
        raise UnsupportedKernelError(
            f"there is no vector code for the place of the largest of {kernel.columns} elements"
        )
    columns = kernel.columns
    if kernel.op == "take":
        columns = columns * ITEMSIZE[dtype] // ELEMENT
    rows = kernel.rows
    if kernel.op == "take":
        assert kernel.indices is not None
        rows = kernel.indices.size
    size = max(_BLOCK // max(columns, 1), 1)
    if kernel.op == "scatter_add":
        size = round_up(max(_BLOCK // max(rows, 1), 1), target.lanes)
    return IndexPlan(kernel, target.lanes, rows, columns, size)
