"""Maps: an expression over rows × columns, with reductions.

The work is cut into blocks that write to different places and need nothing of each other: parts of
the rows or of the columns. With reductions over the rows to single numbers there is only one block.
"""

from typing import Final

from baregrad.compiler.kernel import (
    COLUMNS,
    ROWS,
    Access,
    Load,
    Map,
    Node,
    Reduce,
    Store,
)
from baregrad.compiler.kernels.expression import Expression, Pointers
from baregrad.compiler.kernels.late import Late
from baregrad.compiler.kernels.loops import Span, within
from baregrad.compiler.kernels.operands import Place, Tile
from baregrad.compiler.kernels.passes import Passes
from baregrad.compiler.kernels.plan import round_up
from baregrad.compiler.kernels.sweep import Stretch
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target
from baregrad.record import Record

# elements of a block, about
_BLOCK: Final = 4096
# vectors of a block of columns that are reduced over the rows: two cache lines of a row
_STRIP: Final = 2


class MapPlan(Record):
    """How a map is computed.

    Attributes:
        kernel: the map.
        lanes: of a vector.
        block_rows: rows of a block of the work.
        block_columns: columns of a block.
    """

    kernel: Map
    lanes: int
    block_rows: int
    block_columns: int

    @property
    def late(self) -> Late:
        """What is done after the last row."""
        return Late(self.kernel, self.lanes)

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        rows = -(-self.kernel.rows // self.block_rows)
        return max(rows, 1) * max(-(-self.kernel.columns // self.block_columns), 1)

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""
        return self.late.scratch_bytes

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks.

        Args:
            builder: of the program.
            pointers: the address of each buffer.
            blocks: the first, and the one after the last.
            scratch: address of the scratch memory.
        """
        b, kernel, late = builder, self.kernel, self.late
        expression = Expression(b, kernel.nodes, pointers)
        roots = [store.node for store in kernel.stores]
        known = expression.scalars(roots, Place(Tile(b, 0, 0), 0, 0, self.lanes, None))
        rows: Span = (0, kernel.rows)
        columns: Span = (0, kernel.columns)
        if self.block_rows < kernel.rows:
            rows = within(b, blocks, self.block_rows, kernel.rows)
        elif self.block_columns < kernel.columns:
            columns = within(b, blocks, self.block_columns, kernel.columns)
        made = late.begin(b, *columns, scratch)
        passes = Passes(expression, kernel.columns, late.early, made, known, {})
        with b.loop(*rows) as loop:
            passes.run(Stretch(loop.counter, *columns, kernel.columns, self.lanes))
        late.finish(expression, *columns, known, made)


def plan_map(kernel: Map, target: Target) -> MapPlan:
    """Decide how the work is cut."""
    along = any(isinstance(node, Reduce) and node.over == COLUMNS for node in kernel.nodes)
    if kernel.columns == 1 != kernel.rows and not along:
        kernel = transposed(kernel)
    rows, columns, lanes = max(kernel.rows, 1), max(kernel.columns, 1), target.lanes
    late = Late(kernel, lanes)
    along = any(isinstance(node, Reduce) and node.over & COLUMNS for node in kernel.nodes)
    block = rows, columns
    if not late.stores and rows > 1:
        block = max(_BLOCK // columns, 1), columns
    elif not along and late.is_split_by_columns:
        width = _STRIP * lanes if rows > 1 else round_up(_BLOCK, lanes)
        block = rows, min(width, columns)
    return MapPlan(kernel, lanes, *block)


def transposed(kernel: Map) -> Map:
    """The same map, rows for columns."""
    nodes = [_node_transposed(node) for node in kernel.nodes]
    stores = [Store(s.node, s.buffer, _access_transposed(s.access)) for s in kernel.stores]
    return Map(kernel.columns, kernel.rows, nodes, stores)


def _access_transposed(access: Access) -> Access:
    return Access(access.column, access.row, access.offset)


def _extent_transposed(extent: int) -> int:
    return (ROWS if extent & COLUMNS else 0) | (COLUMNS if extent & ROWS else 0)


def _node_transposed(node: Node) -> Node:
    extent = _extent_transposed(node.extent)
    if isinstance(node, Load):
        return node._replace(access=_access_transposed(node.access), extent=extent)
    if isinstance(node, Reduce):
        return node._replace(over=_extent_transposed(node.over), extent=extent)
    return node._replace(extent=extent)
