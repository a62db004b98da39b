"""What stays the same from step to step: the nodes of the graph, and which layers there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from baregrad.nn.layers import Linear
from baregrad.nn.module import Module
from baregrad.tensor import primitives
from baregrad.tensor.tensor import Tensor
from baregrad.view.folding import Group, fold
from baregrad.view.labels import operation_text, shape_text
from baregrad.view.trace import Trace

MODULES, TENSORS = 40, 120  # nodes at each zoom, at most
PARAMETERS = 60  # whose statistics are kept, at most
SIDES = (16, 12, 8, 4)  # rows and columns of a weight whose numbers are kept
NUMBERS = 2000  # kept of each step, at most, if the smallest side allows it


class Dense(NamedTuple):
    """A linear layer, and the places in the graph of what it reads and makes.

    Attributes:
        name: its path in the model.
        inputs: how many there are.
        outputs: how many there are.
        x: what it reads.
        weight: (outputs, inputs).
        bias: (outputs,), None if it has none.
        z: the weighted sums.
        a: what it returns.
    """

    name: str
    inputs: int
    outputs: int
    x: int
    weight: int
    bias: int | None
    z: int
    a: int


class Structure:
    """A graph, looked at once.

    Args:
        loss: what it leads to.
        model: whose layers are in it.

    Attributes:
        trace: its tensors in order; what this module calls a place is a place in that order.
        views: for each zoom its groups of tensors.
        nodes: for each zoom what to say of these groups.
        notes: for each zoom what was folded.
        layers: the linear layers.
        summarised: the places of which statistics are kept, and whether histograms are.
        numbered: those of which numbers are, and of how many rows.
        side: of how many columns, and rows of a weight.
    """

    def __init__(self, loss: Tensor, model: Module) -> None:
        self.trace = trace = Trace([loss])
        self.signature = signature(trace.order)
        if len(trace.shown) <= TENSORS:
            self.views = {"tensors": [Group("single", (), [t]) for t in trace.shown]}
            self.notes: dict[str, list[str]] = {}
        else:
            tensors, others = fold(trace, TENSORS)
            count = f"{len(trace.shown):,} tensors are drawn by module"
            self.views, self.notes = {"tensors": tensors}, {"tensors": [count, *others]}
        self.views["modules"], self.notes["modules"] = fold(trace, MODULES)
        self.layers = list(_dense(model, trace))
        self.parameters = [t for t in trace.shown if t.op is None and t.requires_grad][:PARAMETERS]
        shown = [group.tensors[-1] for view in self.views.values() for group in view]
        charted = {trace.position[t] for t in self.parameters} | {d.a for d in self.layers}
        places = charted.union(trace.position[t] for t in shown)
        self.summarised = {place: place in charted for place in sorted(places)}
        self.side = next((s for s in SIDES if self._numbers(s) <= NUMBERS), SIDES[-1])
        self.numbered: dict[int, int] = {}
        for layer in self.layers[:MODULES]:
            self.numbered |= dict.fromkeys((layer.x, layer.z, layer.a), 1)
            self.numbered[layer.weight] = self.side
            if layer.bias is not None:
                self.numbered[layer.bias] = 1
        self.nodes = {
            zoom: [self._node(group) for group in view] for zoom, view in self.views.items()
        }

    def _numbers(self, side: int) -> int:
        return sum(2 * min(side, d.inputs) * min(side, d.outputs) for d in self.layers)

    def outputs(self) -> dict[int, str]:
        """The places of the outputs of layers, and the layers' names."""
        return {layer.a: layer.name for layer in self.layers[:-1]}

    def name(self, tensor: Tensor) -> str:
        """What a tensor is called: its name, and what it was made by."""
        words = "loss" if self.trace.kind(tensor) == "output" else tensor.name or ""
        if tensor.op is None:
            return words or "constant"
        made = operation_text(tensor, self.trace.inlined)
        return f"{words}: {made}" if words else made

    def _node(self, group: Group) -> dict[str, Any]:
        tensor = group.tensors[-1]
        place = self.trace.position
        single = group.kind == "single"
        title = group.scope[-1] if group.scope else f"{len(group.tensors):,} operations"
        return {
            "at": place[tensor],
            "kind": self.trace.kind(tensor) if single else group.kind,
            "title": self.name(tensor) if single else title,
            "scope": ".".join(self.trace.scope(tensor) if single else group.scope),
            "shape": shape_text(tensor.shape),
            "count": len(group.tensors),
            "inside": [] if single else self._inside(group),
        }

    def _inside(self, group: Group) -> list[int]:
        inside = set(group.tensors)
        return [self.trace.position[t] for t in self.parameters if t in inside]

    def data(self) -> dict[str, Any]:
        """All of it for the page, as JSON can hold it."""
        order = self.trace.order
        return {
            "views": self.nodes,
            "side": self.side,
            "layers": [layer._asdict() for layer in self.layers[:MODULES]],
            "names": {i: self._described(order[i]) for i in self.summarised},
            "charted": [place for place, charted in self.summarised.items() if charted],
        }

    def _described(self, tensor: Tensor) -> str:
        for layer in self.layers:
            if layer.a == self.trace.position[tensor]:
                return f"output of {layer.name}"
        return self.name(tensor)


def signature(order: list[Tensor]) -> list[Any]:
    """What graphs of the same structure have in common."""
    return [(t.op, t.shape) for t in order]


def _dense(model: Module, trace: Trace) -> Iterator[Dense]:
    """The linear layers that are in a graph, in the order in which they compute."""
    users: dict[Tensor, Tensor] = {}
    last: dict[str, int] = {}
    for tensor in trace.order:
        for parent in tensor.parents:
            users.setdefault(parent, tensor)
        if tensor.op is not None and tensor.scope:
            last[tensor.scope[-1]] = trace.position[tensor]
    found = []
    for path, layer in _linear_layers(model, ""):
        product = users.get(users.get(layer.weight, layer.weight))
        if product is None or product.op is not primitives.matmul or path not in last:
            continue
        z = product if layer.bias is None else users[product]
        x, weight = trace.position[product.parents[0]], trace.position[layer.weight]
        bias = None if layer.bias is None else trace.position[layer.bias]
        sizes = layer.inputs, layer.outputs
        found.append(Dense(path, *sizes, x, weight, bias, trace.position[z], last[path]))
    yield from sorted(found, key=lambda dense: dense.z)


def _linear_layers(module: Module, path: str) -> Iterator[tuple[str, Linear]]:
    if isinstance(module, Linear):
        yield path or type(module).__name__, module
    for name, child in module.named_children():
        yield from _linear_layers(child, f"{path}.{name}" if path else name)
