"""Reverse-mode automatic differentiation: the graph, walked backwards.

The chain rule says that the gradient of a tensor is the sum, over everything computed from it, of
the gradient there times the local derivative. The sweep visits every tensor after all that was
computed from it, so that its gradient is complete before it is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from baregrad.engines import array as arrays
from baregrad.engines.array import FLOATS, Shape
from baregrad.errors import ArgumentError, DTypeError, GradientError, ShapeError
from baregrad.tensor.graph import Node, recording
from baregrad.tensor.replay import nodes_below, replayed

N = TypeVar("N", bound=Node)
T = TypeVar("T")


def backward(root: N, gradient: N | None = None, create_graph: bool = False) -> None:
    """Adds the gradient of `root` to `.grad` of every tensor it is made from that requires one.

    Raises:
        GradientError: `root` needs no gradient, or is no scalar and `gradient` is not given, or a
            leaf was assigned to, or given `requires_grad`, since.
        ShapeError, DTypeError: `gradient` is not like `root`.
    """
    gradients = gradients_below(root, gradient, create_graph)
    with recording(create_graph):
        for node, g in gradients.items():
            node.grad = g if node.grad is None else node.grad + g  # type: ignore[operator]


def gradients_below(root: N, gradient: N | None = None, create_graph: bool = False) -> dict[N, N]:
    """What `backward` adds to the `.grad` of each tensor; errors as there."""
    return _gradients([root], [_seed(root, gradient)], create_graph)


def _sweep(roots: Sequence[N], seeds: Sequence[N], create_graph: bool) -> dict[N, N]:
    """The gradient of every tensor that requires one, operation by operation from the end."""
    order = topological_order(roots)
    _check_required(order)
    gradients: dict[N, N] = {}
    with recording(create_graph):
        for root, seed in zip(roots, seeds, strict=True):
            _accumulate(gradients, root, seed)
        for node in reversed(order):
            if node.op is not None and node in gradients:
                check_unchanged(node)
                for parent, contribution in contributions(node, gradients[node]):
                    _accumulate(gradients, parent, contribution)
    return gradients


def topological_order(
    roots: Iterable[T], parents: Callable[[T], Sequence[T]] = attrgetter("parents")
) -> list[T]:
    """Every tensor that the roots are made from, parents before children, the roots last.

    A depth-first walk that lists a tensor once all its parents are listed; iterative, so that a
    graph may be deeper than Python's stack (Cormen et al., Introduction to Algorithms, section
    "Topological sort").
    """
    order: list[T] = []
    seen: set[T] = set()
    for root in roots:
        stack = [(root, False)]
        while stack:
            node, parents_listed = stack.pop()
            if parents_listed:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in reversed(parents(node)))
    return order


def contributions(node: N, g: N) -> list[tuple[N, N]]:
    """What a tensor with gradient `g` adds to the gradient of each of its parents."""
    assert node.op is not None
    return [
        (parent, _fitted(_checked(vjp(g, node, *node.parents, **node.attributes), node), parent))
        for parent, vjp in zip(node.parents, node.op.vjps, strict=False)
        if vjp and parent.requires_grad
    ]


def _accumulate(gradients: dict[N, N], node: N, contribution: Any) -> None:
    gradients[node] = gradients[node] + contribution if node in gradients else contribution


def _fitted(g: Any, parent: N) -> N:
    """A gradient brought to the shape and data type of the tensor it belongs to."""
    g = sum_to_shape(g, parent.shape)
    return g if g.dtype == parent.dtype else g.astype(parent.dtype)  # type: ignore[no-any-return]


def sum_to_shape(g: Any, shape: Shape) -> Any:
    """Undoes broadcasting: an element that was copied gets the sum of the copies' gradients.

    Raises:
        ShapeError: `shape` does not broadcast to that of `g`.
    """
    if g.shape == shape:
        return g
    if arrays.broadcast_shapes(g.shape, shape) != g.shape:
        raise ShapeError(f"a gradient of shape {g.shape} cannot be that of an input of {shape}")
    added = g.ndim - len(shape)
    stretched = (added + axis for axis, size in enumerate(shape) if size == 1)
    return g.sum((*range(added), *stretched), keepdims=True).reshape(shape)


# --- several roots, and chosen inputs ---------------------------------------------------------


def grad(
    outputs: N | Sequence[N],
    inputs: N | Sequence[N],
    gradients: Sequence[N | None] | None = None,
    create_graph: bool = False,
) -> tuple[N, ...]:
    """The gradients of the sum of `outputs` with respect to each of `inputs`; `.grad` is untouched.

    Args:
        outputs: scalars, or tensors of any shape with their `gradients` given.
        inputs: tensors that `outputs` are made from.
        gradients: for each output, the gradient that arrives there; None stands for 1.
        create_graph: record the gradients, so that they can be differentiated again.

    Returns:
        One tensor for each input, of its shape; zeros where an output does not depend on it.

    Raises:
        GradientError: an input does not require a gradient; or as `backward`.
    """
    roots = [outputs] if isinstance(outputs, Node) else list(outputs)
    wanted = [inputs] if isinstance(inputs, Node) else list(inputs)
    seeds = list(gradients) if gradients is not None else [None] * len(roots)
    if len(seeds) != len(roots):
        raise ArgumentError(
            f"grad: gradients must be as many as outputs, {len(roots)}, and are {len(seeds)}"
        )
    for x in wanted:
        if not x.requires_grad:
            raise GradientError(f"grad: {x.label()} has requires_grad=False")
    starts = [_seed(*pair) for pair in zip(roots, seeds, strict=True)]
    found = _gradients(roots, starts, create_graph)
    return tuple(found[x] if x in found else _constant(x, 0) for x in wanted)


def _gradients(roots: Sequence[N], seeds: Sequence[N], create_graph: bool) -> dict[N, N]:
    """The result of the sweep; where the engine can, by machine code that was made of it."""
    if create_graph:
        return _sweep(roots, seeds, create_graph)
    if len(roots) == 1:
        nodes = nodes_below(roots[0])
        if nodes and _is_unchanged(nodes):
            found = replayed(nodes, seeds[0], _sweep_from)
            if found is not None:
                return found
    gradients = _sweep(roots, seeds, create_graph)
    return {node: g.leaf(g.array) for node, g in gradients.items()}


def _is_unchanged(nodes: Sequence[N]) -> bool:
    """Whether there was no assignment, nor a new wish for gradients, since the first operation."""
    first = next((node.serial for node in nodes if node.op is not None), 0)
    return not [node for node in nodes if node.assigned > first or node.required > first]


def _sweep_from(root: N, seed: N) -> dict[N, N]:
    return _sweep([root], [seed], create_graph=False)


def _constant(like: N, value: float) -> N:
    return type(like).leaf(arrays.filled(value, like.shape, like.dtype))


# --- what cannot be differentiated --------------------------------------------------------------


def _seed(root: N, gradient: N | None) -> N:
    """The gradient that the sweep starts from: 1 for a scalar."""
    if not root.requires_grad:
        raise GradientError(
            f"backward: {root.label()} has no gradient: nothing it was made from has "
            "requires_grad=True, or it was made within no_grad()"
        )
    if gradient is None:
        if root.size != 1:
            raise GradientError(
                f"backward: {root.label()} is not a scalar. Reduce it first, as in loss.mean(), "
                f"or pass the gradient that arrives at it, a tensor of shape {root.shape}"
            )
        return _constant(root, 1)
    if not isinstance(gradient, Node):
        raise DTypeError(f"backward: the gradient given must be a Tensor, not {gradient!r}")
    if gradient.shape != root.shape:
        raise ShapeError(
            f"backward: the gradient given has shape {gradient.shape} and {root.label()} has "
            f"{root.shape}"
        )
    if gradient.dtype not in FLOATS:
        raise DTypeError(f"backward: the gradient given is {gradient.dtype}, not a float tensor")
    return _fitted(gradient, root)


def _checked(g: Any, node: Node) -> Any:
    if not isinstance(g, Node):
        raise GradientError(f"a gradient rule of {node.op} returned {g!r}, which is no Tensor")
    return g


def check_unchanged(node: Node) -> None:
    """An operation's inputs are still those that it used.

    Raises:
        GradientError: a leaf was assigned to since.
    """
    for parent in node.parents:
        if parent.assigned > node.serial:
            assert node.op is not None
            raise GradientError(
                f"backward: {parent.label()} was assigned a new value after {node.op.name} used "
                "the old one, so the gradient would be wrong. Compute the loss again, then call "
                "backward() before assigning"
            )


def _check_required(nodes: Iterable[Node]) -> None:
    """Also of nodes that require no gradient, as their inputs did not when they were made."""
    for node in nodes:
        for parent, vjp in zip(node.parents, node.op.vjps if node.op else (), strict=False):
            if vjp and parent.required > node.serial:
                raise GradientError(
                    f"backward: {parent.label()} was given requires_grad=True after {node.op} used "
                    "it, so its gradient would be wrong. Compute the loss again, or detach() what "
                    "should be a constant"
                )
