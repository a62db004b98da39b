"""Writing DOT, the language in which Graphviz is told what to draw.

All text goes through `escaped`, so no name can become markup, an attribute or a script.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import count

FONT = "Helvetica,Arial,sans-serif"
LONGEST = 60  # characters shown of a name

# Graphviz lays out a place for an arrow on each rank that it passes. Where many arrows are long,
# that takes minutes, and these settings take seconds: straight arrows, and less search.
LONGEST_SPAN = 2000
QUICK = {"splines": "line", "nslimit": 0.1, "nslimit1": 1, "mclimit": 0.05}

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "\\\\"})


def escaped(text: str, longest: int = LONGEST) -> str:
    """Text for a label, in which nothing has a meaning; a control character shows as its code."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    visible = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return "".join(visible).translate(_MARKUP)


def cell(text: str, **attributes: object) -> str:
    """A table cell; `text` is markup."""
    return f"<TD{_pairs(attributes)}>{text}</TD>"


def font(text: str, **attributes: object) -> str:
    """Markup in another colour or size. Graphviz refuses an empty one."""
    return f"<FONT{_pairs(attributes)}>{text}</FONT>" if text else ""


def table(rows: Iterable[Iterable[str]]) -> str:
    """Rows of cells, without lines between them."""
    body = "".join(f"<TR>{''.join(row)}</TR>" for row in rows)
    return f'<TABLE border="0" cellborder="0" cellspacing="0" cellpadding="1">{body}</TABLE>'


class Cluster:
    """A frame around nodes and other frames."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.clusters: dict[str, Cluster] = {}

    def lines(self, numbers: Iterator[int]) -> Iterator[str]:
        """What is in it, in DOT; inner frames are numbered as they come."""
        yield from self.nodes
        for name, inner in self.clusters.items():
            yield f"subgraph cluster_{next(numbers)} {{"
            yield f'label=<<B>{escaped(name)}</B>>; labeljust="l"; style="rounded"; margin="10";'
            yield from inner.lines(numbers)
            yield "}"


class Dot:
    """A graph that is being written. Labels are markup, as `escaped` and `table` return it.

    Args:
        direction: of the arrows, ``"TB"`` from top to bottom or ``"LR"`` from left to right.
    """

    def __init__(self, direction: str = "TB") -> None:
        self.direction = direction
        self.frame = Cluster()
        self.edges: list[tuple[str, str, str]] = []

    def node(
        self, name: str, label: str, cluster: tuple[str, ...] = (), **attributes: object
    ) -> None:
        """Adds a node within nested clusters, which are named outermost first."""
        inner = self.frame
        for part in cluster:
            inner = inner.clusters.setdefault(part, Cluster())
        inner.nodes.append(f"{name} [label=<{label}>{_pairs(attributes)}];")

    def edge(self, tail: str, head: str, label: str = "", **attributes: object) -> None:
        """Adds an arrow; arrows to a node come before arrows from it."""
        self.edges.append((tail, head, f"[label=<{label}>{_pairs(attributes)}]"))

    def text(self, title: Iterable[str] = ()) -> str:
        """The whole graph in DOT, with lines of markup above it."""
        layout = QUICK if self._span() > LONGEST_SPAN else {}
        lines = [
            "digraph baregrad {",
            f'graph [label=<{"<BR/>".join(title)}> labelloc="t" fontname="{FONT}" fontsize="11"'
            f' rankdir="{self.direction}" nodesep="0.2" ranksep="0.22" bgcolor="white"'
            f' color="#999999"{_pairs(layout)}];',
            f'node [fontname="{FONT}" fontsize="9"];',
            f'edge [fontname="{FONT}" fontsize="8" arrowsize="0.6" color="#555555"];',
            *self.frame.lines(count()),
            *(f"{tail} -> {head} {attributes};" for tail, head, attributes in self.edges),
            "}",
        ]
        return "\n".join(lines) + "\n"

    def _span(self) -> int:
        """How many ranks arrows pass through, if each node is as far down as it can be."""
        heights: dict[str, int] = defaultdict(int)
        for tail, head, _ in reversed(self.edges):
            heights[tail] = max(heights[tail], heights[head] + 1)
        return sum(heights[tail] - heights[head] - 1 for tail, head, _ in self.edges)


def _pairs(attributes: dict[str, object]) -> str:
    return "".join(f' {key}="{value}"' for key, value in attributes.items())
