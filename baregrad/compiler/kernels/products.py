"""Contraction kernels: a matrix product whose epilogue is the kernel's expression."""

from collections.abc import Sequence
from typing import Final

from baregrad.compiler.kernel import (
    FULL,
    FUNCTIONS,
    Accumulator,
    Apply,
    Contraction,
    Load,
    Node,
    Store,
)
from baregrad.compiler.kernel import (
    Operand as Matrix,
)
from baregrad.compiler.kernels.contraction import plan_product
from baregrad.compiler.kernels.epilogue import Epilogue
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.expression import Expression, Pointers, needed
from baregrad.compiler.kernels.loops import Span
from baregrad.compiler.kernels.operands import ELEMENT, Operand, Place, Tile, advanced
from baregrad.compiler.kernels.plan import Matrices, Plan, Size
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target
from baregrad.record import Record

# instructions of an elementary function, about
_FUNCTION_LENGTH: Final = 25


class ContractionPlan(Record):
    """How a contraction is computed.

    Attributes:
        kernel: the contraction.
        product: plan of its matrix product.
    """

    kernel: Contraction
    product: Plan

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return self.product.blocks

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""
        return self.product.scratch_bytes

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks; see `maps.MapPlan`."""
        b, kernel = builder, self.kernel
        expression = Expression(b, kernel.nodes, pointers)
        roots = [store.node for store in kernel.stores]
        known = expression.scalars(roots, Place(Tile(b, 0, 0), 0, 0, 1, None))
        sums = [i for i, node in enumerate(kernel.nodes) if isinstance(node, Accumulator)]
        order = needed(kernel.nodes, roots, {*known, *sums})

        def emit(place: Place, value: Value) -> None:
            values = known | dict.fromkeys(sums, value)
            expression.compute(order, place, values)
            for store in kernel.stores:
                expression.store(store, place, values)

        left, right = [
            Operand(_first(b, matrix, pointers), *strides)
            for matrix, strides in zip((kernel.left, kernel.right), _strides(kernel), strict=True)
        ]
        epilogue = Epilogue(emit, _length(kernel.nodes, roots), self._touched(b, pointers))
        self.product.write(b, Matrices(left, right, epilogue), blocks, scratch)

    def _touched(self, b: Builder, pointers: Pointers) -> tuple[Operand, ...]:
        """The matrices of the product's size that are read or written along their rows."""
        nodes = self.kernel.nodes
        used: list[Load | Store] = [x for x in nodes if isinstance(x, Load) and x.extent == FULL]
        used += [x for x in self.kernel.stores if nodes[x.node].extent == FULL]
        rows = [x for x in used if x.buffer.dtype == "float32" and x.access.column == 1]
        return tuple([Operand(_first(b, x, pointers), x.access.row, 1) for x in rows])


def plan_contraction(kernel: Contraction, target: Target) -> ContractionPlan:
    """Decide how its product is computed.

    Raises:
        UnsupportedKernelError: matrices of another data type than float32.
    """
    for matrix in (kernel.left, kernel.right):
        if matrix.buffer.dtype != "float32":
            raise UnsupportedKernelError(
                f"there is no vector code for a product of {matrix.buffer.dtype}"
            )
    size = Size(kernel.rows, kernel.columns, kernel.depth)
    length = _length(kernel.nodes, [store.node for store in kernel.stores])
    return ContractionPlan(kernel, plan_product(size, *_strides(kernel), target, length))


def _first(b: Builder, matrix: Matrix | Load | Store, pointers: Pointers) -> Value:
    """The address of a matrix's first element."""
    return advanced(b, pointers[matrix.buffer.number], ELEMENT * matrix.access.offset)


def _strides(kernel: Contraction) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of the two matrices; 0 along axes of size 1, for which any would do."""

    def of(matrix: Matrix, rows: int, columns: int) -> tuple[int, int]:
        access = matrix.access
        return access.row if rows != 1 else 0, access.column if columns != 1 else 0

    left = of(kernel.left, kernel.rows, kernel.depth)
    return left, of(kernel.right, kernel.depth, kernel.columns)


def _length(nodes: Sequence[Node], roots: Sequence[int]) -> int:
    """About how many instructions the expression has at each place."""
    used = [nodes[index] for index in needed(nodes, roots, ())]
    functions = sum(isinstance(n, Apply) and n.op in FUNCTIONS | {"power"} for n in used)
    return len(used) + len(roots) + _FUNCTION_LENGTH * functions
