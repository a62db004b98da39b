"""The innermost loop of a matrix product: one tile, in registers, over the whole depth.

In each step a row of the right matrix is loaded as vectors, and each element of a column of the
left one is broadcast and multiplied with them: an outer product (Goto & van de Geijn, "Anatomy of
high-performance matrix multiplication", 2008). Each element of the result is one sum, its terms
added in order with one rounding each, whatever the tile's shape and the number of lanes.
"""

from typing import Final

from baregrad.compiler.kernels.epilogue import Columns
from baregrad.compiler.kernels.operands import ELEMENT, LINE, Index, Operand, difference, product
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.record import Record

# a loop of so many multiply-adds hides what counting costs
_ENOUGH: Final = 16
_MOST_STEPS: Final = 8
# the processor reads ahead by itself, but no further than to the end of a page
_PAGE: Final = 4096
_AHEAD: Final = 2048


class Ahead(Record):
    """Matrices that will be used once a tile is done, and are asked for while it is computed.

    What belongs to a row of the tile is asked for every so many steps: all of it at once would keep
    the loads of the product itself waiting.

    Attributes:
        matrices: from the first row and column on, each with how many of its rows are asked for
            with a row of the tile, and how many bytes of each.
        steps: of the depth from one row to the next; the depth has so many for each row.
        wanted: 1, or 0 if nothing is to be asked for.
    """

    matrices: list[tuple[Operand, int, int]]
    steps: int
    wanted: Index


def multiply_tile(
    builder: Builder,
    rows: int,
    columns: Columns,
    left: Operand,
    right: Operand,
    depth: Index,
    registers: int,
    ahead: Ahead | None = None,
) -> list[Value]:
    """The sums over the depth, row by row.

    Args:
        builder: of the program.
        rows: of the tile.
        columns: of the tile.
        left: rows × depth, from the tile's first row on.
        right: depth × columns, from the tile's first column on; its column stride is 1 or 0.
        depth: number of terms.
        registers: how many vectors they hold.
        ahead: what else to ask for.
    """
    b = builder
    sums = [b.constant(0.0)] * (rows * columns.vectors)
    unroll = _unrolling(len(sums), columns.vectors, depth, registers)
    is_dense = (left.row_stride, left.column_stride) == (1, rows)
    is_long = isinstance(depth, Value) or ELEMENT * rows * depth > _PAGE
    steps = _Steps(b, rows, columns, left, right, unroll, is_dense and is_long)
    state = [left.pointer, right.pointer, *sums]
    if ahead is not None:
        # whole iterations: after a rest the pointers would not be where they should be
        ahead = ahead._replace(steps=ahead.steps // unroll * unroll)
        state = _ask_ahead(b, steps, state, ahead)
        depth = difference(b, depth, product(b, ahead.wanted, rows * ahead.steps))
    return steps.run(state, depth)[2:]


def _ask_ahead(b: Builder, steps: "_Steps", state: list[Value], ahead: Ahead) -> list[Value]:
    """As many steps as it takes to ask for all rows of a tile; the state after them."""
    count = len(ahead.matrices)
    pointers = [matrix.pointer for matrix, _, _ in ahead.matrices]
    with b.loop(0, product(b, ahead.wanted, steps.rows), 1, (*pointers, *state)) as loop:
        following = []
        for (matrix, rows, width), pointer in zip(
            ahead.matrices, loop.carried[:count], strict=True
        ):
            stride = ELEMENT * matrix.row_stride
            for row in range(rows):
                for at in range(0, width, LINE):
                    b.prefetch(pointer, displacement=row * stride + at)
            following.append(b.advance(pointer, rows * stride))
        loop.carry(*following, *steps.run(list(loop.carried[count:]), ahead.steps))
    return list(loop.results[count:])


class _Steps(Record):
    """Steps of the depth, on a state: where the matrices are read next, and the sums so far.

    Attributes:
        builder: of the program.
        rows: of the tile.
        columns: of the tile.
        left: its strides count.
        right: likewise.
        unroll: how many steps one iteration makes, if it is known how many there are.
        fetches: whether the left matrix is to be asked for ahead, being read from end to end.
    """

    builder: Builder
    rows: int
    columns: Columns
    left: Operand
    right: Operand
    unroll: int
    fetches: bool

    def run(self, state: list[Value], depth: Index) -> list[Value]:
        """So many steps; the state after them, but for the pointers if there is a rest."""
        b, unroll = self.builder, self.unroll
        rest = depth % unroll if isinstance(depth, int) else 0
        whole = depth - rest if isinstance(depth, int) else depth
        if whole != 0:
            with b.loop(0, whole, unroll, state) as loop:
                x, y, *sums = loop.carried
                if self.fetches:
                    b.prefetch(x, displacement=_AHEAD)
                for at in range(unroll):
                    sums = self.step(x, y, at, sums)
                loop.carry(
                    b.advance(x, ELEMENT * unroll * self.left.column_stride),
                    b.advance(y, ELEMENT * unroll * self.right.row_stride),
                    *sums,
                )
            state = list(loop.results)
        x, y, *sums = state
        for at in range(rest):
            sums = self.step(x, y, at, sums)
        return [x, y, *sums]

    def step(self, x: Value, y: Value, at: int, sums: list[Value]) -> list[Value]:
        """The sums after one step, so far from where the matrices are read."""
        b = self.builder
        row = self.vectors(y, at)
        added: list[Value] = []
        for i in range(self.rows):
            distance = ELEMENT * (i * self.left.row_stride + at * self.left.column_stride)
            factor = b.load_broadcast(x, displacement=distance)
            added += [b.fma(factor, v, sums[len(added) + j]) for j, v in enumerate(row)]
        return added

    def vectors(self, y: Value, at: int) -> list[Value]:
        """The right matrix in one step."""
        b, columns, right = self.builder, self.columns, self.right
        start = ELEMENT * at * right.row_stride
        if right.column_stride == 0:
            return [b.load_broadcast(y, displacement=start)] * columns.vectors
        step = ELEMENT * columns.lanes
        return [
            b.load(y, displacement=start + j * step, mask=mask)
            for j, mask in enumerate(columns.masks())
        ]


def _unrolling(sums: int, vectors: int, depth: int | Value, registers: int) -> int:
    """How many steps of the depth one iteration makes."""
    # between two steps each sum is in another register than between two iterations
    if not isinstance(depth, int) or 2 * sums + vectors + 1 > registers:
        return 1
    return min(-(-_ENOUGH // sums), _MOST_STEPS, max(depth, 1))
