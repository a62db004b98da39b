"""Which single numbers each number of a result is made from."""

from __future__ import annotations

from math import prod
from typing import Any

from baregrad.engines import array as arrays
from baregrad.engines import reference
from baregrad.engines.array import Array, Shape
from baregrad.tensor import primitives
from baregrad.tensor.operation import Operation
from baregrad.tensor.tensor import Tensor

# An element of an operand: which operand, and which of its elements in row-major order.
Place = tuple[int, int]

MOVEMENTS = (
    primitives.reshape,
    primitives.permute,
    primitives.expand,
    primitives.slice_,
    primitives.take,
    primitives.concat,
)
REDUCTIONS = (primitives.sum_, primitives.max_, primitives.argmax)


def moves(op: Operation | None) -> bool:
    """Whether a result only has elements of the operands, in other places."""
    return any(op is movement for movement in MOVEMENTS)


def sources(tensor: Tensor) -> list[list[Place]] | None:
    """For each element of a result, the elements that it is made from.

    For a matrix product they are its factors, pair by pair. None if the operation is not known
    element by element.
    """
    op = tensor.op
    assert op is not None
    if moves(op):
        return _of_movement(tensor, op)
    if op is primitives.matmul:
        return _of_matmul(tensor)
    if any(op is reduction for reduction in REDUCTIONS):
        return _of_reduction(tensor)
    return _of_elementwise(tensor) if is_elementwise(op) else None


def is_elementwise(op: Operation) -> bool:
    """Whether `operation.elementwise` made it: then its shape rule is the one made there."""
    if op is primitives.cast or op is primitives.stop_gradient:
        return True
    return getattr(op.infer, "__code__", None) is getattr(primitives.add.infer, "__code__", ())


def _numbered(shape: Shape, first: int = 0) -> Array:
    """An array whose elements are their own numbers."""
    return arrays.new(range(first, first + prod(shape)), shape, "int64")


def _of_movement(tensor: Tensor, op: Operation) -> list[list[Place]]:
    """Moves the numbers of the elements instead of the elements, and looks where they went."""
    places: list[Place] = []
    numbers: list[Array] = []
    operands = tensor.parents[:1] if op is primitives.take else tensor.parents
    for i, operand in enumerate(operands):
        numbers.append(_numbered(operand.shape, len(places)))
        places += [(i, element) for element in range(operand.size)]
    indices = [operand.array for operand in tensor.parents[len(operands) :]]
    moved = op.forward(*numbers, *indices, **tensor.attributes)
    return [[places[number]] for number in moved.data]


def _of_elementwise(tensor: Tensor) -> list[list[Place]]:
    columns = [
        [(i, element) for element in _stretched(operand.shape, tensor.shape)]
        for i, operand in enumerate(tensor.parents)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _stretched(shape: Shape, to: Shape) -> Any:
    """The numbers of the elements of an operand, broadcast."""
    return reference.expand(_numbered(shape), to).data


def _of_reduction(tensor: Tensor) -> list[list[Place]]:
    shape, axes = tensor.parents[0].shape, tensor.attributes["axes"]
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    groups: list[list[Place]] = [[] for _ in range(tensor.size)]
    for element, result in enumerate(_stretched(kept, shape)):
        groups[result].append((0, element))
    return groups


def _of_matmul(tensor: Tensor) -> list[list[Place]]:
    """Of element (i, j) of a product: (i, 0), (0, j), (i, 1), (1, j), ..."""
    left, right = tensor.parents
    (m, k), n, batch = left.shape[-2:], right.shape[-1], tensor.shape[:-2]
    lefts = _stretched(left.shape, (*batch, m, k))
    rights = _stretched(right.shape, (*batch, k, n))
    return [
        [
            place
            for step in range(k)
            for place in (
                (0, lefts[(matrix * m + i) * k + step]),
                (1, rights[(matrix * k + step) * n + j]),
            )
        ]
        for matrix in range(prod(batch))
        for i in range(m)
        for j in range(n)
    ]
