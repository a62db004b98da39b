"""Products with few rows whose right matrix lies column by column: one dot product per element.

Both factors are read as vectors along the depth, in which they lie. A vector of columns has as many
vectors of partial sums, which are added up together at the end (`shuffles.sum_each`). Nothing is
packed, since each element of the right matrix is used only once for each row.

The order of summation depends on the number of lanes L: partial sum i has the terms i, i + L,
i + 2 L, ... in order; the L partial sums are added by halves, as `reduce_add` does.
"""

from typing import NamedTuple

from baregrad.compiler.kernels.epilogue import Columns, Epilogue, finish_in_registers
from baregrad.compiler.kernels.loops import Span, each, parts
from baregrad.compiler.kernels.operands import ELEMENT, Operand, moved, product
from baregrad.compiler.kernels.plan import Size
from baregrad.compiler.kernels.shuffles import sum_each
from baregrad.compiler.kernels.tiling import Split, Vectors
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value


class Dot(NamedTuple):
    """The plan: a block of the work is a vector of columns.

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
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return self.across.parts

    @property
    def scratch_bytes(self) -> int:
        """None is needed."""
        return 0

    @property
    def cycles(self) -> float:
        """Estimated: a load for each multiply-add, and the sums at the end."""
        lanes = self.vectors.lanes
        depth = -(-self.size.depth // lanes)
        return self.size.rows * self.across.parts * (depth * (lanes + 1) / 2 + 3 * lanes)

    def write(
        self,
        builder: Builder,
        left: Operand,
        right: Operand,
        epilogue: Epilogue,
        blocks: Span,
        scratch: Value,
    ) -> None:
        """Append the code; see `plan.Plan`."""
        b, lanes = builder, self.vectors.lanes
        rest = self.size.columns % lanes
        tail = b.mask_below(rest) if rest else None
        for vectors, count in parts(b, blocks, self.across):
            for vector in each(b, vectors):
                first = product(b, vector, lanes)
                columns = Columns(first, count, lanes, tail if count < lanes else None)
                source = moved(b, right, 0, first)
                for row in each(b, (0, self.size.rows)):
                    value = self._sums(b, moved(b, left, row, 0), source, count)
                    finish_in_registers(b, row, columns, [value], epilogue)

    def _sums(self, b: Builder, left: Operand, right: Operand, columns: int) -> Value:
        """The vector of so many columns' elements in one row."""
        lanes, depth = self.vectors.lanes, self.size.depth
        zero = b.constant(0.0)
        whole, rest = depth - depth % lanes, depth % lanes
        pointers, sums = (left.pointer, right.pointer), [zero] * columns
        if whole:
            with b.loop(0, whole, lanes, (*pointers, *sums)) as loop:
                x, y, *sums = loop.carried
                sums = _add_products(b, x, y, right.column_stride, sums, None)
                loop.carry(b.advance(x, ELEMENT * lanes), b.advance(y, ELEMENT * lanes), *sums)
            x, y, *sums = loop.results
            pointers = x, y
        if rest:
            mask = b.mask_below(rest)
            sums = _add_products(b, *pointers, right.column_stride, sums, mask)
        return sum_each(b, [*sums, *[zero] * (lanes - columns)])


def _add_products(
    b: Builder, x: Value, y: Value, stride: int, sums: list[Value], mask: Value | None
) -> list[Value]:
    """One vector along the depth, for each column."""
    factor = b.load(x, mask=mask)
    return [
        b.fma(factor, b.load(y, displacement=ELEMENT * stride * column, mask=mask), total)
        for column, total in enumerate(sums)
    ]
