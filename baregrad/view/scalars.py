"""The zoom "scalars": every number by itself, a neuron as its products, their sum and its φ."""

from __future__ import annotations

from baregrad.engines.array import strides
from baregrad.tensor import primitives
from baregrad.tensor.tensor import Tensor
from baregrad.view.dot import Dot
from baregrad.view.elements import Place, moves, sources
from baregrad.view.labels import (
    GRADIENT,
    Show,
    number,
    operation_text,
    rows_label,
)
from baregrad.view.style import STYLES
from baregrad.view.tensors import add_operation, arrow_style, operation_node, tensor_node
from baregrad.view.trace import Trace


def scalar_count(trace: Trace) -> int:
    """How many numbers there are to draw, the products in matrix products among them."""
    return sum(
        tensor.size * (1 + tensor.parents[0].shape[-1])
        if tensor.op is primitives.matmul
        else tensor.size
        for tensor in trace.shown
    )


def draw_scalars(trace: Trace, show: Show) -> Dot:
    """Draws every number."""
    drawing = _Scalars(trace, show)
    for tensor in trace.shown:
        drawing.add(tensor)
    return drawing.dot


class _Scalars:
    """A drawing in progress.

    Attributes:
        sources: for each result, the elements that its elements are made from.
        nodes: for each tensor, the node of each element. One that was only moved keeps its node.
        outputs: the nodes of the elements of the roots.
    """

    def __init__(self, trace: Trace, show: Show) -> None:
        self.trace = trace
        self.show = show
        self.dot = Dot("LR")
        self.sources = {tensor: sources(tensor) for tensor in trace.shown if tensor.op is not None}
        self.nodes: dict[Tensor, list[str]] = {}
        for tensor in trace.shown:
            self.nodes[tensor] = self._nodes_of(tensor)
        self.outputs = {node for root in trace.roots for node in self.nodes[root]}

    def _nodes_of(self, tensor: Tensor) -> list[str]:
        made_from = self.sources.get(tensor)
        if made_from is not None and moves(tensor.op):
            return [self._node_at(tensor, place) for (place,) in made_from]
        return [f"{tensor_node(self.trace, tensor)}_{i}" for i in range(tensor.size)]

    def _node_at(self, tensor: Tensor, place: Place) -> str:
        """The node of an element of one of a result's operands."""
        operand, element = place
        return self.nodes[tensor.parents[operand]][element]

    def add(self, tensor: Tensor) -> None:
        """Adds the elements of a tensor, and the arrows that lead to them."""
        if moves(tensor.op):
            return
        for i in range(tensor.size):
            self._add_element(tensor, i)
        made_from = self.sources.get(tensor, [])
        if made_from is None:
            self._connect_as_one(tensor)
        elif tensor.op is primitives.matmul:
            for i, factors in enumerate(made_from):
                self._add_products(tensor, i, factors)
        else:
            for i, places in enumerate(made_from):
                self._connect(tensor, self.nodes[tensor][i], places)

    def _add_element(self, tensor: Tensor, i: int) -> None:
        node = self.nodes[tensor][i]
        kind = "output" if node in self.outputs else self.trace.kind(tensor)
        words = [_element_name(tensor, i)] if tensor.op is None or tensor.name else []
        if tensor.op is primitives.matmul:
            words.append("Σ")
        elif self.sources.get(tensor) is not None:
            words.append(operation_text(tensor, self.trace.inlined))
        self._add(tensor, node, ": ".join(words), kind, tensor.array.data[i], i)

    def _add(
        self, tensor: Tensor, node: str, heading: str, kind: str, value: float, place: int
    ) -> None:
        """Adds a number, with the gradient of the tensor's element at `place`."""
        rows = [("value", number(value, tensor.dtype), "black")] if self.show.values else []
        if self.show.gradients and tensor.grad is not None:
            gradient = number(tensor.grad.array.data[place], tensor.grad.dtype)
            rows.append(("grad", gradient, GRADIENT))
        label = rows_label(heading, kind, rows)
        self.dot.node(node, label, self.trace.scope(tensor), **STYLES[kind])

    def _add_products(self, tensor: Tensor, i: int, factors: list[Place]) -> None:
        """Adds the products that one element of a matrix product is the sum of.

        The derivative of a sum is 1, so that the gradient of each product is that of the sum.
        """
        for step, pair in enumerate(zip(factors[::2], factors[1::2], strict=True)):
            node = f"{self.nodes[tensor][i]}_{step}"
            left, right = (tensor.parents[operand].array.data[place] for operand, place in pair)
            self._add(tensor, node, "×", "result", left * right, i)
            for place in pair:
                self.dot.edge(self._node_at(tensor, place), node)
            self.dot.edge(node, self.nodes[tensor][i])

    def _connect(self, tensor: Tensor, node: str, places: list[Place]) -> None:
        arrows = [place for place in places if tensor.parents[place[0]] not in self.trace.inlined]
        for i, place in enumerate(arrows):
            style = arrow_style(self.trace, tensor, i)
            self.dot.edge(self._node_at(tensor, place), node, **style)

    def _connect_as_one(self, tensor: Tensor) -> None:
        """Leads everything through one node, for an operation whose inside is not known."""
        add_operation(self.dot, self.trace, tensor)
        operation = operation_node(self.trace, tensor)
        operands = [parent for parent in tensor.parents if parent not in self.trace.inlined]
        for node in dict.fromkeys(node for operand in operands for node in self.nodes[operand]):
            self.dot.edge(node, operation)
        for node in self.nodes[tensor]:
            self.dot.edge(operation, node)


def _element_name(tensor: Tensor, i: int) -> str:
    """For example ``layers.0.weight[1, 2]``."""
    steps = zip(tensor.shape, strides(tensor.shape), strict=True)
    index = ", ".join(str(i // step % size) for size, step in steps)
    return (tensor.name or "") + (f"[{index}]" if index else "")
