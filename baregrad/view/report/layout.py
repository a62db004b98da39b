"""The graph as SVG, laid out once, with places for the numbers of each step."""

from __future__ import annotations

import re
from html import escape, unescape

from baregrad.view.dot import Dot, cell, escaped, font, table
from baregrad.view.folding import Group
from baregrad.view.labels import GREY
from baregrad.view.render import render
from baregrad.view.report.structure import Structure
from baregrad.view.style import STYLES

ROOM = 112  # points for the numbers of a node, the same at each step
_PLACE = re.compile(r">@([vg])(\d+)@<")
_NODE = re.compile(r'<g (?:id="[^"]*" )?class="node">\s*<title>n(\d+)</title>')


def drawn(structure: Structure, zoom: str) -> str:
    """The graph at a zoom, as an SVG element whose nodes can be chosen.

    Raises:
        MissingExtraError: there is no Graphviz.
        BaregradError: it failed.
    """
    svg = render(dot_of(structure, zoom), "svg").decode()
    nodes = structure.nodes[zoom]

    def node(match: re.Match[str]) -> str:
        place = int(match[1])
        label = escape(unescape(f"{nodes[place]['kind']} {nodes[place]['title']}"))
        return (
            f'<g class="node" tabindex="0" role="button" data-node="{place}" aria-label="{label}">'
        )

    svg = _NODE.sub(node, svg[svg.index("<svg") :])
    svg = re.sub(r"<title>.*?</title>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (id|xmlns:xlink|xml:space|font-family)="[^"]*"', "", svg)
    svg = _PLACE.sub(lambda m: f' data-{m[1]}="{m[2]}"><', svg)
    title = f"The computational graph, zoom {zoom}"
    return svg.replace("<svg ", f'<svg role="group" aria-label="{title}" ', 1).replace("\n", "")


def dot_of(structure: Structure, zoom: str) -> str:
    """The graph at a zoom, in DOT."""
    dot, trace, groups = Dot(), structure.trace, structure.views[zoom]
    nodes = structure.nodes[zoom]
    home = {tensor: i for i, group in enumerate(groups) for tensor in group.tensors}
    for i, group in enumerate(groups):
        heading = f"<B>{escaped(nodes[i]['title'], longest=24)}</B>"
        what = nodes[i]["shape"] if group.kind == "single" else f"{nodes[i]['count']} tensors"
        rows = [[cell(heading)], [cell(font(escaped(what), color=GREY))]]
        rows += [[cell(f"@{kind}{nodes[i]['at']}@", width=ROOM, align="left")] for kind in "vg"]
        dot.node(f"n{i}", table(rows), _frame(structure, group), **STYLES[nodes[i]["kind"]])
    arrows = {
        (home[parent], home[tensor]): None
        for tensor in trace.shown
        for parent in tensor.parents
        if parent in home and home[parent] != home[tensor]
    }
    for tail, head in arrows:
        dot.edge(f"n{tail}", f"n{head}")
    return dot.text()


def _frame(structure: Structure, group: Group) -> tuple[str, ...]:
    if group.kind == "single":
        return structure.trace.scope(group.tensors[0])
    return group.scope[:-1]
