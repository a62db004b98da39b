"""The nodes of a kernel, evaluated as vectors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from baregrad.compiler.kernel import (
    SCALAR,
    Access,
    Apply,
    Buffer,
    Constant,
    Load,
    Node,
    Reduce,
    Store,
)
from baregrad.compiler.kernels import arithmetic
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.integers import Vector
from baregrad.compiler.kernels.operands import Operand, Place
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value

Pointers = Mapping[int, Value]  # the address of each buffer, by its number
Values = dict[int, Vector]  # of nodes, by their place in the list

_DTYPES: Final = ("float32", "int64", "bool")


def inputs(node: Node) -> tuple[int, ...]:
    """The nodes that a node refers to."""
    if isinstance(node, Apply):
        return node.inputs
    return (node.input,) if isinstance(node, Reduce) else ()


def needed(nodes: Sequence[Node], roots: Iterable[int], known: Collection[int]) -> list[int]:
    """What `roots` are computed from and is not known, in order."""
    wanted = {root for root in roots if root not in known}
    for index in range(max(wanted, default=-1), -1, -1):
        if index in wanted:
            wanted |= {i for i in inputs(nodes[index]) if i not in known}
    return sorted(wanted)


def levels(nodes: Sequence[Node], known: Collection[int] = ()) -> list[int]:
    """For each node, the passes that must be over before it can be evaluated."""
    result: list[int] = []
    for index, node in enumerate(nodes):
        level = max([result[i] for i in inputs(node)], default=0)
        if isinstance(node, Reduce):
            level += 1
        result.append(0 if index in known else level)
    return result


class Expression:
    """The nodes of one kernel, with the memory that they load from.

    Args:
        builder: of the program.
        nodes: of the kernel.
        pointers: the address of each buffer.
    """

    def __init__(self, builder: Builder, nodes: Sequence[Node], pointers: Pointers) -> None:
        self.builder = builder
        self.nodes = nodes
        self._pointers = pointers
        self._operands: dict[tuple[int, Access], Operand] = {}

    def operand(self, buffer: Buffer, access: Access) -> Operand:
        """A buffer as it is accessed.

        Raises:
            UnsupportedKernelError: there is no vector code for its data type.
        """
        operand = self._operands.get((buffer.number, access))
        if operand is None:
            if buffer.dtype not in _DTYPES:
                raise UnsupportedKernelError(f"there is no vector code for {buffer.dtype}")
            pointer, (row, column, offset) = self._pointers[buffer.number], access
            operand = Operand(pointer, row, column, buffer.dtype, offset)
            self._operands[buffer.number, access] = operand
        return operand

    def evaluate(self, roots: Iterable[int], place: Place, values: Values) -> None:
        """Add to `values` those of the roots, and of what they are computed from, at a place."""
        self.compute(needed(self.nodes, roots, values), place, values)

    def compute(self, order: Iterable[int], place: Place, values: Values) -> None:
        """Add to `values` those of these nodes at a place; each follows what it refers to."""
        for index in order:
            values[index] = self._evaluate(self.nodes[index], place, values)

    def _evaluate(self, node: Node, place: Place, values: Values) -> Vector:
        b = self.builder
        if isinstance(node, Load):
            return place.load(self.operand(node.buffer, node.access))
        if isinstance(node, Constant):
            return arithmetic.constant(b, node.value, node.dtype)
        assert isinstance(node, Apply), f"{type(node).__name__} is evaluated elsewhere"
        operands = [values[i] for i in node.inputs]
        dtypes = [self.nodes[i].dtype for i in node.inputs]
        if node.op == "cast":
            return arithmetic.cast(b, operands[0], dtypes[0], node.dtype)
        return arithmetic.apply(b, node.op, operands, dtypes)

    def store(self, store: Store, place: Place, values: Values) -> None:
        """Store a node whose value is known."""
        place.store(values[store.node], self.operand(store.buffer, store.access))

    def scalars(self, roots: Iterable[int], place: Place) -> Values:
        """What the roots need that is the same everywhere and known at the beginning."""
        nodes, level = self.nodes, levels(self.nodes)
        early = [i for i in needed(nodes, roots, ()) if level[i] == 0]
        fixed = [i for i in early if nodes[i].extent == SCALAR]
        values: Values = {}
        self.evaluate(fixed, place, values)
        return values
