"""The zoom "tensors": every tensor is a box, and every operation a round node before its result."""

from __future__ import annotations

from baregrad.tensor.tensor import Tensor
from baregrad.view.dot import Dot, escaped, font
from baregrad.view.labels import GREY, Show, attributes_text, operation_text, tensor_label
from baregrad.view.style import STYLES
from baregrad.view.trace import Trace

# Operations whose operands can change places. In others arrows are numbered.
COMMUTATIVE = ("add", "multiply", "equal", "not_equal", "maximum")


def draw_tensors(trace: Trace, show: Show) -> Dot:
    """Draws every tensor."""
    dot = Dot()
    for tensor in trace.shown:
        add_tensor(dot, trace, tensor, show)
        if tensor.op is not None:
            add_operation(dot, trace, tensor)
            head = operation_node(trace, tensor)
            arrows = (parent for parent in tensor.parents if parent not in trace.inlined)
            for i, parent in enumerate(arrows):
                dot.edge(tensor_node(trace, parent), head, **arrow_style(trace, tensor, i))
            dot.edge(head, tensor_node(trace, tensor))
    return dot


def tensor_node(trace: Trace, tensor: Tensor) -> str:
    """What the node of a tensor is called in DOT; the same in every drawing of such a graph."""
    return f"t{trace.position[tensor]}"


def operation_node(trace: Trace, tensor: Tensor) -> str:
    """What the node of the operation that made a tensor is called in DOT."""
    return f"o{trace.position[tensor]}"


def arrow_style(trace: Trace, tensor: Tensor, i: int) -> dict[str, str]:
    """The number of the arrow to an operation, if there are several and their order matters."""
    assert tensor.op is not None
    operands = sum(parent not in trace.inlined for parent in tensor.parents)
    if operands == 1 or tensor.op.name in COMMUTATIVE:
        return {}
    return {"headlabel": str(i + 1), "labeldistance": "1.2", "fontcolor": GREY}


def add_tensor(dot: Dot, trace: Trace, tensor: Tensor, show: Show) -> None:
    """Adds the box of a tensor."""
    kind = trace.kind(tensor)
    label = tensor_label(tensor, kind, show)
    dot.node(tensor_node(trace, tensor), label, trace.scope(tensor), **STYLES[kind])


def add_operation(dot: Dot, trace: Trace, tensor: Tensor) -> None:
    """Adds the round node of the operation that made a tensor."""
    label = escaped(operation_text(tensor, trace.inlined))
    attributes = attributes_text(tensor)
    if attributes:
        label += "<BR/>" + font(escaped(attributes), **{"point-size": 8, "color": GREY})
    dot.node(operation_node(trace, tensor), label, trace.scope(tensor), **STYLES["operation"])
