"""The size of a matrix product, and what its plans have in common."""

from typing import Protocol

from baregrad.compiler.kernels.epilogue import Epilogue
from baregrad.compiler.kernels.loops import Span
from baregrad.compiler.kernels.operands import Operand
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.record import Record


class Size(Record):
    """Of a matrix product: (rows × depth) · (depth × columns)."""

    rows: int
    columns: int
    depth: int

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.rows * self.columns * self.depth

    @property
    def transposed(self) -> "Size":
        """Of the transposed product."""
        return Size(self.columns, self.rows, self.depth)


class Matrices(Record):
    """The matrices of a product, and what becomes of it.

    Attributes:
        left: rows × depth.
        right: depth × columns.
        epilogue: what computes from the elements of the product, and stores the results.
    """

    left: Operand
    right: Operand
    epilogue: Epilogue

    @property
    def transposed(self) -> "Matrices":
        """Of the transposed product, (A B)ᵀ = Bᵀ Aᵀ."""
        return Matrices(self.right.transposed, self.left.transposed, self.epilogue.transposed)


class Plan(Protocol):
    """How a matrix product is computed: decided before any code is written."""

    @property
    def size(self) -> Size:
        """Of the product."""

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""

    @property
    def cycles(self) -> float:
        """Estimated, for all blocks."""

    def write(self, builder: Builder, matrices: Matrices, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks.

        Args:
            builder: of the program.
            matrices: what is multiplied, and what becomes of the product.
            blocks: the first, and the one after the last.
            scratch: address of the scratch memory.
        """


def round_up(number: int, multiple: int) -> int:
    """The next multiple."""
    return -(-number // multiple) * multiple
