"""Putting tensors together into fewer nodes: by module, and outside of modules into runs."""

from __future__ import annotations

from typing import NamedTuple

from baregrad.tensor.tensor import Tensor
from baregrad.view.trace import Scope, Trace


class Group(NamedTuple):
    """Tensors that are drawn as one node.

    Attributes:
        kind: ``"module"``; ``"run"``, tensors outside of modules that follow each other; or
            ``"single"``, one tensor.
        scope: the module it is, outermost first; () outside of modules.
        tensors: what is in it, parents first.
    """

    kind: str
    scope: Scope
    tensors: list[Tensor]


def fold(trace: Trace, max_nodes: int) -> tuple[list[Group], list[str]]:
    """A group for each module and for each tensor outside of modules, `max_nodes` at most.

    Too many modules are folded into those that they are in, and too many tensors outside into runs
    of equal length.

    Returns:
        The groups, and in words what was folded beyond the modules.
    """
    depth, deepest = _depth(trace, max_nodes // 2)
    modules: dict[Scope, list[Tensor]] = {}
    outside: list[Tensor] = []
    for tensor in trace.shown:
        scope = trace.scope(tensor)[:depth]
        (modules.setdefault(scope, []) if scope else outside).append(tensor)
    groups = [Group("module", scope, tensors) for scope, tensors in modules.items()]
    notes = [] if depth == deepest else ["modules are folded into those that they are in"]

    room = max(1, max_nodes - len(modules))
    if len(outside) <= room:
        groups += [Group("single", (), [tensor]) for tensor in outside]
    else:
        runs = _runs(trace, outside, room)
        groups += runs
        notes.append(f"{len(outside):,} tensors outside of modules are folded into {len(runs)}")
    return sorted(groups, key=lambda group: trace.position[group.tensors[0]]), notes


def _depth(trace: Trace, limit: int) -> tuple[int, int]:
    """How deep modules may be nested for there to be at most `limit`, and how deep they are."""
    scopes = {trace.scope(tensor) for tensor in trace.shown}
    deepest = depth = max(map(len, scopes))
    while depth and len({scope[:depth] for scope in scopes} - {()}) > limit:
        depth -= 1
    return depth, deepest


def _runs(trace: Trace, outside: list[Tensor], room: int) -> list[Group]:
    """Tensors in order, cut into runs; the roots stay by themselves, if that leaves room."""
    kept = set(trace.roots).intersection(outside)
    if len(kept) > room // 2:
        kept = set()
    rest = [tensor for tensor in outside if tensor not in kept]
    length = -(-len(rest) // (room - len(kept)))
    runs = [Group("run", (), rest[i : i + length]) for i in range(0, len(rest), length)]
    return runs + [Group("single", (), [tensor]) for tensor in outside if tensor in kept]
