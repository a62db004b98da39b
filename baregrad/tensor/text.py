"""How a tensor prints."""

from __future__ import annotations

from typing import Any

from baregrad.tensor.borrowed import lent_to, readable
from baregrad.tensor.graph import Node

EDGE = 3  # elements shown at either end of an axis that is too long
WHOLE = 1000  # tensors with more elements are shortened


def describe(tensor: Node) -> str:
    """For example ``Tensor([[1.0, 2.0]], op=matmul, name='hidden')``.

    Numbers that are not known, as a step is being captured, are ``...``.
    """
    known = lent_to(tensor) is not None or tensor.known
    shortened = tensor.size > WHOLE or tensor.size == 0  # of nothing, there may be many rows
    values = readable(tensor) if known else []
    notes = [_values(values, tensor, 0, 0, shortened) if known else "..."]
    if shortened or not known:
        notes.append(f"shape={tensor.shape}")
    if tensor.dtype == "float64" or (tensor.size == 0 and tensor.dtype != "float32"):
        notes.append(f"dtype={tensor.dtype}")
    if tensor.op is not None:
        notes.append(f"op={tensor.op.name}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    if tensor.name is not None:
        notes.append(f"name={tensor.name!r}")
    return f"Tensor({', '.join(notes)})"


def _values(data: Any, tensor: Node, axis: int, start: int, shortened: bool) -> str:
    """The elements from `start` on, from `axis` inwards, in brackets."""
    if axis == tensor.ndim:
        return number(data[start], tensor.dtype)
    size = tensor.shape[axis]
    stride = 1
    for inner in tensor.shape[axis + 1 :]:
        stride *= inner
    places: list[int | None] = list(range(size))
    if shortened and size > 2 * EDGE:
        places = [*range(EDGE), None, *range(size - EDGE, size)]
    items = [
        "..." if i is None else _values(data, tensor, axis + 1, start + i * stride, shortened)
        for i in places
    ]
    last = axis == tensor.ndim - 1
    indent = " " * (len("Tensor(") + axis + 1)
    return f"[{(', ' if last else ',' + chr(10) + indent).join(items)}]"


def number(value: Any, dtype: str) -> str:
    """One element, with six significant digits."""
    if dtype == "bool":
        return str(bool(value))
    if dtype == "int64":
        return str(value)
    text = f"{value:.6g}"
    return text if set(text) & set(".en") else text + ".0"
