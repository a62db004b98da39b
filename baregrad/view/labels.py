"""What is written on a node: numbers, shapes, operations, the value and gradient of a tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from baregrad.engines import reference
from baregrad.engines.array import DType, Shape
from baregrad.tensor.tensor import Tensor
from baregrad.view.dot import cell, escaped, font, table

GREY, GRADIENT = "#666666", "#B34700"

# Matrices up to this size along each axis are shown in full, larger ones by their statistics.
WHOLE = 4

# Room in points for the widest numbers, which are -0.0001234 and the like and -1.234e-308. Every
# number gets it, so that the drawing of a graph is laid out alike whatever the values are.
NUMBER_WIDTH = 60

SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "power": "^",
    "matmul": "@",
    "equal": "=",
    "not_equal": "≠",
    "less": "<",
    "less_equal": "≤",
    "negative": "neg",
    "sum": "Σ",
    "sqrt": "√",
}
INFIX = ("+", "−", "×", "÷", "^", "@", "=", "≠", "<", "≤")


class Show(NamedTuple):
    """What is written beside names and shapes."""

    values: bool
    gradients: bool


# --- numbers and shapes -----------------------------------------------------------------------


def number(value: Any, dtype: DType) -> str:
    """A number with four significant digits; an integer with all, up to ten."""
    if dtype == "bool":
        return str(bool(value))
    if dtype == "int64" and abs(value) < 10**10:
        return str(value)
    return f"{value:.4g}"


def shape_text(shape: Shape) -> str:
    """The shape as Python writes it."""
    return str(shape) if shape else "scalar"


# --- operations -------------------------------------------------------------------------------


def symbol(name: str) -> str:
    """The sign of an operation, or its name with spaces."""
    return SYMBOLS.get(name, name.replace("_", " "))


def operation_text(tensor: Tensor, inlined: AbstractSet[Tensor]) -> str:
    """The operation that made a tensor, with inlined operands: ``+``, ``× 2``, ``where(·, 0, ·)``.

    A dot stands for an operand that an arrow comes from.
    """
    assert tensor.op is not None
    operands = [
        number(parent.array.data[0], parent.dtype) if parent in inlined else None
        for parent in tensor.parents
    ]
    sign = symbol(tensor.op.name)
    if not any(operands):
        return sign
    if sign in INFIX and len(operands) == 2:
        return f"{operands[0] or ''} {sign} {operands[1] or ''}".strip()
    return f"{sign}({', '.join(operand or '·' for operand in operands)})"


def attributes_text(tensor: Tensor) -> str:
    """The other arguments of an operation; not a shape, which the result shows."""
    texts = [_attribute(key, value) for key, value in tensor.attributes.items()]
    return ", ".join(filter(None, texts))


def _attribute(key: str, value: Any) -> str:
    if key == "shape" or value is False:
        return ""
    if value is True:
        return key
    if key == "axes":
        return f"{'axis' if len(value) == 1 else 'axes'} {', '.join(map(str, value))}"
    if key == "window":
        return f"[{', '.join(_slice_text(*along) for along in value)}]"
    if key == "dtype":
        return str(value)
    simple = isinstance(value, int | float | str | tuple)
    return f"{key} {value if simple else type(value).__name__}"


def _slice_text(start: int, step: int, size: int) -> str:
    """``1:4`` or, with a step, ``1:8:2``; a single element by its index."""
    if size == 1:
        return str(start)
    stop = start + step * size
    return f"{start}:{stop if stop >= 0 else ''}{'' if step == 1 else f':{step}'}"


# --- tensors ----------------------------------------------------------------------------------


def tensor_label(tensor: Tensor, kind: str, show: Show) -> str:
    """Kind, name, shape and data type, then the value and the gradient."""
    what = f"{shape_text(tensor.shape)} {tensor.dtype}"
    columns = _columns(tensor.shape) + 1
    rows = [
        [cell(_heading(tensor.name or "", kind), colspan=columns)],
        [cell(font(escaped(what), color=GREY), colspan=columns)],
    ]
    shown = [("value", tensor, "black")] if show.values else []
    if show.gradients and tensor.grad is not None:
        shown.append(("grad", tensor.grad, GRADIENT))
    if shown and not _in_full(tensor.shape):
        rows.append([cell(""), *(_right(word, GREY) for word in ("min", "mean", "max"))])
    for word, numbers, colour in shown:
        rows += _rows(word, _lines_of(numbers), colour)
    return table(rows)


def rows_label(name: str, kind: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """Kind and name, then rows of a word, what it is and their colour."""
    cells = [[cell(_heading(name, kind), colspan=2)]]
    for word, text, colour in rows:
        cells += _rows(word, [[text]], colour)
    return table(cells)


def _heading(name: str, kind: str) -> str:
    bold = f"<B>{escaped(name)}</B>" if name else ""
    return " ".join(filter(None, [kind if kind != "result" else "", bold])) or "result"


def _rows(word: str, lines: Sequence[Sequence[str]], colour: str) -> list[list[str]]:
    """The rows of a table that hold a value or a gradient."""
    firsts = [word] + [""] * (len(lines) - 1)
    return [
        [cell(font(first, color=colour), align="left"), *(_right(text, colour) for text in line)]
        for first, line in zip(firsts, lines, strict=True)
    ]


def _right(text: str, colour: str) -> str:
    return cell(font(escaped(text), color=colour), width=NUMBER_WIDTH, align="right")


def _in_full(shape: Shape) -> bool:
    return len(shape) < 3 and all(1 <= size <= WHOLE for size in shape)


def _columns(shape: Shape) -> int:
    return (shape[-1] if shape else 1) if _in_full(shape) else 3


def _lines_of(tensor: Tensor) -> list[list[str]]:
    """The elements row by row, or one row of smallest, mean and largest."""
    data, size = tensor.array.data, tensor.size
    if _in_full(tensor.shape):
        texts = [number(value, tensor.dtype) for value in data]
        width = _columns(tensor.shape)
        return [texts[i : i + width] for i in range(0, size, width)]
    if size == 0:
        return [["none"] * 3]
    largest = reference.largest(data)
    smallest = largest if largest != largest else min(data)
    mean = f"{sum(data) / size:.4g}"
    return [[number(smallest, tensor.dtype), mean, number(largest, tensor.dtype)]]
