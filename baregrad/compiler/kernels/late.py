"""What a kernel knows only after its last row: reductions over the rows, and what follows of them.

Their partial results are in scratch memory, of which each thread has its own; so a block of the
work must have all rows of its columns.
"""

from __future__ import annotations

from baregrad.compiler.kernel import COLUMNS, ITEMSIZE, ROWS, Map, Node, Reduce, Store, late_nodes
from baregrad.compiler.kernels.expression import Expression, Values, needed
from baregrad.compiler.kernels.operands import Index, Operand, Place, Tile, advanced
from baregrad.compiler.kernels.passes import Passes
from baregrad.compiler.kernels.plan import round_up
from baregrad.compiler.kernels.reductions import RowsReduction
from baregrad.compiler.kernels.sweep import Stretch
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value


class Late:
    """The late part of a map.

    Attributes:
        stores: those of late nodes, and those that are the same for all rows and so done once.
        early: the others.
        reductions: the nodes that reduce over the rows.
    """

    def __init__(self, kernel: Map, lanes: int) -> None:
        late = late_nodes(kernel)
        self.nodes = nodes = kernel.nodes
        self.columns = kernel.columns
        self.lanes = lanes
        self.stores: list[Store] = []
        self.early: list[Store] = []
        for store in kernel.stores:
            once = late[store.node] or (kernel.rows != 1 and not store.access.row)
            (self.stores if once else self.early).append(store)
        used = needed(nodes, [store.node for store in kernel.stores], ())
        self.reductions = [i for i in used if _reduces_rows(nodes[i])]

    def is_by_column(self, index: int) -> bool:
        """Whether a reduction has a result for each column."""
        return bool(self.nodes[index].extent & COLUMNS) and self.columns != 1

    @property
    def is_split_by_columns(self) -> bool:
        """Whether different columns can be finished by different threads."""
        return all(self.is_by_column(i) for i in self.reductions) and all(
            store.access.column for store in self.stores
        )

    def _bytes(self, index: int) -> int:
        columns = self.columns if self.is_by_column(index) else 1
        return ITEMSIZE[self.nodes[index].dtype] * round_up(max(columns, 1), 16)

    @property
    def scratch_bytes(self) -> int:
        """For the partial results."""
        return sum(self._bytes(index) for index in self.reductions)

    def begin(
        self, b: Builder, first: Index, last: Index, memory: Value
    ) -> dict[int, RowsReduction]:
        """The reductions, with nothing in them yet, for these columns."""
        made = self.reductions_in(b, memory)
        for reduction in made.values():
            reduction.clear(b, first, last)
        return made

    def reductions_in(self, b: Builder, memory: Value) -> dict[int, RowsReduction]:
        """The reductions whose partial results are at an address."""
        made: dict[int, RowsReduction] = {}
        at = 0
        for index in self.reductions:
            node = self.nodes[index]
            assert isinstance(node, Reduce)
            partial = Operand(advanced(b, memory, at), 0, 1, node.dtype)
            made[index] = RowsReduction(node.op, self.is_by_column(index), partial, self.lanes)
            at += self._bytes(index)
        return made

    def finish(
        self,
        expression: Expression,
        first: Index,
        last: Index,
        known: Values,
        made: dict[int, RowsReduction],
    ) -> None:
        """Emit what is done after the last row, for these columns."""
        if not self.stores:
            return
        b = expression.builder
        start = Place(Tile(b, 0, 0), 0, 0, self.lanes, None)
        single = {i: r.result(b, start) for i, r in made.items() if not r.by_column}
        by_column = {i: reduction for i, reduction in made.items() if reduction.by_column}
        passes = Passes(expression, self.columns, self.stores, {}, {**known, **single}, by_column)
        passes.run(Stretch(0, first, last, self.columns, self.lanes))


def _reduces_rows(node: Node) -> bool:
    return isinstance(node, Reduce) and bool(node.over & ROWS)
