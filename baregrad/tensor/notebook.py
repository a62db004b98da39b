"""What notebooks show: HTML from text, in which nothing that people named can become markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

from baregrad.engines.array import DType
from baregrad.tensor.graph import Node
from baregrad.tensor.text import number

Bundle = dict[str, str]  # from a MIME type to what is shown of that type
GAP = "…"
# marimo has no space between cells by itself
TABLE = "<table style='border-collapse:separate;border-spacing:.6em .2em'>"


def bundle(plain: str, html: str) -> Bundle:
    """Both forms of one thing, of which a notebook takes the best that it can show."""
    return {"text/plain": plain, "text/html": html}


def table(rows: Iterable[Iterable[str]], head: Sequence[str] = ()) -> str:
    """Rows of text as an HTML table, below its headings if there are any."""
    lines = [f"<tr>{''.join(f'<th>{escape(text)}</th>' for text in head)}</tr>"] if head else []
    lines += [f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows]
    return f"{TABLE}{''.join(lines)}</table>"


def paragraph(text: str) -> str:
    """Text as a paragraph of HTML."""
    return f"<p>{escape(text)}</p>"


def grid(
    tensor: Node, edge: int = 3, written: Callable[[Any, DType], str] = number
) -> list[list[str]]:
    """The elements in rows, shortened to `edge` of them at either end of a row and of the rows.

    Of three axes and more, all but the last are rows. `written` makes text of an element.
    """
    width = tensor.shape[-1] if tensor.ndim else 1
    data = tensor.array.data
    rows = tensor.size // width if width else 0
    columns = _ends(width, edge)
    return [
        [
            GAP if i is None or j is None else written(data[i * width + j], tensor.dtype)
            for j in columns
        ]
        for i in _ends(rows, edge)
    ]


def _ends(count: int, edge: int) -> list[int | None]:
    """All of so many places, or the first and the last with a gap between."""
    if count <= 2 * edge + 1:
        return list(range(count))
    return [*range(edge), None, *range(count - edge, count)]


def tensor_html(tensor: Node) -> str:
    """What it is, its elements and, if there is one, its gradient."""
    made = f"result of {tensor.op}" if tensor.op else "leaf"
    what = f"{tensor.name or 'Tensor'}: {made}, shape {tensor.shape}, {tensor.dtype}"
    parts = [paragraph(what), table(grid(tensor)) if tensor.known else ""]
    if tensor.known and tensor.grad is not None:
        parts += [paragraph("gradient"), table(grid(tensor.grad))]
    return "".join(parts)


class Text(str):
    """Text that a notebook shows as it is, in lines, instead of in quotes."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return bundle(str(self), f"<pre>{escape(self)}</pre>")
