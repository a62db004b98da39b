"""From clusters to kernels: expressions, what is kept in memory, and what is computed again.

Kernels are written from the last to the first, so that it is known of each what later ones need of
it. Where a kernel needs a term of an earlier one, there are two ways: that one stores it, or this
one computes it again. Computing again is better if it saves memory and costs little:

- all that it is computed from is in memory anyway (1 - y² in the gradient of tanh);
- or one thing less would be kept, as it is computed from a single term that is kept instead (a
  mask z ≤ 0 from z). The mask of a relu is even had from the relu's result, see `Term.relu`.

Nothing expensive is computed twice, and no reduction or product.
"""

from __future__ import annotations

from baregrad.compiler.fusion_alone import alone, operand
from baregrad.compiler.fusion_clusters import CONTRACTION, MAP, Cluster, Clusters
from baregrad.compiler.fusion_space import Space
from baregrad.compiler.fusion_terms import Term
from baregrad.compiler.kernel import (
    COLUMNS,
    FULL,
    ROWS,
    Access,
    Accumulator,
    Apply,
    Buffer,
    Constant,
    Contraction,
    Kernel,
    Load,
    Map,
    Node,
    Reduce,
    Store,
)
from baregrad.compiler.value import CONSTANT, INPUT

# A term seen by an access: what one node stands for.
Key = tuple[Term, Access]

# How many operations one after another may be computed again.
_DEPTH = 6


class Kernels:
    """The kernels of some clusters, as they are written.

    Attributes:
        buffers: all that is in memory.
        written: kernels with the numbers of their clusters, the last one first.
    """

    def __init__(self, clusters: Clusters) -> None:
        self.buffers: list[Buffer] = []
        self.written: list[tuple[int, Kernel]] = []
        self._clusters = clusters

    def keep(self, term: Term) -> Buffer:
        """The buffer of a term, which from now on is kept in memory."""
        if term.buffer is None:
            if term.kind == "map" and term.cluster < 0:
                self._clusters.compute_free(term)
            name = term.value.attributes["name"] if term.kind == INPUT else term.op
            term.buffer = Buffer(len(self.buffers), term.dtype, term.size, name)
            self.buffers.append(term.buffer)
        return term.buffer

    def write_all(self) -> None:
        """Writes the kernels of all clusters, those that need others before these."""
        clusters = self._clusters.all
        for cluster in clusters:
            if cluster.kind != MAP:  # their operands must be in memory, whatever else is
                for operand in cluster.terms[0].operands:
                    if operand.term.kind != CONSTANT:
                        self.keep(operand.term)
        main = [cluster for cluster in clusters if not cluster.early]
        for cluster in sorted(main, key=lambda c: c.before.bit_count(), reverse=True):
            self._write(cluster)
        # Early clusters may need terms of each other: then one is written again, with more stores.
        stores: dict[int, int] = {}
        while early := [c for c in clusters if c.early and stores.get(c.number) != _kept(c)]:
            cluster = max(early, key=lambda c: c.terms[-1].place)
            stores[cluster.number] = _kept(cluster)
            self.written = [pair for pair in self.written if pair[0] != cluster.number]
            self._write(cluster)

    def _write(self, cluster: Cluster) -> None:
        kept = [term for term in cluster.terms if term.buffer is not None and term.size]
        if not kept:
            return
        if cluster.kind == MAP:
            expression = self._expression(cluster, kept)
            space = cluster.space
            kernel: Kernel = flattened(
                Map(space.rows, space.columns, expression.nodes, expression.stores)
            )
        elif cluster.kind == CONTRACTION:
            kernel = self._contraction(cluster, kept)
        else:
            (term,) = kept
            kernel = alone(term, self.keep)
        self.written.append((cluster.number, kernel))

    def _expression(self, cluster: Cluster, kept: list[Term]) -> Expression:
        expression = Expression(cluster, self)
        for term in kept:
            expression.store(term)
        return expression

    def _contraction(self, cluster: Cluster, kept: list[Term]) -> Contraction:
        left, right = (operand(matrix, self.keep) for matrix in cluster.terms[0].operands)
        expression = self._expression(cluster, kept)
        nodes, stores = expression.nodes, expression.stores
        (rows, depth), (_, columns) = (matrix.shape for matrix in cluster.terms[0].operands)
        return Contraction(rows, columns, depth, left, right, nodes, stores)


def _kept(cluster: Cluster) -> int:
    """How many terms of a cluster are kept in memory."""
    return sum(term.buffer is not None for term in cluster.terms)


class Expression:
    """The nodes of one kernel, as they are needed.

    Attributes:
        nodes: each after its inputs.
        stores: of the terms that the kernel keeps.
    """

    def __init__(self, cluster: Cluster, kernels: Kernels) -> None:
        self.nodes: list[Node] = []
        self.stores: list[Store] = []
        self._cluster = cluster
        self._space: Space = cluster.space
        self._kernels = kernels
        self._numbers: dict[Key, int] = {}

    def store(self, term: Term) -> None:
        """Computes a term of the cluster and keeps it."""
        access = self._space.dense[term.extent]
        node = self._node((term, access))
        self.stores.append(Store(node, self._kernels.keep(term), access))

    def _node(self, wanted: Key) -> int:
        """The number of the node for a term, appended with all that it needs; no recursion."""
        numbers = self._numbers
        inputs: dict[Key, list[Key]] = {}
        stack = [wanted]
        while stack:
            key = stack[-1]
            if key in numbers:
                stack.pop()
                continue
            if key not in inputs:
                inputs[key] = self._inputs(*key)
            missing = [x for x in inputs[key] if x not in numbers]
            if missing:
                stack.extend(reversed(missing))
            else:
                numbers[key] = self._append(key, [numbers[x] for x in inputs[key]])
        return numbers[wanted]

    def _append(self, key: Key, inputs: list[int]) -> int:
        term, access = key
        if term.op == "copy" and inputs:
            return inputs[0]
        self.nodes.append(self._made(term, inputs) if inputs else self._leaf(term, access))
        return len(self.nodes) - 1

    def _made(self, term: Term, inputs: list[int]) -> Node:
        if term.kind == "reduce":
            # of what is the same in each column, so is its sum
            extent = self.nodes[inputs[0]].extent & ~term.over
            return Reduce(term.op, inputs[0], term.over, term.dtype, extent)
        extent = 0
        for number in inputs:
            extent |= self.nodes[number].extent
        return Apply(term.op, tuple(inputs), term.dtype, extent)

    def _leaf(self, term: Term, access: Access) -> Node:
        if term.kind == CONSTANT:
            return Constant(term.value.attributes["value"], term.dtype)
        if term.cluster == self._cluster.number:
            return Accumulator()
        buffer = self._kernels.keep(term)
        return Load(buffer, access, self._space.extent_of(access), term.dtype)

    def _inputs(self, term: Term, access: Access) -> list[Key]:
        """What a node is computed from; nothing if it is a leaf: loaded, constant or a product."""
        if term.kind == CONSTANT:
            return []
        if term.cluster == self._cluster.number:
            terms = (operand.term for operand in term.operands)
            return [] if term.kind == "product" else list(zip(terms, term.accesses, strict=True))
        if term.kind != "map" or term.buffer is not None:
            return []
        relu = term.relu
        if relu is not None and relu.buffer is not None and relu.cluster != self._cluster.number:
            return [(relu, access), (term.operands[1].term, self._space.dense[0])]
        source = needed(term, _DEPTH)
        if source is not None:
            self._kernels.keep(source)
        return [] if source is term else self._again(term, access)

    def _again(self, term: Term, access: Access) -> list[Key]:
        """What a term of another cluster is computed from here; nothing if that is impossible."""
        space = self._space
        for extent in space.extents(term.size):
            if space.dense[extent] == access:
                keys = []
                for operand in term.operands:
                    seen = space.access(operand, extent)
                    if seen is None:
                        return []
                    keys.append((operand.term, seen))
                return keys
        return []


def needed(term: Term, depth: int, shared: bool = False) -> Term | None:
    """What must be in memory besides what is, so that a term can be computed again.

    None if nothing; the term itself if it is better kept than computed again.

    Args:
        term: what is needed.
        depth: how many operations may be computed again, one after another.
        shared: whether something between this term and who needs it is used more than once.
    """
    if term.buffer is not None or term.kind in (INPUT, CONSTANT):
        return None
    if term.kind != "map" or depth == 0:
        return term
    if term.cluster < 0:
        return None  # of inputs alone
    shared = shared or term.users > 1
    if shared and not term.is_cheap:
        return term
    if term.relu is not None and term.relu.buffer is not None:
        return None
    found = {needed(operand.term, depth - 1, shared) for operand in term.operands} - {None}
    loaded = {operand.term for operand in term.operands if operand.linear != 0}
    if len(found) > 1 or (found and len(loaded) > 1):
        return term
    return found.pop() if found else None


def flattened(kernel: Map) -> Map:
    """The same map as a single row, if nothing in it knows of rows: vectors are better filled."""
    columns = kernel.columns
    accesses = [store.access for store in kernel.stores]
    for node in kernel.nodes:
        if isinstance(node, Load):
            accesses.append(node.access)
        elif isinstance(node, Reduce) and node.over != FULL:
            return kernel
    if kernel.rows == 1 or any(access.row != columns * access.column for access in accesses):
        return kernel
    nodes: list[Node] = []
    for node in kernel.nodes:
        if isinstance(node, Load):
            node = node._replace(access=node.access._replace(row=0))
        elif isinstance(node, Reduce):
            node = node._replace(over=COLUMNS, extent=ROWS)
        elif isinstance(node, Apply):
            extent = 0
            for number in node.inputs:
                extent |= nodes[number].extent
            node = node._replace(extent=extent)
        nodes.append(node)
    stores = [store._replace(access=store.access._replace(row=0)) for store in kernel.stores]
    return Map(1, kernel.rows * columns, nodes, stores)
