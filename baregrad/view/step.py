"""One step of the backward pass, and what it shows as plain data: for texts, notebooks, pages."""

from __future__ import annotations

import linecache
import math
from itertools import islice
from typing import Any, NamedTuple

from baregrad.engines.array import Shape, strides
from baregrad.tensor.autograd import check_unchanged
from baregrad.tensor.notebook import Bundle, bundle, grid
from baregrad.tensor.tensor import Tensor
from baregrad.view import step_text
from baregrad.view.formula import Formula, rule
from baregrad.view.labels import number, shape_text

EDGE = 2  # elements shown at either end of an axis that is too long
LONGEST = 12  # characters of a name that is used in formulas


class Transfer(NamedTuple):
    """What one operation adds to the gradient of one of its inputs.

    Attributes:
        place: which input it is.
        contribution: what is added, of the input's shape.
        before: what had arrived there earlier; None if this is the first.
        after: the sum.
        complete: whether nothing more will come.
    """

    place: int
    contribution: Tensor
    before: Tensor | None
    after: Tensor
    complete: bool


class Step:
    """One operation of a backward pass.

    Attributes:
        number: from 1.
        steps: how many there are.
        tensor: the result of the operation.
        gradient: what has arrived there, complete.
        transfers: what it passes on.
        positions: the place of every tensor in the graph, by which drawings call it.
    """

    def __init__(
        self,
        number: int,
        steps: int,
        tensor: Tensor,
        gradient: Tensor,
        transfers: list[Transfer],
        positions: dict[Tensor, int],
    ) -> None:
        self.number = number
        self.steps = steps
        self.tensor = tensor
        self.gradient = gradient
        self.transfers = transfers
        self.positions = positions

    def data(self) -> dict[str, Any]:
        """All there is to show, as dicts, lists, texts and numbers that JSON can hold.

        Raises:
            GradientError: a leaf was assigned to since, so that the numbers would not fit.
        """
        check_unchanged(self.tensor)
        return _data(self)

    def __str__(self) -> str:
        return step_text.text(self.data())

    def __repr__(self) -> str:
        return f"Step({self.number} of {self.steps}: {self.tensor.op})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        data = self.data()
        return bundle(step_text.text(data), step_text.html(data))


def _data(step: Step) -> dict[str, Any]:
    """The step, see `Step.data`."""
    tensor = step.tensor
    names = _names(tensor)
    gradient = step.gradient.detach()
    formulas = _rules(step, names, gradient)
    return {
        "step": step.number,
        "steps": step.steps,
        "operation": str(tensor.op),
        "scope": ".".join(tensor.scope),
        "source": _source(tensor),
        "formula": f"{names[tensor]} = {Formula(tensor, _without(names, tensor))}",
        "result": _tensor(tensor, step, names),
        "operands": [
            _tensor(x, step, names) for x in dict.fromkeys(tensor.parents) if not _is_number(x)
        ],
        "gradient": _numbers(gradient),
        "contributions": [
            _transfer(transfer, formula, step, names)
            for transfer, formula in zip(step.transfers, formulas, strict=True)
        ],
    }


def _names(tensor: Tensor) -> dict[Tensor, str]:
    """What a result and its operands are called in formulas.

    By their own names, if these are short; else by letters: those of the gradient rule, if it has
    any, or y, x1, x2 and so on. Single numbers without a name are constants, and need none.
    """
    tensors = tensor, *tensor.parents
    own = {x: x.name for x in tensors if x.name and _is_short(x.name)}
    if len(set(own.values())) < len(own):
        own = {}
    names = dict(own)
    for x, letter in zip(tensors, _letters(tensor), strict=True):
        while letter in own.values():
            letter += "′"
        if not _is_number(x):
            names.setdefault(x, letter)
    return names


def _letters(tensor: Tensor) -> list[str]:
    assert tensor.op is not None
    count = len(tensor.parents)
    for vjp in islice(tensor.op.vjps, count):
        code = getattr(vjp, "__code__", None)
        if code is not None and code.co_argcount >= count + 2:
            return list(code.co_varnames[1 : count + 2])
    return ["y", *(["x"] if count == 1 else (f"x{i + 1}" for i in range(count)))]


def _is_short(name: str) -> bool:
    return len(name) <= LONGEST and name.isidentifier()


def _is_number(x: Tensor) -> bool:
    return x.op is None and x.size == 1 and not x.requires_grad and x.name is None


def _without(names: dict[Tensor, str], tensor: Tensor) -> dict[Tensor, str]:
    return {x: name for x, name in names.items() if x is not tensor}


def _rules(step: Step, names: dict[Tensor, str], gradient: Tensor) -> list[Formula]:
    assert step.tensor.op is not None
    vjps = list(islice(step.tensor.op.vjps, len(step.tensor.parents)))
    named = {**names, gradient: f"∂L/∂{names[step.tensor]}"}
    return [rule(step.tensor, vjps[t.place], gradient, named) for t in step.transfers]  # type: ignore[arg-type]


def _tensor(x: Tensor, step: Step, names: dict[Tensor, str]) -> dict[str, Any]:
    return {
        "symbol": names[x],
        "name": x.name or "",
        "kind": str(x.op) if x.op else "parameter" if x.requires_grad else "data",
        "node": step.positions[x],
        "value": _numbers(x),
    }


def _numbers(x: Tensor) -> dict[str, Any]:
    """Shape, elements (shortened) as text, and the Euclidean norm; None if it is not finite."""
    norm = math.hypot(*x.array.data)
    return {
        "shape": list(x.shape),
        "grid": grid(x, EDGE, number),
        "norm": norm if math.isfinite(norm) else None,
    }


def _transfer(
    transfer: Transfer, formula: Formula, step: Step, names: dict[Tensor, str]
) -> dict[str, Any]:
    parent = step.tensor.parents[transfer.place]
    raw, symbol = formula.root, names[parent]
    element, numbers = _put_in(formula)
    return {
        "to": symbol,
        "name": parent.name or "",
        "node": step.positions[parent],
        "operand": transfer.place + 1,
        "rule": f"∂L/∂{symbol} = {formula}",
        "element": element,
        "numbers": numbers,
        "broadcast": _broadcast(symbol, parent.shape, raw.shape),
        "contribution": _numbers(transfer.contribution),
        "before": None if transfer.before is None else _numbers(transfer.before),
        "after": _numbers(transfer.after),
        "complete": transfer.complete,
    }


def _put_in(formula: Formula) -> tuple[list[int], str]:
    """The index of the element that is largest in magnitude (NaN above all), and its numbers."""
    x = formula.root
    data = x.array.data
    if not data:
        return [], ""
    place = max(range(x.size), key=lambda i: (data[i] != data[i], abs(data[i])))
    text, value = formula.at(place), number(data[place], x.dtype)
    index = [place // step % size for size, step in zip(x.shape, strides(x.shape), strict=True)]
    return index, value if text == value else f"{text} = {value}"


def _broadcast(symbol: str, shape: Shape, full: Shape) -> str:
    """How the copies of a broadcast operand come together, in words; empty if there are none."""
    if shape == full:
        return ""
    added = len(full) - len(shape)
    axes = [i for i in range(len(full)) if i < added or shape[i - added] != full[i]]
    where = ("axis " if len(axes) == 1 else "axes ") + ", ".join(map(str, axes))
    return (
        f"{symbol}, {shape_text(shape)}, was broadcast to {shape_text(full)}: its copies' gradients"
        f" are summed over {where}"
    )


def _source(tensor: Tensor) -> dict[str, Any] | None:
    """File, line and code, if the operation was made within `tracing`."""
    found = getattr(tensor, "source", None)
    if found is None:
        return None
    path, line = found
    name = path.replace("\\", "/").rpartition("/")[2]
    return {"file": name, "line": line, "code": linecache.getline(path, line).strip()}
