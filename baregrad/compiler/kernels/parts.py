"""Reductions over many rows, in parts: each part by itself, and then the parts in their order.

A sum over all rows would otherwise be one thread's. How many rows a part has depends on the kernel
alone, and so do the numbers that come out. The partial results of the parts are a buffer of their
own, which one kernel plan writes and a second one, for what is known after the last row, reads.
A single long row with a reduction along it is cut into rows first.
"""

from __future__ import annotations

from typing import Final

from baregrad.compiler.kernel import (
    COLUMNS,
    FULL,
    SCALAR,
    Access,
    Buffer,
    Load,
    Map,
    Node,
    Reduce,
    is_narrow,
    late_nodes,
)
from baregrad.compiler.kernels.expression import Expression, Pointers, Values
from baregrad.compiler.kernels.late import Late
from baregrad.compiler.kernels.loops import Span, each, within
from baregrad.compiler.kernels.maps import plan_map
from baregrad.compiler.kernels.operands import ELEMENT, Place, Tile, advanced
from baregrad.compiler.kernels.passes import Passes
from baregrad.compiler.kernels.reductions import RowsReduction
from baregrad.compiler.kernels.sweep import Stretch
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target
from baregrad.record import Record

# so many blocks are enough for the threads
_ENOUGH: Final = 4
_PARTS: Final = 16
# columns of a row that a single long one is cut into
_COLUMNS: Final = 1024


class PartsPlan(Record):
    """How the parts of a map are reduced; everything but what is late.

    Attributes:
        kernel: the map.
        rest: a shorter row, the last part; None if there is none.
        lanes: of a vector.
        rows: of a part.
        partials: the partial results of all parts.
    """

    kernel: Map
    rest: Map | None
    lanes: int
    rows: int
    partials: Buffer

    @property
    def whole(self) -> int:
        """How many parts have whole rows."""
        return -(-self.kernel.rows // self.rows)

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return self.whole + (self.rest is not None)

    @property
    def scratch_bytes(self) -> int:
        """None is needed."""
        return 0

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks; see `maps.MapPlan`."""
        b, (first, last) = builder, blocks
        whole = min(last, self.whole) if isinstance(last, int) else b.min_int64(last, self.whole)
        known = _known(self.kernel, self.lanes, b, pointers)
        for part in each(b, (first, whole)):
            follower = part + 1 if isinstance(part, int) else b.add_int64(part, 1)
            rows = within(b, (part, follower), self.rows, self.kernel.rows)
            self._reduce(self.kernel, rows, b, pointers, self._place(b, pointers, part), known)
        if self.rest is not None:
            start = max(first, self.whole) if isinstance(first, int) else b.max_int64(first, whole)
            for _ in each(b, (start, last)):
                place = self._place(b, pointers, self.whole)
                self._reduce(self.rest, (0, 1), b, pointers, place, known)

    def _place(self, b: Builder, pointers: Pointers, part: int | Value) -> Value:
        """The address of a part's partial results."""
        size = Late(self.kernel, self.lanes).scratch_bytes
        at = part * size if isinstance(part, int) else b.multiply_int64(part, size)
        return advanced(b, pointers[self.partials.number], at)

    def _reduce(
        self, kernel: Map, rows: Span, b: Builder, pointers: Pointers, place: Value, known: Values
    ) -> None:
        """One part."""
        expression = Expression(b, kernel.nodes, pointers)
        made = Late(self.kernel, self.lanes).begin(b, 0, kernel.columns, place)
        early = Late(self.kernel, self.lanes).early if kernel is self.kernel else kernel.stores
        passes = Passes(expression, kernel.columns, early, made, known, {})
        with b.loop(*rows) as loop:
            passes.run(Stretch(loop.counter, 0, kernel.columns, kernel.columns, self.lanes))


class CombinedPlan(Record):
    """How the parts are brought together; then what is late is done.

    Attributes:
        parts: how they are made.
    """

    parts: PartsPlan

    @property
    def blocks(self) -> int:
        """Only one: the order counts."""
        return 1

    @property
    def scratch_bytes(self) -> int:
        """None is needed."""
        return 0

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code; see `maps.MapPlan`."""
        b, kernel, lanes = builder, self.parts.kernel, self.parts.lanes
        late = Late(kernel, lanes)
        partials = pointers[self.parts.partials.number]
        total = late.reductions_in(b, partials)
        with b.loop(1, self.parts.blocks) as loop:
            at = b.multiply_int64(loop.counter, late.scratch_bytes)
            part = late.reductions_in(b, b.advance(partials, at))
            for index, reduction in total.items():
                width = kernel.columns if reduction.by_column else lanes
                _add(b, reduction, part[index], width, lanes)
        known = _known(kernel, lanes, b, pointers)
        late.finish(Expression(b, kernel.nodes, pointers), 0, kernel.columns, known, total)


def _known(kernel: Map, lanes: int, b: Builder, pointers: Pointers) -> Values:
    """What is the same everywhere."""
    roots = [store.node for store in kernel.stores]
    place = Place(Tile(b, 0, 0), 0, 0, lanes, None)
    return Expression(b, kernel.nodes, pointers).scalars(roots, place)


def _add(b: Builder, total: RowsReduction, part: RowsReduction, width: int, lanes: int) -> None:
    """Combine the partial results of a part with those of the parts before."""
    with b.loop(0, width, lanes) as loop:
        place = Place(Tile(b, 0, loop.counter), 0, 0, lanes, None)
        total.add(b, place.load(part.partial), place)


def plan_parts(kernel: Map, target: Target, number: int) -> tuple[PartsPlan, CombinedPlan] | None:
    """Decide whether a map is reduced in parts, and in which.

    Args:
        kernel: the map.
        target: whose vectors.
        number: of the new buffer for partial results.
    """
    if is_narrow(kernel) or plan_map(kernel, target).blocks >= _ENOUGH:
        return None
    cut, rest = (kernel, None) if kernel.rows != 1 else _cut(kernel)
    late = Late(cut, target.lanes)
    if cut.rows == 1 or not late.reductions:
        return None
    rows = -(-cut.rows // _PARTS)
    parts = -(-cut.rows // rows) + (rest is not None)
    size = parts * late.scratch_bytes // ELEMENT
    partials = Buffer(number, "float32", size, "partial results")
    plan = PartsPlan(cut, rest, target.lanes, rows, partials)
    return plan, CombinedPlan(plan)


def _cut(kernel: Map) -> tuple[Map, Map | None]:
    """A map of a single row as one of several, and the rest; as it is if that cannot be."""
    late = late_nodes(kernel._replace(nodes=[_in_rows(node) for node in kernel.nodes]))
    along = any(late[i] and node.extent & COLUMNS for i, node in enumerate(kernel.nodes))
    reduces = any(isinstance(node, Reduce) for node in kernel.nodes)
    repeated = any(
        isinstance(node, Reduce) and not kernel.nodes[node.input].extent & COLUMNS
        for node in kernel.nodes
    )
    rows, rest = divmod(kernel.columns, _COLUMNS)
    if along or repeated or not reduces or rows < 2:
        return kernel, None
    stores = [s._replace(access=_access_in_rows(s.access)) for s in kernel.stores]
    cut = Map(rows, _COLUMNS, [_in_rows(node) for node in kernel.nodes], stores)
    if not rest:
        return cut, None
    return cut, _row(kernel, rows * _COLUMNS, rest)


def _access_in_rows(access: Access) -> Access:
    """One along a single row as one along rows of it."""
    return access._replace(row=access.column * _COLUMNS)


def _in_rows(node: Node) -> Node:
    """A node of a single row as one of several rows."""
    extent = FULL if node.extent & COLUMNS else SCALAR
    if isinstance(node, Load):
        return node._replace(access=_access_in_rows(node.access), extent=extent)
    if isinstance(node, Reduce):
        return node._replace(over=FULL, extent=extent)
    return node._replace(extent=extent)


def _row(kernel: Map, first: int, columns: int) -> Map:
    """So many columns of a map of a single row, from the first on; what is stored once is not."""

    def access(whole: Access) -> Access:
        column = whole.column if columns != 1 else 0
        return Access(0, column, whole.offset + first * whole.column)

    nodes = [
        node._replace(access=access(node.access)) if isinstance(node, Load) else node
        for node in map(_in_rows, kernel.nodes)
    ]
    stores = [s._replace(access=access(s.access)) for s in kernel.stores if s.access.column]
    return Map(1, columns, nodes, stores)
