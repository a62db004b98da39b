"""The backward pass as one function of arrays, for engines that compute many operations as one.

What a backward pass computes depends on the structure of the graph (which operations, on what, with
which attributes), and on the numbers in it. The structure is the same at each step of a training.
So an engine can compile the pass once, and then run it with the numbers of each step.

The gradients of leaves are computed at once. Those of the tensors between are seldom looked at, and
only computed if they are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

from baregrad.engines import selection
from baregrad.engines.array import Array, Buffer, DType, Shape
from baregrad.engines.selection import LARGE, Engine, remember
from baregrad.tensor import primitives
from baregrad.tensor.graph import Node, recording
from baregrad.tensor.operation import Operation

N = TypeVar("N", bound=Node)
Sweep = Callable[[N, N], dict[N, N]]  # from a root and its gradient to the gradients of all

MOST_NODES: Final = 200  # of a graph that is compiled as one: more takes seconds
LEAST_MEAN_SIZE: Final = 16  # elements of its tensors: below, Python is not slower by much

_COMPILED: Final = {id(row) for row in primitives.PRIMITIVES.values()}
# A result that is its input read otherwise is not handed over beside its input.
_VIEWS: Final = (primitives.permute, primitives.reshape)


def nodes_below(root: N) -> list[N]:
    """Every tensor that the root is made from, in the order in which they were made.

    Nothing if there are more than are compiled as one.
    """
    seen = {root}
    stack = [root]
    while stack:
        for parent in stack.pop().parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
        if len(seen) > MOST_NODES:
            return []
    return sorted(seen, key=attrgetter("serial"))


def structure(nodes: Sequence[Node]) -> Hashable | None:
    """What a backward pass depends on besides the numbers; None if it cannot be compiled."""
    places = {node: place for place, node in enumerate(nodes)}
    key: list[Hashable] = []
    for node in nodes:
        op = node.op
        key += id(op), node.requires_grad, node.held.shape
        if op is not None:
            if id(op) not in _COMPILED:
                return None
            key += map(places.__getitem__, node.parents)
            key += node.attributes.values()
    return tuple(key)


class _Recipe(NamedTuple):
    """How a tensor was made, in terms of places in a list."""

    op: Operation | None
    parents: list[int]
    attributes: Mapping[str, Any]
    requires_grad: bool


class _Pass(Generic[N]):
    """The backward pass of all graphs of one structure.

    Attributes:
        recipes: of each tensor of the graph, in the order in which they were made.
        leaves: the places of leaves that get a gradient.
        between: those of results that get one, without the root.
        size: of all tensors together.
    """

    def __init__(self, nodes: Sequence[N], sweep: Sweep[N]) -> None:
        places = {node: place for place, node in enumerate(nodes)}
        self.size = sum(node.size for node in nodes)
        self.recipes = [
            _Recipe(node.op, [places[p] for p in node.parents], node.attributes, node.requires_grad)
            for node in nodes
        ]
        reached = self._reached()
        self.leaves = [place for place in reached if self.recipes[place].op is None]
        self.between = [place for place in reached[1:] if self.recipes[place].op is not None]
        self._sweep = sweep

    def _reached(self) -> list[int]:
        """The places of the tensors that get a gradient, the root's first."""
        wanted = {len(self.recipes) - 1}
        for place in range(len(self.recipes) - 1, -1, -1):
            recipe = self.recipes[place]
            if place in wanted and recipe.op is not None:
                pairs = zip(recipe.parents, recipe.op.vjps, strict=False)
                wanted |= {p for p, vjp in pairs if vjp and self.recipes[p].requires_grad}
        return sorted(wanted, reverse=True)

    def of_leaves(self, *tensors: N) -> list[N]:
        """The gradients of leaves; of tensors like those of the graph, and the root's gradient."""
        return self._gradients(tensors, self.leaves)

    def of_results(self, *tensors: N) -> list[N]:
        """The gradients of the tensors between."""
        return self._gradients(tensors, self.between)

    def _gradients(self, tensors: Sequence[N], places: list[int]) -> list[N]:
        *values, seed = tensors
        nodes: list[N] = []
        with recording(True):
            for recipe, value in zip(self.recipes, values, strict=True):
                nodes.append(_made(recipe, [nodes[p] for p in recipe.parents], value))
        gradients = self._sweep(nodes[-1], seed)
        return [gradients[nodes[place]] for place in places]


def _made(recipe: _Recipe, parents: list[N], value: N) -> N:
    """A tensor of a graph, made again."""
    if recipe.op in _VIEWS:
        return value.apply(recipe.op, *parents, **recipe.attributes)
    node = value.leaf(value.array)
    node.become(recipe.op, tuple(parents), recipe.attributes, recipe.requires_grad)
    return node


_passes: dict[Hashable, _Pass[Any]] = {}


def replayed(nodes: Sequence[N], seed: N, sweep: Sweep[N]) -> dict[N, N] | None:
    """The gradient of every tensor that gets one, from one call of the engine.

    Args:
        nodes: all of the graph, in the order in which they were made, the root last.
        seed: the gradient of the root.
        sweep: the backward pass, operation by operation.

    Returns:
        None if the engine does not compute it as one.
    """
    engine = selection.current()
    key = structure(nodes) if engine.joins else None
    if key is None:
        return None
    whole = _passes.get(key)
    if whole is None:
        whole = _Pass(nodes, sweep)
        remember(_passes, key, whole)
    if whole.size < max(LEAST_MEAN_SIZE * len(nodes), LARGE):
        return None
    arrays = [node.array for node in nodes] + [seed.array]
    found = engine.together((whole, True), whole.of_leaves, arrays)
    if found is None:
        return None
    leaf = seed.leaf
    gradients = {nodes[-1]: leaf(seed.array)}
    later = _Later(engine, whole, arrays, leaf)
    for number, place in enumerate(whole.between):
        node = nodes[place]
        gradients[node] = leaf(cast(Array, _LaterArray(later, number, node.shape, node.dtype)))
    for place, array in zip(whole.leaves, found, strict=True):
        gradients[nodes[place]] = leaf(array)
    return gradients


class _Later:
    """The gradients of the tensors between, which are computed if one of them is looked at."""

    def __init__(
        self,
        engine: Engine,
        whole: _Pass[Any],
        arrays: list[Array],
        leaf: Callable[[Array], Any],
    ) -> None:
        self._engine = engine
        self._pass = whole
        self._arrays = arrays
        self._leaf = leaf
        self._found: list[Array] | None = None

    def __getitem__(self, number: int) -> Array:
        if self._found is None:
            function, key = self._pass.of_results, (self._pass, False)
            with selection.using(self._engine):
                found = self._engine.together(key, function, self._arrays)
                if found is None:
                    found = [x.array for x in function(*map(self._leaf, self._arrays))]
            self._found = found
        return self._found[number]


class _LaterArray:
    """One of them, in place of an array."""

    __slots__ = ("_later", "_number", "dtype", "shape")

    known = True

    def __init__(self, later: _Later, number: int, shape: Shape, dtype: DType) -> None:
        self._later = later
        self._number = number
        self.shape = shape
        self.dtype = dtype

    @property
    def data(self) -> Buffer:
        """The elements in row-major order."""
        return self._later[self._number].data

    def __reduce__(self) -> tuple[Any, ...]:
        return Array, (self.data, self.shape, self.dtype)
