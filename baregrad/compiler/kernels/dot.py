"""Products whose matrices both lie along the depth, and that are small in one direction.

An element is a dot product of two vectors that lie in memory as such: nothing is packed, and no
lane is idle however few columns there are. A group of columns has as many vectors of partial sums,
which are added up together at the end, to one vector (`shuffles.sum_each`). Several rows are
computed at once, as long as there are registers for their sums, since each then uses what was
loaded for the others.

The order of summation depends on the number of lanes L: partial sum i has the terms i, i + L,
i + 2 L, ... in order; the L partial sums are added by halves, as `reduce_add` does.
"""

from baregrad.compiler.kernels.epilogue import Columns, finish_in_registers
from baregrad.compiler.kernels.loops import Span, each, parts
from baregrad.compiler.kernels.operands import ELEMENT, Operand, moved, product
from baregrad.compiler.kernels.plan import Matrices, Size
from baregrad.compiler.kernels.shuffles import sum_each
from baregrad.compiler.kernels.tiling import Split, Vectors
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.record import Record


class Dot(Record):
    """The plan: a block of the work is a group of columns, or some rows.

    Attributes:
        size: of the product.
        vectors: the target's.
    """

    size: Size
    vectors: Vectors

    @property
    def across(self) -> Split:
        """The columns, in vectors; in as many equal groups, if more rows fit beside them."""
        columns, lanes = self.size.columns, self.vectors.lanes
        vectors = max(-(-columns // lanes), 1)
        equal = max(-(-columns // vectors), 1)
        return Split.of(
            columns, equal if self._most_rows(equal) > self._most_rows(lanes) else lanes
        )

    @property
    def down(self) -> Split:
        """The rows, as many at once as there are registers for."""
        rows = min(self._most_rows(self.across.size), self.size.rows)
        return Split.of(self.size.rows, max(rows, 1))

    def _most_rows(self, columns: int) -> int:
        """For so many the registers hold sums and factors, and there is one to spare."""
        return (self.vectors.registers - 2) // (columns + 1)

    @property
    def by_columns(self) -> bool:
        """Whether a block of the work is a group of columns."""
        return self.across.parts >= self.down.parts

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return max(self.across.parts, self.down.parts)

    @property
    def scratch_bytes(self) -> int:
        """None is needed."""
        return 0

    @property
    def cycles(self) -> float:
        """Estimated: loads or multiply-adds, and the sums at the end."""
        rows, columns = self.down.size, self.across.size
        depth = -(-self.size.depth // self.vectors.lanes)
        step = max(rows * columns, rows + columns) / 2
        end = rows * (3 * columns + self.vectors.lanes)
        return self.down.parts * self.across.parts * (depth * step + end)

    def write(self, builder: Builder, matrices: Matrices, blocks: Span, scratch: Value) -> None:
        """Append the code; see `plan.Plan`."""
        b, lanes = builder, self.vectors.lanes
        left, right, epilogue = matrices
        rows: Span = (0, self.down.parts)
        columns: Span = (0, self.across.parts)
        if self.by_columns:
            columns = blocks
        else:
            rows = blocks
        for groups, width in parts(b, columns, self.across):
            tail = b.mask_below(width) if width < lanes else None
            for group in each(b, groups):
                first = product(b, group, self.across.size)
                places = Columns(first, width, lanes, tail)
                source = moved(b, right, 0, first)
                for tiles, height in parts(b, rows, self.down):
                    for tile in each(b, tiles):
                        row = product(b, tile, self.down.size)
                        sums = self._sums(b, moved(b, left, row, 0), source, height, width)
                        finish_in_registers(b, row, places, sums, epilogue)

    def _sums(
        self, b: Builder, left: Operand, right: Operand, rows: int, columns: int
    ) -> list[Value]:
        """Of each row the vector of so many columns' elements."""
        lanes, depth = self.vectors.lanes, self.size.depth
        whole, rest = depth - depth % lanes, depth % lanes
        x, y, *sums = left.pointer, right.pointer, *[b.constant(0.0)] * (rows * columns)
        strides = left.row_stride, right.column_stride
        if whole:
            with b.loop(0, whole, lanes, (x, y, *sums)) as loop:
                x, y, *sums = loop.carried
                sums = _add_products(b, x, y, strides, rows, sums, None)
                loop.carry(b.advance(x, ELEMENT * lanes), b.advance(y, ELEMENT * lanes), *sums)
            x, y, *sums = loop.results
        if rest:
            sums = _add_products(b, x, y, strides, rows, sums, b.mask_below(rest))
        return [sum_each(b, sums[row::rows], lanes) for row in range(rows)]


def _add_products(
    b: Builder,
    x: Value,
    y: Value,
    strides: tuple[int, int],
    rows: int,
    sums: list[Value],
    mask: Value | None,
) -> list[Value]:
    """One vector along the depth, for each column and row."""
    down, across = strides
    factors = [b.load(x, displacement=ELEMENT * down * row, mask=mask) for row in range(rows)]
    added: list[Value] = []
    for column in range(len(sums) // rows):
        other = b.load(y, displacement=ELEMENT * across * column, mask=mask)
        added += [b.fma(factor, other, sums[len(added) + i]) for i, factor in enumerate(factors)]
    return added
