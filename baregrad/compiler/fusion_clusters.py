"""Which terms are computed together: the program's terms, gathered in clusters.

Each cluster becomes a kernel. Terms come in order, operands first, and each joins the newest
cluster of its operands that it can join, or else a map of as many places that comes after these:

- *Element-wise* terms join a map or, as its epilogue, a contraction, if all their operands can be
  read in its index space by rows and columns.
- *Reductions* join maps only. Along a row, whose end is near, their result can be used by whatever
  else joins. Those along the rows are *late*, and in the same cluster only what is late as well
  can use them; what needs them in every row must wait for the next kernel.
- *Matrix products*, and what has no expression, begin clusters of their own.

A map of inputs alone that a single term needs goes where that term goes, if the spaces are the
same (the sum of a row of weights of labels).

No cluster may need, through others, what it computes itself: therefore a term cannot join one
cluster if another of its operands is computed from that one.

Element-wise terms of inputs alone are *free*: they join nothing, and are computed wherever they
are needed (0.9 m of Adam's running mean belongs to the kernel that has the gradient). Expensive
ones that are scalars (Adam's 1 - βᵗ), or that several terms use, have clusters of their own first.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Final

from baregrad.compiler.fusion_space import Space, reduced_over, spaces
from baregrad.compiler.fusion_terms import Term
from baregrad.compiler.kernel import FULL, ROWS

MAP: Final = "map"
CONTRACTION: Final = "contraction"
ALONE: Final = "alone"

_PRIVATE: Final = 32  # terms, at most, of a map that another takes in


class Cluster:
    """Terms that are computed by one kernel.

    Attributes:
        number: its place in the list of clusters.
        kind: MAP, CONTRACTION, or ALONE, which nothing can join.
        space: the index space.
        terms: in the order of the program.
        early: whether it is computed from inputs alone.
        before: a bit for each cluster that must be computed before, by its number.
        is_needed: whether it must itself be computed before another.
    """

    __slots__ = ("before", "early", "is_needed", "kind", "number", "space", "terms")

    def __init__(self, number: int, kind: str, space: Space, early: bool = False) -> None:
        self.number = number
        self.kind = kind
        self.space = space
        self.early = early
        self.terms: list[Term] = []
        self.before = 0
        self.is_needed = False


class Clusters:
    """The partition of terms into clusters, as it grows."""

    def __init__(self) -> None:
        self.all: list[Cluster] = []
        self._scalars: Cluster | None = None

    def place(self, term: Term) -> None:
        """Adds a term whose operands have been placed."""
        owners = self._owners(term)
        if term.kind == "map":
            if not owners:
                self._place_free(term)
                return
        elif term.kind != "reduce":
            self._begin(term, owners)
            return
        for cluster in owners:
            if self._can_wait_for(cluster, owners) and self._join(term, cluster, owners):
                self._add(term, cluster, [owner for owner in owners if owner.terms])
                return
        for cluster in self._siblings(owners):
            if prod(term.shape) == cluster.space.size and join(term, cluster):
                self._add(term, cluster, owners)
                return
        self._begin(term, owners)

    def compute_free(self, term: Term) -> Cluster:
        """Gives a free term a cluster of its own, as it must be in memory."""
        cluster = self._begin(term, [])
        cluster.early = True
        return cluster

    def _owners(self, term: Term) -> list[Cluster]:
        """The clusters of its operands, newest first, without those computed from inputs alone.

        The latter can be computed before anything else, so they are never in the way.
        """
        numbers = {operand.term.cluster for operand in term.operands}
        owners = [self.all[number] for number in sorted(numbers, reverse=True) if number >= 0]
        return [cluster for cluster in owners if not cluster.early]

    def _place_free(self, term: Term) -> None:
        """Gives a term of inputs alone a cluster, if it should be computed only once."""
        if term.size != 1:
            if not term.is_cheap and term.users > 1:
                self.compute_free(term)
        elif self._scalars is None:
            if not term.is_cheap:
                self._scalars = self.compute_free(term)
        else:
            number = self._scalars.number
            follows = any(operand.term.cluster == number for operand in term.operands)
            wanted = (follows or not term.is_cheap) and not _comes_back(term, number)
            if wanted and join(term, self._scalars):
                self._add(term, self._scalars, [])

    def _siblings(self, owners: list[Cluster]) -> Iterator[Cluster]:
        """Maps that come after all clusters that a term needs, or like it need none; newest first.

        They need nothing more for the term, so nothing has to wait longer.
        """
        wanted = 0
        for owner in owners:
            wanted |= 1 << owner.number
        for cluster in reversed(self.all):
            comes_after = wanted & cluster.before == wanted if wanted else not cluster.before
            if cluster.kind == MAP and comes_after and not cluster.early:
                yield cluster

    def _join(self, term: Term, cluster: Cluster, owners: list[Cluster]) -> bool:
        """Fits a term into a cluster, if possible with the maps that only this term needs."""
        private = [owner for owner in owners if _is_private(owner, cluster)]
        for owner in private:
            _give(owner.terms, cluster)
        if not join(term, cluster):
            for owner in private:
                _give(owner.terms, owner)
            return bool(private) and join(term, cluster)
        for owner in private:
            cluster.terms += owner.terms
            owner.terms = []
        return True

    def _can_wait_for(self, cluster: Cluster, others: list[Cluster]) -> bool:
        return not any(other.before >> cluster.number & 1 for other in others)

    def _begin(self, term: Term, owners: list[Cluster]) -> Cluster:
        """A new cluster with this term."""
        number = len(self.all)
        if term.kind in ("map", "reduce"):
            found = (Cluster(number, MAP, space) for space in spaces(term.shape))
            cluster = next(cluster for cluster in found if join(term, cluster))
            return self._append(term, cluster, owners)
        if term.kind == "product":
            (rows, columns) = term.shape
            cluster = Cluster(number, CONTRACTION, Space(rows, columns))
            term.extent = FULL
        else:
            cluster = Cluster(number, ALONE, Space(1, 1))
        for operand in term.operands:
            if operand.term.kind == "map" and operand.term.cluster < 0:
                self.compute_free(operand.term)
        cluster.number = len(self.all)
        return self._append(term, cluster, owners)

    def _append(self, term: Term, cluster: Cluster, owners: list[Cluster]) -> Cluster:
        self.all.append(cluster)
        self._add(term, cluster, owners)
        return cluster

    def _add(self, term: Term, cluster: Cluster, owners: list[Cluster]) -> None:
        term.cluster = cluster.number
        cluster.terms.append(term)
        before = 0
        for owner in owners:
            if owner is not cluster:
                before |= owner.before | 1 << owner.number
                owner.is_needed = True
        if before & ~cluster.before:
            cluster.before |= before
            for other in self.all if cluster.is_needed else ():
                if other.before >> cluster.number & 1:
                    other.before |= before


def _comes_back(term: Term, number: int) -> bool:
    """Whether a term needs others outside of a cluster that need one in there."""
    outside = [operand.term for operand in term.operands if operand.term.cluster != number]
    seen = set(outside)
    while outside:
        for operand in outside.pop().operands:
            if operand.term.cluster == number:
                return True
            if operand.term not in seen:
                seen.add(operand.term)
                outside.append(operand.term)
    return False


def _is_private(owner: Cluster, cluster: Cluster) -> bool:
    """Whether a map of inputs alone is used once, and may as well be computed by another."""
    if owner is cluster or owner.kind != MAP or cluster.kind != MAP or owner.before:
        return False
    if len(owner.terms) > _PRIVATE:
        return False
    space = cluster.space
    if (owner.space.rows, owner.space.columns) != (space.rows, space.columns):
        return False
    operands = [operand.term for term in owner.terms for operand in term.operands]
    within = sum(operand.cluster == owner.number for operand in operands)
    uses = sum(term.users for term in owner.terms) - within
    return uses == 1 and not any(term.late for term in owner.terms)


def _give(terms: list[Term], cluster: Cluster) -> None:
    for term in terms:
        term.cluster = cluster.number


# --- joining --------------------------------------------------------------------------------


def join(term: Term, cluster: Cluster) -> bool:
    """Fits a map or reduction into a cluster, if its operands can be read there."""
    if cluster.kind == ALONE or (cluster.kind == CONTRACTION and term.kind == "reduce"):
        return False
    extents = cluster.space.extents(prod(term.shape))
    return any(_join_at(term, cluster, extent) for extent in extents)


def _join_at(term: Term, cluster: Cluster, extent: int) -> bool:
    """Fits a term into a cluster, its operands being read at this extent."""
    space = cluster.space
    late = False
    accesses = []
    for operand in term.operands:
        source = operand.term
        access = space.access(operand, extent)
        if access is None:
            return False
        if source.cluster == cluster.number:
            if access != space.dense[source.extent]:
                return False
            late = late or source.late
        accesses.append(access)
    over = 0
    if term.kind == "reduce":
        over = reduced_over(term.value.attributes["axes"], term.shape, space, extent)
        if late or not over:
            return False
        if over == FULL and space.extent_of(accesses[0]) != FULL:
            return False  # kernels add what is the same along a row once for each row
        late = bool(over & ROWS)
    if late and extent & ~over & ROWS:
        return False
    term.accesses, term.extent, term.over, term.late = accesses, extent & ~over, over, late
    return True
