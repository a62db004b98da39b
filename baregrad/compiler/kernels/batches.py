"""Batches: matrix products of the same size, one after another."""

from baregrad.compiler.kernel import Batch
from baregrad.compiler.kernel import Operand as Matrix
from baregrad.compiler.kernels.contraction import plan_product
from baregrad.compiler.kernels.epilogue import Epilogue
from baregrad.compiler.kernels.expression import Pointers
from baregrad.compiler.kernels.loops import Span
from baregrad.compiler.kernels.operands import Index, Operand, Place, advanced, moved, product
from baregrad.compiler.kernels.plan import Matrices, Plan, Size
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target
from baregrad.record import Record


class BatchPlan(Record):
    """How a batch of products is computed: each is a block of the work.

    Attributes:
        kernel: the batch.
        product: plan of one product.
    """

    kernel: Batch
    product: Plan

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return self.kernel.products

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""
        return self.product.scratch_bytes

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks; see `maps.MapPlan`."""
        b, kernel = builder, self.kernel
        with b.loop(*blocks) as loop:
            left = _matrix(b, kernel.left, pointers, loop.counter, kernel.left_step)
            right = _matrix(b, kernel.right, pointers, loop.counter, kernel.right_step)
            target = Operand(pointers[kernel.target.number], kernel.columns, 1)
            target = moved(b, target, product(b, loop.counter, kernel.rows), 0)

            def emit(place: Place, value: Value) -> None:
                place.store(value, target)

            matrices = Matrices(left, right, Epilogue(emit, 1))
            self.product.write(b, matrices, (0, self.product.blocks), scratch)


def _matrix(b: Builder, matrix: Matrix, pointers: Pointers, number: Index, step: int) -> Operand:
    """One of the matrices."""
    row, column, offset = matrix.access
    operand = Operand(pointers[matrix.buffer.number], row, column)
    distance = product(b, number, operand.itemsize * step)
    pointer = advanced(b, advanced(b, operand.pointer, operand.itemsize * offset), distance)
    return operand._replace(pointer=pointer)


def plan_batch(kernel: Batch, target: Target) -> BatchPlan:
    """Decide how each product is computed."""
    size = Size(kernel.rows, kernel.columns, kernel.depth)
    (row, column, _), (down, along, _) = kernel.left.access, kernel.right.access
    return BatchPlan(kernel, plan_product(size, (row, column), (down, along), target, 1))
