"""The zoom "modules": a node for each module, and for each operation outside of modules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from baregrad.tensor.tensor import Tensor
from baregrad.view.dot import Dot, escaped
from baregrad.view.folding import Group
from baregrad.view.labels import GRADIENT, GREY, Show, rows_label, shape_text
from baregrad.view.style import STYLES
from baregrad.view.tensors import add_operation, add_tensor, operation_node, tensor_node
from baregrad.view.trace import Scope, Trace

LISTED = 4  # kinds of operations, and shapes along an arrow, that are named
SPACE = "\N{NO-BREAK SPACE}"  # between an arrow and its label


def draw_groups(trace: Trace, groups: list[Group], outputs: list[Tensor], show: Show) -> Dot:
    """Draws every group as one node, and every output."""
    dot = Dot()
    frames = {group.scope[:depth] for group in groups for depth in range(len(group.scope))}
    for group in groups:
        _add_group(dot, trace, group, frames, show)
    node_of = {tensor: _node(trace, group) for group in groups for tensor in group.tensors}
    _add_arrows(dot, trace, node_of)
    for output in outputs:
        if node_of[output] != tensor_node(trace, output):
            add_tensor(dot, trace, output, show)
            dot.edge(node_of[output], tensor_node(trace, output))
    return dot


def _node(trace: Trace, group: Group) -> str:
    """What the node of a group is called in DOT, after its first tensor."""
    first = group.tensors[0]
    if group.kind == "single":
        return tensor_node(trace, first) if first.op is None else operation_node(trace, first)
    return f"{group.kind[0]}{trace.position[first]}"


def _add_group(dot: Dot, trace: Trace, group: Group, frames: set[Scope], show: Show) -> None:
    first = group.tensors[0]
    if group.kind != "single":
        frame = group.scope if group.scope in frames else group.scope[:-1]
        dot.node(_node(trace, group), _label(group, show), frame, **STYLES[group.kind])
    elif first.op is None:
        add_tensor(dot, trace, first, show)
    else:
        add_operation(dot, trace, first)


def _label(group: Group, show: Show) -> str:
    operations = Counter(tensor.op.name for tensor in group.tensors if tensor.op is not None)
    parameters = [t for t in group.tensors if t.op is None and t.requires_grad]
    rows = [("operations", _listed(operations), GREY)]
    if parameters:
        rows.append(("parameters", f"{sum(t.size for t in parameters):,}", "black"))
    gradients = [t.grad for t in parameters if t.grad is not None]
    if show.gradients and gradients:
        rows.append(("grad norm", f"{_norm(gradients):.4g}", GRADIENT))
    name = group.scope[-1] if group.scope else f"of {len(group.tensors):,} tensors"
    return rows_label(name, group.kind, rows)


def _listed(counts: Counter[str]) -> str:
    """For example ``permute, 2× add, tanh``."""
    named = [name if n == 1 else f"{n:,}× {name}" for name, n in counts.items()]
    return ", ".join(named[:LISTED] + ["…"] * (len(named) > LISTED)) or "none"


def _norm(tensors: Iterable[Tensor]) -> float:
    """The Euclidean length of all the elements together."""
    return math.hypot(*(math.hypot(*tensor.array.data) for tensor in tensors))


def _add_arrows(dot: Dot, trace: Trace, node_of: dict[Tensor, str]) -> None:
    """One arrow between any two groups, with the shapes of what crosses over."""
    crossing: dict[tuple[str, str], dict[Tensor, None]] = {}
    for tensor in trace.shown:
        for parent in tensor.parents:
            if parent not in trace.inlined and node_of[parent] != node_of[tensor]:
                arrow = node_of[parent], node_of[tensor]
                crossing.setdefault(arrow, {})[parent] = None
    for (tail, head), tensors in crossing.items():
        shapes = Counter(shape_text(tensor.shape) for tensor in tensors)
        dot.edge(tail, head, SPACE + escaped(_listed(shapes)))
