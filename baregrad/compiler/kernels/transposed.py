"""Products computed as their transpose, which is then transposed.

Where the right matrix lies along the depth it has to be transposed before it can be read as
vectors, and where it has few columns most lanes of a vector are idle. Then it may be less work to
make the left matrix the right one of the transposed product, (A B)ᵀ = Bᵀ Aᵀ, and to transpose that:
it goes to scratch memory, from where it is read in squares of lanes.
"""

from typing import Final

from baregrad.compiler.kernels.epilogue import Columns, Epilogue, finish_from_memory
from baregrad.compiler.kernels.loops import Span
from baregrad.compiler.kernels.operands import (
    ELEMENT,
    LINE,
    Operand,
    Place,
    advanced,
    moved,
    product,
)
from baregrad.compiler.kernels.packing import transpose_rows
from baregrad.compiler.kernels.plan import Matrices, Size, round_up
from baregrad.compiler.kernels.tiled import Tiled
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.record import Record

# estimated cycles for an element that is transposed, on a target with one lane
_CYCLES: Final = 12.0


class Transposed(Record):
    """The plan.

    Attributes:
        size: of the product.
        inner: plan of the transposed product, whose blocks are rows.
    """

    size: Size
    inner: Tiled

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return self.inner.blocks

    @property
    def row_length(self) -> int:
        """Elements of a row of the transposed product in scratch memory."""
        return self.inner.padded_columns

    @property
    def result_bytes(self) -> int:
        """Scratch memory of the transposed product: a square may reach beyond its last row."""
        rows = self.size.columns + self.inner.vectors.lanes
        return round_up(ELEMENT * rows * self.row_length, LINE)

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""
        lanes = self.inner.vectors.lanes
        return self.inner.scratch_bytes + self.result_bytes + ELEMENT * lanes * lanes

    @property
    def cycles(self) -> float:
        """Estimated, for all blocks."""
        elements = self.size.rows * self.size.columns
        return self.inner.cycles + _CYCLES * elements / self.inner.vectors.lanes

    def write(self, builder: Builder, matrices: Matrices, blocks: Span, scratch: Value) -> None:
        """Append the code; see `plan.Plan`."""
        b, inner = builder, self.inner
        left, right, epilogue = matrices
        pointer = advanced(b, scratch, inner.scratch_bytes)
        result = Operand(pointer, self.row_length, 1)
        square = Operand(advanced(b, pointer, self.result_bytes), inner.vectors.lanes, 1)

        def keep(place: Place, value: Value) -> None:
            place.store(value, result)

        swapped = Matrices(right.transposed, left.transposed, Epilogue(keep))
        inner.write(b, swapped, blocks, scratch)
        begin = product(b, blocks[0], inner.tile.rows)
        end = product(b, blocks[1], inner.tile.rows)
        last = b.min_int64(end, self.size.columns)
        with b.loop(begin, last, inner.vectors.lanes) as loop:
            self._strip(b, result, square, epilogue, loop.counter, last)

    def _strip(
        self,
        b: Builder,
        result: Operand,
        square: Operand,
        epilogue: Epilogue,
        first: Value,
        last: Value,
    ) -> None:
        """A vector of columns, which is as many rows of the transposed product."""
        lanes = self.inner.vectors.lanes
        columns = Columns(first, lanes, lanes, b.mask_below(b.subtract_int64(last, first)))
        with b.loop(0, self.size.rows, lanes) as loop:
            row = loop.counter
            transpose_rows(b, moved(b, result, first, row), square, lanes, lanes, lanes)
            rows = b.min_int64(lanes, b.subtract_int64(self.size.rows, row))
            finish_from_memory(b, row, rows, columns, square, epilogue)
