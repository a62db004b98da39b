"""Maps of two or four columns: a vector holds several whole rows.

A reduction along a row is one over neighbouring lanes, and its result is in all lanes of the row.
So nothing waits for anything at the end of a row, and every node is evaluated once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from baregrad.compiler.kernel import COLUMNS, ROWS, Load, Map, Reduce
from baregrad.compiler.kernels.expression import Expression, Pointers, Values, needed
from baregrad.compiler.kernels.integers import single
from baregrad.compiler.kernels.late import Late
from baregrad.compiler.kernels.loops import Span, within
from baregrad.compiler.kernels.operands import Operand, Place, Tile
from baregrad.compiler.kernels.reductions import combine, identity, masked
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target
from baregrad.record import Record

_BLOCK: Final = 4096  # elements of a block, about


class WholeRows(Place):
    """A vector of the index space: whole rows, one after another.

    Args:
        tile: begins with the first of the rows.
        columns: of the index space, a power of two.
        lanes: that are used.
        mask: these lanes; None for all.
    """

    __slots__ = ("columns",)

    def __init__(self, tile: Tile, columns: int, lanes: int, mask: Value | None) -> None:
        super().__init__(tile, 0, 0, lanes, mask)
        self.columns = columns

    def step(self, operand: Operand) -> int | None:
        """Elements from one lane to the next; None where it is not always the same."""
        return operand.column_stride if self._goes_on(operand) else None

    def numbers(self, operand: Operand) -> Value:
        """Where the element of each lane is, counted from that of the first; an int32."""
        if self._goes_on(operand):
            return super().numbers(operand)
        b = self.builder
        row = b.shift_right(b.iota(), self.columns.bit_length() - 1)
        column = b.bit_and(b.iota(), self.columns - 1)
        return b.add_int(
            b.multiply_int(row, operand.row_stride), b.multiply_int(column, operand.column_stride)
        )

    def _goes_on(self, operand: Operand) -> bool:
        """Whether a row begins where the one before would go on."""
        return operand.row_stride == self.columns * operand.column_stride


class NarrowPlan(Record):
    """How a map of few columns is computed.

    Attributes:
        kernel: the map.
        lanes: of a vector.
        block_rows: rows of a block of the work.
    """

    kernel: Map
    lanes: int
    block_rows: int

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return -(-self.kernel.rows // self.block_rows)

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""
        return Late(self.kernel, self.lanes).scratch_bytes

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks; see `maps.MapPlan`."""
        b, kernel = builder, self.kernel
        late = Late(kernel, self.lanes)
        expression = Expression(b, kernel.nodes, pointers)
        roots = [store.node for store in kernel.stores]
        known = expression.scalars(roots, Place(Tile(b, 0, 0), 0, 0, self.lanes, None))
        rows: Span = (0, kernel.rows)
        if self.blocks > 1:
            rows = within(b, blocks, self.block_rows, kernel.rows)
        body = _Rows(expression, kernel, late, self.lanes, known)
        totals = body.loop(rows)
        made = late.reductions_in(b, scratch)
        for (index, reduction), total in zip(made.items(), totals, strict=True):
            start = Place(Tile(b, 0, 0), 0, 0, self.lanes, None)
            folded = _folded(b, reduction.op, total, kernel.columns, self.lanes)
            start.store(folded if late.is_by_column(index) else total, reduction.partial)
        late.finish(expression, 0, kernel.columns, known, made)


def plan_narrow(kernel: Map, target: Target) -> NarrowPlan:
    """Decide how the work is cut: reductions over the rows have all of them in one block."""
    late = Late(kernel, target.lanes)
    rows = kernel.rows if late.stores else _BLOCK // kernel.columns
    return NarrowPlan(kernel, target.lanes, rows)


class _Rows:
    """The loop over the rows, several at a time.

    Args:
        expression: the kernel's nodes.
        kernel: the map.
        late: what is done after it.
        lanes: of a vector.
        known: values that are the same everywhere.
    """

    def __init__(
        self, expression: Expression, kernel: Map, late: Late, lanes: int, known: Values
    ) -> None:
        self.b = expression.builder
        self.expression = expression
        self.kernel = kernel
        self.early = late.early
        self.reductions = late.reductions
        self.lanes = lanes
        inputs = [self.reduce(index).input for index in late.reductions]
        roots = [*[store.node for store in late.early], *inputs]
        self.required = needed(kernel.nodes, roots, known)
        self.known = dict(known)
        # what varies along a row only is the same in every vector
        first = WholeRows(Tile(self.b, 0, 0), kernel.columns, lanes, None)
        for index in self.required:
            node = kernel.nodes[index]
            if isinstance(node, Load) and not node.extent & ROWS:
                self.expression.evaluate([index], first, self.known)

    def reduce(self, index: int) -> Reduce:
        """A node that is a reduction."""
        node = self.kernel.nodes[index]
        assert isinstance(node, Reduce)
        return node

    def loop(self, rows: Span) -> Sequence[Value]:
        """Emit it; returns the partial results of reductions over the rows, lane by lane."""
        b, kernel = self.b, self.kernel
        count = self.lanes // kernel.columns
        whole = kernel.rows - kernel.rows % count
        first, last = rows
        end = min(last, whole) if isinstance(last, int) else b.min_int64(last, whole)
        totals: Sequence[Value] = [_nothing(b, self.reduce(index)) for index in self.reductions]
        with b.loop(first, end, count, totals) as loop:
            tile = Tile(b, loop.counter, 0)
            place = WholeRows(tile, kernel.columns, self.lanes, None)
            loop.carry(*self.body(place, loop.carried))
        totals, rest = loop.results, kernel.rows - whole
        if rest:
            lanes = rest * kernel.columns
            with b.loop(whole, last, count, totals) as loop:
                tile = Tile(b, whole, 0)
                place = WholeRows(tile, kernel.columns, lanes, b.mask_below(lanes))
                loop.carry(*self.body(place, loop.carried))
            totals = loop.results
        return totals

    def body(self, place: WholeRows, totals: Sequence[Value]) -> list[Value]:
        """Emit a vector's rows; the totals with what they add."""
        b, nodes = self.b, self.kernel.nodes
        values = dict(self.known)
        for index in self.required:
            node = nodes[index]
            if isinstance(node, Reduce):
                value = single(values[node.input])
                values[index] = _along(b, node.op, value, self.kernel.columns)
            else:
                self.expression.evaluate([index], place, values)
        found = []
        for index, total in zip(self.reductions, totals, strict=True):
            reduce = self.reduce(index)
            counted = masked(b, reduce.op, values[reduce.input], self.counted(place, reduce))
            found.append(single(combine(b, reduce.op, total, counted)))
        for store in self.early:
            self.expression.store(store, place, values)
        return found

    def counted(self, place: WholeRows, reduce: Reduce) -> Value | None:
        """The lanes that are reduced: of what is the same along a row only the first."""
        b, columns = self.b, self.kernel.columns
        if self.kernel.nodes[reduce.input].extent & COLUMNS:
            return place.mask
        first = b.compare_int("equal", b.bit_and(b.iota(), columns - 1), 0)
        return first if place.mask is None else b.mask_and(first, place.mask)


def _nothing(b: Builder, reduce: Reduce) -> Value:
    return single(identity(b, reduce.op, reduce.dtype))


def _along(b: Builder, op: str, value: Value, columns: int) -> Value:
    """Of the lanes of each row, in all its lanes."""
    return _paired(b, op, value, 1, columns)


def _folded(b: Builder, op: str, value: Value, columns: int, lanes: int) -> Value:
    """Of all rows, for each column, in all rows."""
    return _paired(b, op, value, columns, lanes)


def _paired(b: Builder, op: str, value: Value, first: int, last: int) -> Value:
    """Combined with the lanes at twice the distance again and again, from `first` to `last`."""
    distance = first
    while distance < last:
        value = single(combine(b, op, value, b.exchange(value, distance)))
        distance *= 2
    return value
