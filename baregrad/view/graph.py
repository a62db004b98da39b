"""Drawing the computational graph at three zooms, and folding what is too large."""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.errors import ArgumentError, checked_name
from baregrad.tensor.tensor import Tensor
from baregrad.view.dot import Dot, escaped
from baregrad.view.drawing import Drawing
from baregrad.view.folding import fold
from baregrad.view.labels import Show
from baregrad.view.modules import draw_groups
from baregrad.view.scalars import draw_scalars, scalar_count
from baregrad.view.tensors import draw_tensors
from baregrad.view.trace import Trace

ZOOMS = ("modules", "tensors", "scalars")


def draw_graph(
    root: Tensor | Sequence[Tensor],
    zoom: str = "tensors",
    gradients: bool = True,
    values: bool = True,
    max_nodes: int = 400,
    title: str | None = None,
) -> Drawing:
    """Draws how a tensor was computed: values, operations, gradients; modules as frames.

    Parameters are called by their names. Nodes are called after their place in the graph and
    numbers have a fixed width, so that a model in training keeps its layout from step to step.

    Args:
        root: what the graph leads to, such as a loss, or several such tensors.
        zoom: ``"modules"``, a node for each module and each operation outside of modules;
            ``"tensors"``, each tensor and operation; or ``"scalars"``, each single number, for
            tiny networks.
        gradients: show the gradients that `backward()` has left.
        values: show the values.
        max_nodes: how many tensors (or numbers, or modules) are drawn at most. A larger graph is
            drawn at the next coarser zoom, and at last in runs of operations; the title and
            `Drawing.folded` then say so.
        title: a line above the drawing.

    Raises:
        ArgumentError: no tensor to draw, an unknown zoom, or `max_nodes` less than 1.
    """
    checked_name("zoom", zoom, ZOOMS)
    if max_nodes < 1:
        raise ArgumentError(f"max_nodes must be at least 1, not {max_nodes}")
    trace = Trace(_checked_roots(root))
    dot, notes = _drawn(trace, zoom, Show(values, gradients), max_nodes)
    lines = [escaped(title, longest=200)] if title else []
    if not notes:
        return Drawing(dot.text(lines))
    why = f"folded, as max_nodes is {max_nodes:,}:"
    return Drawing(dot.text([*lines, why, *notes]), f"{why} {'; '.join(notes)}")


def _checked_roots(root: Tensor | Sequence[Tensor]) -> list[Tensor]:
    roots = list(root) if isinstance(root, Sequence) else [root]
    for tensor in roots:
        if not isinstance(tensor, Tensor):
            raise ArgumentError(
                f"draw_graph draws a tensor, such as a loss, or a list of them; not {tensor!r}"
            )
    if not roots:
        raise ArgumentError("draw_graph: the list of tensors to draw is empty")
    return roots


def _drawn(trace: Trace, zoom: str, show: Show, max_nodes: int) -> tuple[Dot, list[str]]:
    """The drawing at this zoom or the nearest that has few enough nodes, and what was folded."""
    notes: list[str] = []
    if zoom == "scalars":
        count = scalar_count(trace)
        if count <= max_nodes:
            return draw_scalars(trace, show), notes
        notes.append(f"{count:,} numbers are drawn as tensors")
        zoom = "tensors"
    if zoom == "tensors":
        count = len(trace.shown)
        if count <= max_nodes:
            return draw_tensors(trace, show), notes
        notes.append(f"{count:,} tensors are drawn by module")
    groups, further = fold(trace, max_nodes)
    if len(trace.roots) > max_nodes:
        further.append(f"the first {max_nodes:,} of {len(trace.roots):,} outputs have their values")
    return draw_groups(trace, groups, trace.roots[:max_nodes], show), notes + further
