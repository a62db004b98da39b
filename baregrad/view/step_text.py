"""The data of a step of the backward pass as text, and as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from baregrad.tensor.notebook import TABLE, table
from baregrad.view.labels import shape_text

WIDTH = 60  # characters of numbers that are written in one line


def text(data: dict[str, Any]) -> str:
    """A step for a terminal."""
    lines = [heading(data), *(f"  {line}" for line in _opening(data))]
    for x in [data["result"], *data["operands"]]:
        lines += _labelled(f"  {_what(x)} =", x["value"])
    lines += _labelled(f"  arriving: ∂L/∂{data['result']['symbol']} =", data["gradient"])
    for sent in data["contributions"]:
        lines += [f"  {line}" for line in _sent(sent)]
    return "\n".join(lines)


def heading(data: dict[str, Any]) -> str:
    """Which step it is, of what operation, where."""
    scope = f" in {data['scope']}" if data["scope"] else ""
    return f"step {data['step']} of {data['steps']}: {data['operation']}{scope}"


def _opening(data: dict[str, Any]) -> list[str]:
    """The source line, if it is known, and the formula."""
    source = data["source"]
    line = f"{source['file']}:{source['line']}: {source['code']}" if source else ""
    return [line, data["formula"]] if line else [data["formula"]]


def _what(x: dict[str, Any]) -> str:
    """For example ``x, 'layers.0.weight', (2, 3)``."""
    name = repr(x["name"]) if x["name"] not in ("", x["symbol"]) else ""
    shape = shape_text(tuple(x["value"]["shape"])) if x["value"]["shape"] else ""
    return ", ".join(filter(None, [x["symbol"], name, shape]))


def _labelled(label: str, numbers: dict[str, Any]) -> list[str]:
    """The numbers after a label, or below it if they are too long for a line."""
    rows = ["[" + ", ".join(row) + "]" for row in numbers["grid"]]
    ndim = len(numbers["shape"])
    line = rows[0].strip("[]") if ndim == 0 else rows[0] if ndim == 1 and rows else None
    line = line if line is not None else f"[{', '.join(rows)}]"
    if len(line) <= WIDTH:
        return [f"{label} {line}"]
    cells = zip(*numbers["grid"], strict=True)
    widths = [max(map(len, column)) for column in cells]
    return [label] + ["      " + "  ".join(map(str.rjust, row, widths)) for row in numbers["grid"]]


def _sent(sent: dict[str, Any]) -> Iterator[str]:
    """What goes to one operand."""
    first, *rest = _words(sent)
    yield first
    yield from (f"  {line}" for line in rest)
    for label, numbers in _sums(sent):
        yield from _labelled(f"  {label}:", numbers)
    yield f"  {_state(sent)}"


def _words(sent: dict[str, Any]) -> list[str]:
    """To what, by which rule, with which numbers."""
    name = f", {sent['name']!r}" if sent["name"] not in ("", sent["to"]) else ""
    at = f"at {sent['element']}: " if sent["element"] else ""
    lines = [
        f"to {sent['to']} (operand {sent['operand']}{name}):",
        sent["rule"],
        f"  {at}{sent['numbers']}",
        sent["broadcast"],
    ]
    return [line for line in lines if line.strip()]


def _sums(sent: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What is added to what; a single number that is the first to arrive is said already."""
    shown = [("contribution", sent["contribution"])] if sent["element"] else []
    if sent["before"] is not None:
        shown += [("arrived before", sent["before"]), ("accumulated", sent["after"])]
    return shown


def _state(sent: dict[str, Any]) -> str:
    """How much of its gradient an operand has by now."""
    if sent["before"] is not None:
        return "with that it is complete" if sent["complete"] else "more is to come"
    return "nothing else arrives there" if sent["complete"] else "the first; more is to come"


# --- for notebooks ------------------------------------------------------------------------------


def html(data: dict[str, Any]) -> str:
    """A step for a notebook."""
    return f"<div><b>{escape(heading(data))}</b>{_body(data)}</div>"


def _body(data: dict[str, Any]) -> str:
    """What there is to say of a step, without its heading."""
    parts = [_code(_opening(data))]
    shown = [(_what(x), x["value"]) for x in [data["result"], *data["operands"]]]
    shown.append((f"arriving: ∂L/∂{data['result']['symbol']}", data["gradient"]))
    parts.append(_side_by_side(shown))
    for sent in data["contributions"]:
        first, *rule = _words(sent)
        parts += [f"<b>{escape(first)}</b>", _code(rule), _side_by_side(_sums(sent))]
        parts.append(f"<div>{escape(_state(sent))}</div>")
    return "".join(parts)


def _code(lines: Iterable[str]) -> str:
    text = "\n".join(map(escape, lines))
    return f"<pre style='margin:.4em 0;background:none;white-space:pre-wrap'>{text}</pre>"


def _side_by_side(shown: Iterable[tuple[str, dict[str, Any]]]) -> str:
    cells = [
        f"<td style='vertical-align:top'>{escape(label)}{table(numbers['grid'])}</td>"
        for label, numbers in shown
    ]
    return f"{TABLE}<tr>{''.join(cells)}</tr></table>" if cells else ""


def page(steps: Iterable[dict[str, Any]], present: int) -> str:
    """Steps to be unfolded, of which the present one is open."""
    return "".join(
        f"<details{' open' * (data['step'] == present)}>"
        f"<summary>{escape(heading(data))}</summary>{_body(data)}</details>"
        for data in steps
    )
