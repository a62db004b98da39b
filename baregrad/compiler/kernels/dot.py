"""Products whose matrices both lie along the depth, and that are small in one direction.

An element is a dot product of two vectors that lie in memory as such: nothing is packed, and no
lane is idle however few columns there are. A vector of columns has as many vectors of partial sums,
which are added up together at the end (`shuffles.sum_each`). Several rows are computed at once, as
long as there are registers for their sums, since each then uses what was loaded for the others.

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
    """The plan: a block of the work is a vector of columns, or some rows.

    Attributes:
        size: of the product.
        vectors: the target's.
    """

    size: Size
    vectors: Vectors

    @property
    def across(self) -> Split:
        """The columns, in vectors."""
        return Split.of(self.size.columns, self.vectors.lanes)

    @property
    def down(self) -> Split:
        """The rows, as many at once as there are registers for: sums, factors, and one to spare."""
        columns = min(self.size.columns, self.vectors.lanes)
        rows = (self.vectors.registers - 2) // (columns + 1)
        return Split.of(self.size.rows, max(min(rows, self.size.rows), 1))

    @property
    def by_columns(self) -> bool:
        """Whether a block of the work is a vector of columns."""
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
        rows, columns = self.down.size, min(self.size.columns, self.vectors.lanes)
        depth = -(-self.size.depth // self.vectors.lanes)
        step = max(rows * columns, rows + columns) / 2
        end = rows * (3 * columns + self.vectors.lanes)
        return self.down.parts * self.across.parts * (depth * step + end)

    def write(self, builder: Builder, matrices: Matrices, blocks: Span, scratch: Value) -> None:
        """Append the code; see `plan.Plan`."""
        b, lanes = builder, self.vectors.lanes
        left, right, epilogue = matrices
        rest = self.size.columns % lanes
        tail = b.mask_below(rest) if rest else None
        rows: Span = (0, self.down.parts)
        columns: Span = (0, self.across.parts)
        if self.by_columns:
            columns = blocks
        else:
            rows = blocks
        for vectors, width in parts(b, columns, self.across):
            for vector in each(b, vectors):
                first = product(b, vector, lanes)
                places = Columns(first, width, lanes, tail if width < lanes else None)
                source = moved(b, right, 0, first)
                for groups, height in parts(b, rows, self.down):
                    for group in each(b, groups):
                        row = product(b, group, self.down.size)
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
