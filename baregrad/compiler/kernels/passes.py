"""One row of a kernel: the passes over its columns, and what is computed between them.

A pass evaluates the nodes anew at each place and stops at reductions along the row; the next pass
can use these. What is stored along the row is stored in the last pass, after all loads. A short row
is kept in registers instead: its nodes are evaluated once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from baregrad.compiler.kernel import COLUMNS, Reduce, Store
from baregrad.compiler.kernels.expression import Expression, Values, inputs, levels, needed
from baregrad.compiler.kernels.integers import Vector, flat, shaped
from baregrad.compiler.kernels.operands import Place, Tile
from baregrad.compiler.kernels.reductions import (
    RowsReduction,
    across_lanes,
    combine,
    combine_all,
    identity,
    masked,
)
from baregrad.compiler.kernels.sweep import UNROLL, Stretch, sweep, whole_row
from baregrad.compiler.vector.program import Value

# a row of at most so many vectors is kept in registers
_SHORT: Final = 2
# an iteration has several vectors of an expression with at most so many nodes
_SMALL: Final = 12


class Passes:
    """What is done in every row.

    Args:
        expression: the kernel's nodes.
        columns: of its space.
        stores: those of the kernel that belong here.
        into: reductions over the rows that are made here, by their node.
        known: values that are the same in every row.
        results: reductions over the rows that were made before, one for each column.
    """

    def __init__(
        self,
        expression: Expression,
        columns: int,
        stores: Sequence[Store],
        into: dict[int, RowsReduction],
        known: Values,
        results: dict[int, RowsReduction],
    ) -> None:
        self.b = expression.builder
        self.expression = expression
        self.nodes = nodes = expression.nodes
        self.columns = columns
        self.known = known
        self.along = [store for store in stores if store.access.column]
        self.beside = [store for store in stores if not store.access.column]
        self.into = into
        roots = [store.node for store in stores] + [self.input(i) for i in into]
        self.required = needed(nodes, roots, {*known, *results})
        self.level = levels(nodes, {*known, *results})
        used = {*roots, *(i for index in self.required for i in inputs(nodes[index]))}
        self.results = {index: made for index, made in results.items() if index in used}
        self.reduced = [i for i in self.required if isinstance(nodes[i], Reduce)]
        # nodes that are stored, or reduced over the rows, along the row
        self.final = [store.node for store in self.along]
        self.final += [self.input(i) for i in into if self.varies(self.input(i))]
        self.ends = sorted({self.level[self.input(i)] for i in self.reduced})
        if self.final:
            last = max([*self.ends, *[self.level[i] for i in self.final]])
            self.ends = sorted({*self.ends, last})

    def input(self, index: int) -> int:
        """What a reduction reduces."""
        node = self.nodes[index]
        assert isinstance(node, Reduce)
        return node.input

    def varies(self, index: int) -> bool:
        """Whether a node varies along a row."""
        return bool(self.nodes[index].extent & COLUMNS) and self.columns != 1

    def run(self, stretch: Stretch) -> None:
        """Emit a row."""
        b = self.b
        values = dict(self.known)
        start = Place(Tile(b, stretch.row, 0), 0, 0, 1, None)
        is_short = stretch.is_all and stretch.vectors <= _SHORT
        row = whole_row(b, stretch) if is_short else []
        kept: list[Values] = [{} for _ in row]
        for level in self.ends:
            self.between(level, start, values)
            self.one_pass(level, stretch, row, kept, values)
        self.between(len(self.nodes), start, values)
        for store in self.beside:
            self.expression.store(store, start, values)
        for index, reduction in self.into.items():
            if not self.varies(self.input(index)):
                first_lane = b.mask_below(1)
                value = masked(b, reduction.op, values[self.input(index)], first_lane)
                reduction.add_vector(b, value)

    def between(self, level: int, place: Place, values: Values) -> None:
        """Evaluate what is the same along the row and known before the pass of this level."""
        ready = [i for i in self.required if self.level[i] <= level and not self.varies(i)]
        self.expression.evaluate(ready, place, values)

    def one_pass(
        self, level: int, stretch: Stretch, row: list[Place], kept: list[Values], values: Values
    ) -> None:
        """Emit a pass; adds the reductions that end with it to the values.

        Args:
            level: of what is reduced at its end.
            stretch: the columns.
            row: all places of a short row; else empty.
            kept: what has been evaluated at each of these.
            values: that are the same along the row.
        """
        b = self.b
        is_last = level == self.ends[-1]
        ending = [i for i in self.reduced if self.level[self.input(i)] == level]
        into = {i: r for i, r in self.into.items() if is_last and self.varies(self.input(i))}
        carried = [*ending, *[i for i, reduction in into.items() if not reduction.by_column]]
        roots = [self.input(i) for i in (*ending, *into)] + (self.final if is_last else [])

        nothing = [identity(b, self.op(index), self.nodes[index].dtype) for index in carried]

        def body(places: Sequence[Place], totals: Sequence[Value]) -> list[Value]:
            terms: list[list[Vector]] = [[] for _ in carried]
            for number, place in enumerate(places):
                here = {**values, **kept[number]} if row else dict(values)
                here |= {i: made.result(b, place) for i, made in self.results.items()}
                self.expression.evaluate(roots, place, here)
                if row:
                    kept[number] = here
                for index, found in zip(carried, terms, strict=True):
                    found.append(masked(b, self.op(index), here[self.input(index)], place.mask))
                if is_last:
                    self.write(place, into, here)
            return flat(self.combined(carried, shaped(totals, nothing), terms))

        totals: Sequence[Value] = flat(nothing)
        if row:
            totals = body(row, totals)
        else:
            unroll = UNROLL if len(self.required) <= _SMALL else 1
            totals = sweep(b, stretch, unroll, totals, body)
        for index, total in zip(carried, shaped(totals, nothing), strict=True):
            if index in into:
                into[index].add_vector(b, total)
            else:
                values[index] = across_lanes(b, self.op(index), total)

    def write(self, place: Place, into: dict[int, RowsReduction], values: Values) -> None:
        """What leaves a place: reductions over the rows, then stores."""
        for index, reduction in into.items():
            if reduction.by_column:
                reduction.add(self.b, values[self.input(index)], place)
        for store in self.along:
            self.expression.store(store, place, values)

    def combined(
        self, carried: Sequence[int], totals: Sequence[Vector], terms: Sequence[Sequence[Vector]]
    ) -> list[Vector]:
        """What is carried on: the reductions with the terms of one iteration."""
        ops = [self.op(index) for index in carried]
        return [
            combine(self.b, op, total, combine_all(self.b, op, found))
            for op, total, found in zip(ops, totals, terms, strict=True)
        ]

    def op(self, index: int) -> str:
        """Which reduction a node is."""
        node = self.nodes[index]
        assert isinstance(node, Reduce)
        return node.op
