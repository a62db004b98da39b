"""Terms: the values of a program that must be computed, and strided views of them.

Reshaping, transposing, broadcasting and slicing compute nothing: whoever uses the result reads the
original with other steps. What is left are terms, of these kinds:

- ``"input"`` and ``"constant"``: known before.
- ``"map"``: element-wise; also a ``"copy"``, where a strided array must become dense.
- ``"reduce"``: a sum or maximum.
- ``"product"``: of two matrices.
- ``"batch"``: products of many.
- ``"index"``: rows chosen or added up by integers, arg-max.
- ``"copy"``: arrays laid into one; also of a single one with too many axes for a map.
- ``"uniform"``: random numbers.
"""

from __future__ import annotations

from math import prod
from typing import Final

from baregrad.compiler.fusion_views import linear_step
from baregrad.compiler.kernel import COMPARISONS, Access, Buffer
from baregrad.compiler.value import Value
from baregrad.engines.array import DType, Shape
from baregrad.record import Record

# Cheap enough to be computed again rather than to be kept in memory.
CHEAP: Final = COMPARISONS | {
    "add",
    "subtract",
    "multiply",
    "negative",
    "abs",
    "maximum",
    "where",
    "cast",
    "copy",
}


class Term:
    """One thing to be computed, and what fusion finds out about it.

    Attributes:
        kind: see the module.
        op: name of the operation, or ``"copy"``.
        value: where it stands in the program.
        place: its place in the order of terms.
        shape: in which the operands of a map or reduction are read; that of the result elsewhere.
        size: elements of the result.
        dtype: of the result.
        operands: what it is computed from.
        users: how many terms and outputs use it.
        relu: of a comparison z ≤ 0, the term where(z ≤ 0, constant ≤ 0, z), if there is one.
        cluster: the number of the cluster that computes it; -1 if none does.
        extent: in its cluster.
        over: of a reduction, what it runs over in its cluster.
        late: whether it is known only after all rows of its cluster.
        accesses: of its operands, in its cluster.
        buffer: where it is in memory, if it must be there.
    """

    __slots__ = (
        "accesses",
        "buffer",
        "cluster",
        "dtype",
        "extent",
        "kind",
        "late",
        "op",
        "operands",
        "over",
        "place",
        "relu",
        "shape",
        "size",
        "users",
        "value",
    )

    def __init__(
        self, kind: str, op: str, value: Value, shape: Shape, operands: list[Strided]
    ) -> None:
        self.kind = kind
        self.op = op
        self.value = value
        self.shape = shape
        self.operands = operands
        self.dtype: DType = value.dtype
        self.size = prod(value.shape)
        self.place = 0
        self.users = 0
        self.relu: Term | None = None
        self.cluster = -1
        self.extent = 0
        self.over = 0
        self.late = False
        self.accesses: list[Access] = []
        self.buffer: Buffer | None = None

    @property
    def is_cheap(self) -> bool:
        """Whether it may be computed more than once."""
        return self.op in CHEAP


class Strided(Record):
    """A term as something reads it: with a shape, steps and an offset, in elements."""

    term: Term
    shape: Shape
    steps: Shape
    offset: int
    linear: int | None

    @classmethod
    def of(cls, term: Term, shape: Shape, steps: Shape, offset: int) -> Strided:
        """With the linear step that follows from the others."""
        return cls(term, shape, steps, offset, linear_step(shape, steps))

    @property
    def is_whole(self) -> bool:
        """Whether it is all elements of the term, in their order."""
        return self.linear in (1, 0) and self.offset == 0 and prod(self.shape) == self.term.size
