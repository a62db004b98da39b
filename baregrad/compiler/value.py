"""Values: the expressions that a captured step is made of.

A value is the result of an operation on other values, an input, or a constant. It has a shape and
a data type but no numbers; the whole program is the graph of the values it ends in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

from baregrad.engines.array import DType, Shape
from baregrad.tensor.autograd import topological_order

INPUT = "input"
CONSTANT = "constant"


class Value:
    """One expression.

    Attributes:
        op: the name of a primitive operation, ``"input"`` or ``"constant"``.
        inputs: what it is computed from, in order.
        attributes: the operation's other arguments, such as its axes; of an input its ``"name"``;
            of a constant the ``"value"``, a number that fills the whole shape.
        shape: of the result.
        dtype: of the result.
    """

    __slots__ = ("attributes", "dtype", "inputs", "op", "shape")

    def __init__(
        self,
        op: str,
        inputs: tuple[Value, ...],
        attributes: Mapping[str, Any],
        shape: Shape,
        dtype: DType,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"Value({self.op}, {self.shape}, {self.dtype})"


def in_order(results: Iterable[Value]) -> list[Value]:
    """Every value that the results need, each after its inputs."""
    return topological_order(results, attrgetter("inputs"))
