"""The backward pass as one function of arrays, for engines that compute many operations as one.

What a backward pass computes depends on the structure of the graph (which operations, on what, with
which attributes), and on the numbers in it. The structure is the same at each step of a training.
So an engine can compile the pass once, and then run it with the numbers of each step.

Values that have not been computed are computed by the same function, forward and then backward, as
far as the gradients of leaves need them. These are computed at once, and so is the value of the
root. Other gradients and values are seldom looked at, and only computed if they are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

from baregrad.engines import selection
from baregrad.engines.array import Array, DType, Exposed, Shape
from baregrad.engines.pending import Pending, is_open, references
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


def structure(nodes: Sequence[Node], values: list[Any]) -> tuple[list[Hashable], list[int]] | None:
    """What a backward pass depends on besides the numbers, and which values it is to store.

    Args:
        nodes: all of the graph, in the order in which they were made, the root last.
        values: what they hold; another thread may make them hold something else meanwhile.

    Returns:
        A key, and the places of values that have not been computed and that somebody else may ask
        for: that of the root, and those that something waits for beyond this graph. None if the
        pass cannot be compiled.
    """
    places: dict[Node, int] = {}
    others = references(values)  # that of the node itself is one
    key: list[Hashable] = []
    open_places = []
    for place, node in enumerate(nodes):
        places[node] = place
        op, held = node.op, values[place]
        if op is None:
            key += None, node.requires_grad, held.shape
            continue
        if id(op) not in _COMPILED:
            return None
        waits = is_open(held)
        key += id(op), node.requires_grad, held.shape, waits
        if waits:
            open_places.append(place)
        for parent in node.parents:
            number = places[parent]
            key.append(number)
            others[number] -= waits
        if node.attributes:
            key += node.attributes.values()
    root = len(nodes) - 1
    stored = [place for place in open_places if others[place] > 1 or place == root]
    return key + stored, stored


class _Recipe(NamedTuple):
    """How a tensor was made, in terms of places in a list.

    Attributes:
        is_made: whether the pass makes its value, rather than being given it.
    """

    op: Operation | None
    parents: list[int]
    attributes: Mapping[str, Any]
    requires_grad: bool
    is_made: bool


class _Pass(Generic[N]):
    """The backward pass of all graphs of one structure.

    Attributes:
        recipes: of each tensor of the graph, in the order in which they were made.
        given: the places of the tensors whose values it is given.
        stored: those of values that it makes and hands out.
        leaves: those of leaves that get a gradient.
        between: those of results that get one, without the root.
        like: of each of these the shape and the data type.
        size: of all tensors together.
    """

    def __init__(
        self, nodes: Sequence[N], values: list[Any], stored: list[int], sweep: Sweep[N]
    ) -> None:
        places = {node: place for place, node in enumerate(nodes)}
        self.size = sum(node.size for node in nodes)
        self.recipes = [
            _Recipe(
                node.op,
                [places[p] for p in node.parents],
                node.attributes,
                node.requires_grad,
                node.op is not None and (node.op in _VIEWS or is_open(value)),
            )
            for node, value in zip(nodes, values, strict=True)
        ]
        self.given = [place for place, recipe in enumerate(self.recipes) if not recipe.is_made]
        self.stored = stored
        reached = self._reached()
        self.leaves = [place for place in reached if self.recipes[place].op is None]
        self.between = [place for place in reached[1:] if self.recipes[place].op is not None]
        self.like = [(nodes[place].shape, nodes[place].dtype) for place in self.between]
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
        """The gradients of leaves, then the stored values.

        Args:
            tensors: the given values, and the root's gradient.
        """
        nodes, gradients = self._made(tensors)
        values = [nodes[place] for place in self.stored]
        return [gradients[nodes[place]] for place in self.leaves] + values

    def of_results(self, *tensors: N) -> list[N]:
        """The gradients of the tensors between; arguments as above."""
        nodes, gradients = self._made(tensors)
        return [gradients[nodes[place]] for place in self.between]

    def _made(self, tensors: Sequence[N]) -> tuple[list[N], dict[N, N]]:
        """The graph, made again, and all gradients."""
        *given, seed = tensors
        values = dict(zip(self.given, given, strict=True))
        nodes: list[N] = []
        with recording(True):
            for place, recipe in enumerate(self.recipes):
                parents = [nodes[p] for p in recipe.parents]
                if recipe.is_made:
                    assert recipe.op is not None
                    nodes.append(seed.apply(recipe.op, *parents, **recipe.attributes))
                else:
                    node = seed.leaf(values[place].array)
                    node.become(recipe.op, tuple(parents), recipe.attributes, recipe.requires_grad)
                    nodes.append(node)
        return nodes, self._sweep(nodes[-1], seed)


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
    if not engine.joins:
        return None
    values: list[Any] = [node.held for node in nodes]
    found = structure(nodes, values)
    if found is None:
        return None
    key, stored = tuple(found[0]), found[1]
    whole = _passes.get(key)
    if whole is None:
        whole = _Pass(nodes, values, stored, sweep)
        remember(_passes, key, whole)
    if whole.size < max(LEAST_MEAN_SIZE * len(nodes), LARGE):
        return None
    arrays = [nodes[place].array for place in whole.given] + [seed.array]
    computed = engine.together((whole, True), whole.of_leaves, arrays)
    if computed is None:
        return None
    leaf = seed.leaf
    gradients = {nodes[-1]: leaf(seed.array)}
    later = _Later(engine, whole, arrays, leaf)
    for number, place in enumerate(whole.between):
        array: Any = _LaterArray(later, number, *whole.like[number])
        gradients[nodes[place]] = leaf(array)
    if whole.between and Exposed in map(type, arrays):
        _ = later[0]  # all of them at once, as others may write there
    results = iter(computed)
    for place in whole.leaves:
        gradients[nodes[place]] = leaf(next(results))
    for place in whole.stored:
        values[place].settle(next(results))
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
        arrays = self._arrays  # before it is seen that there are none, as another thread found all
        if self._found is None:
            function, key = self._pass.of_results, (self._pass, False)
            with selection.using(self._engine):
                found = self._engine.together(key, function, arrays)
                if found is None:
                    found = [x.array for x in function(*map(self._leaf, arrays))]
            self._found = found
            self._arrays = []  # they are large
        return self._found[number]


class _LaterArray(Pending):
    """One of them, in place of an array."""

    __slots__ = ("_later", "_number")

    def __init__(self, later: _Later, number: int, shape: Shape, dtype: DType) -> None:
        self.shape = shape
        self.dtype = dtype
        self.found = None
        self._later = later
        self._number = number

    def compute(self) -> Array:
        """The gradient, computed with all others of its graph."""
        self.settle(self._later[self._number])
        return cast(Array, self.found)
