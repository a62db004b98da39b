"""The innermost loop of a matrix product: one tile, in registers, over the whole depth.

In each step a row of the right matrix is loaded as vectors, and each element of a column of the
left one is broadcast and multiplied with them: an outer product (Goto & van de Geijn, "Anatomy of
high-performance matrix multiplication", 2008). Each element of the result is one sum, its terms
added in order with one rounding each, whatever the tile's shape and the number of lanes.
"""

from typing import Final

from baregrad.compiler.kernels.epilogue import Columns
from baregrad.compiler.kernels.operands import ELEMENT, Operand
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value

# a loop of so many multiply-adds hides what counting costs
_ENOUGH: Final = 16
_MOST_STEPS: Final = 8


def multiply_tile(
    builder: Builder,
    rows: int,
    columns: Columns,
    left: Operand,
    right: Operand,
    depth: int | Value,
    registers: int,
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
    """
    b = builder
    count = rows * columns.vectors

    def step(at: int, sums: list[Value]) -> list[Value]:
        row = _vectors_at(b, columns, right, at)
        added: list[Value] = []
        for i in range(rows):
            distance = ELEMENT * (i * left.row_stride + at * left.column_stride)
            x = b.load_broadcast(left.pointer, displacement=distance)
            added += [b.fma(x, y, sums[len(added) + j]) for j, y in enumerate(row)]
        return added

    sums = [b.constant(0.0)] * count
    unroll = _unrolling(count, columns.vectors, depth, registers)
    rest = depth % unroll if isinstance(depth, int) else 0
    whole = depth - rest if isinstance(depth, int) else depth
    if whole != 0:
        with b.loop(0, whole, unroll, (left.pointer, right.pointer, *sums)) as loop:
            left = left._replace(pointer=loop.carried[0])
            right = right._replace(pointer=loop.carried[1])
            sums = list(loop.carried[2:])
            for at in range(unroll):
                sums = step(at, sums)
            loop.carry(
                b.advance(left.pointer, ELEMENT * unroll * left.column_stride),
                b.advance(right.pointer, ELEMENT * unroll * right.row_stride),
                *sums,
            )
        left = left._replace(pointer=loop.results[0])
        right = right._replace(pointer=loop.results[1])
        sums = list(loop.results[2:])
    for at in range(rest):
        sums = step(at, sums)
    return sums


def _vectors_at(b: Builder, columns: Columns, right: Operand, depth: int) -> list[Value]:
    """The right matrix at one depth."""
    start = ELEMENT * depth * right.row_stride
    if right.column_stride == 0:
        return [b.load_broadcast(right.pointer, displacement=start)] * columns.vectors
    step = ELEMENT * columns.lanes
    return [
        b.load(right.pointer, displacement=start + j * step, mask=mask)
        for j, mask in enumerate(columns.masks())
    ]


def _unrolling(sums: int, vectors: int, depth: int | Value, registers: int) -> int:
    """How many steps of the depth one iteration makes."""
    # between two steps each sum is in another register than between two iterations
    if not isinstance(depth, int) or 2 * sums + vectors + 1 > registers:
        return 1
    return min(-(-_ENOUGH // sums), _MOST_STEPS, max(depth, 1))
