"""From values to terms: views are resolved, and every other value becomes a term of some kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, TypeAlias

from baregrad.compiler.fusion_space import reduced_over, spaces
from baregrad.compiler.fusion_terms import Strided, Term
from baregrad.compiler.fusion_views import broadcast, linear_step, reshaped_steps
from baregrad.compiler.kernel import ELEMENTWISE, FULL
from baregrad.compiler.program import Program
from baregrad.compiler.value import CONSTANT, INPUT, Value, in_order
from baregrad.engines.array import Shape, strides

# How the result of an operation that computes nothing is read, given how its input is.
View: TypeAlias = Callable[[Strided, Value], Strided | None]


class Terms:
    """All terms of a program, each after its operands.

    Attributes:
        order: the terms, without inputs and constants.
        inputs: for each argument and tensor read, the term.
        writes: for each value that the program writes, a term that has its elements in order.
        results: likewise for what it returns; terms of their own, as what is returned is handed
            out, while what is written stays.
    """

    def __init__(self, program: Program) -> None:
        self.order: list[Term] = []
        self._strided: dict[Value, Strided] = {}
        self._reductions: dict[tuple[str, Value, Shape], Value] = {}
        self.inputs = {
            value: self._leaf(INPUT, value)
            for value in (*program.arguments, *program.reads.values())
        }
        outputs = program.outputs()
        values = in_order(outputs)
        self._users = _users(values, outputs)
        for value in values:
            if value not in self._strided:
                self._add(value)
        self.writes = [self._whole(value) for value in program.writes.values()]
        self.results = self._results(program.results)

    def _leaf(self, kind: str, value: Value) -> Term:
        term = Term(kind, value.op, value, value.shape, [])
        steps = strides(value.shape) if kind == INPUT else (0,) * len(value.shape)
        self._strided[value] = Strided.of(term, value.shape, steps, 0)
        return term

    def _add(self, value: Value) -> None:
        op = value.op
        if op in (INPUT, CONSTANT):
            self._leaf(op, value)
        elif op in _VIEWS:
            self._strided[value] = self._viewed(value)
        else:
            _RULES[op](self, value)

    def _viewed(self, value: Value) -> Strided:
        (x,) = value.inputs
        if _is_absorbed(value, self._users):
            left, right = (self._strided[y] for y in reversed(x.inputs))
            return self._product(value, _transposed(left), _transposed(right))
        return self._seen(_VIEWS[value.op], self._strided[x], value)

    def _seen(self, view: View, source: Strided, value: Value) -> Strided:
        """A view of a term; or of a dense copy, where steps cannot express it."""
        seen = view(source, value) or view(self._copied(source), value)
        assert seen is not None  # a dense array can be seen in every way
        return seen

    # --- one kind each ------------------------------------------------------------------------

    def _term(
        self, kind: str, op: str, value: Value, shape: Shape, operands: list[Strided]
    ) -> Strided:
        term = Term(kind, op, value, shape, operands)
        for operand in operands:
            operand.term.users += 1
        term.place = len(self.order)
        self.order.append(term)
        whole = Strided(term, value.shape, strides(value.shape), 0, int(term.size != 1))
        self._strided[value] = whole
        return whole

    def _copied(self, source: Strided) -> Strided:
        """The same elements in a dense array of their own."""
        value = Value("copy", (), {}, source.shape, source.term.dtype)
        kind = "map" if prod(source.shape) and _is_readable(source) else "copy"
        return self._term(kind, "copy", value, source.shape, [source])

    def _dense(self, source: Strided) -> Strided:
        """The same elements, in memory and without gaps."""
        is_dense = source.is_whole and source.term.kind != CONSTANT
        return source if is_dense else self._copied(source)

    def elementwise(self, value: Value) -> None:
        """A term for an operation on corresponding elements."""
        shape = value.shape
        operands = []
        for x in value.inputs:
            source = self._strided[x]
            operands.append(source if source.shape == shape else _expanded(source, value))
        if any(x.linear is None for x in operands):
            operands = self._readable(operands, shape)
        term = self._term("map", value.op, value, shape, operands).term
        if value.op == "where":
            _note_relu(term)

    def _readable(self, operands: list[Strided], shape: Shape) -> list[Strided]:
        """Operands that one index space can read: as few of them as possible are copied."""
        unreadable = [
            [x for x in operands if space.access(x, FULL) is None] for space in spaces(shape)
        ]
        copied = {x: self._copied(x) for x in min(unreadable, key=len)}
        return [copied.get(x, x) for x in operands]

    def reduction(self, value: Value) -> None:
        """A term for a sum or maximum; only a view where it is there with or without the axes."""
        (x,) = value.inputs
        axes = value.attributes["axes"]
        same = self._reductions.setdefault((value.op, x, axes), value)
        if same is value:
            source = self._strided[x]
            if not _can_reduce(source, axes):
                source = self._copied(source)
            self._term("reduce", value.op, value, x.shape, [source])
        else:
            self._strided[value] = self._seen(_reshaped, self._strided[same], value)

    def product(self, value: Value) -> None:
        """A term for a matrix product, unless its transpose will be one."""
        if len(value.shape) != 2:
            self._batch(value)
            return
        user = self._users[value]
        if user is None or not _is_absorbed(user, self._users):
            left, right = (self._strided[x] for x in value.inputs)
            self._product(value, left, right)

    def _product(self, value: Value, left: Strided, right: Strided) -> Strided:
        operands = [x if _is_matrix(x) else self._copied(x) for x in (left, right)]
        return self._term("product", "matmul", value, value.shape, operands)

    def _batch(self, value: Value) -> None:
        """A term for products of matrices that lie at equal distances."""
        batch = value.shape[:-2]
        operands = []
        for x in value.inputs:
            source = self._strided[x]
            steps = broadcast(source.shape[:-2], source.steps[:-2], batch) + source.steps[-2:]
            seen = Strided.of(source.term, batch + source.shape[-2:], steps, source.offset)
            fits = _is_matrix(seen) and linear_step(batch, steps[:-2]) is not None
            operands.append(seen if fits else self._copied(seen))
        self._term("batch", "matmul", value, value.shape, operands)

    def index(self, value: Value) -> None:
        """A term for rows that are chosen or added up, or for the largest in each row."""
        operands = [self._dense(self._strided[x]) for x in value.inputs]
        self._term("index", value.op, value, value.shape, operands)

    def laid(self, value: Value) -> None:
        """A term for arrays that are laid into one."""
        operands = [self._strided[x] for x in value.inputs]
        self._term("copy", value.op, value, value.shape, operands)

    def uniform(self, value: Value) -> None:
        """A term for random numbers."""
        operands = [self._dense(self._strided[x]) for x in value.inputs]
        self._term("uniform", value.op, value, value.shape, operands)

    # --- outputs ------------------------------------------------------------------------------

    def _results(self, values: list[Value]) -> list[Term]:
        terms: list[Term] = []
        for value in values:
            term = self._whole(value)
            if term in self.writes or term in terms:
                term = self._copied(self._strided[value]).term
            terms.append(term)
        return terms

    def _whole(self, value: Value) -> Term:
        """A term that is computed, with just the elements of a value."""
        source = self._strided[value]
        if source.term.kind in (INPUT, CONSTANT) or not source.is_whole:
            source = self._copied(source)
        source.term.users += 1
        return source.term


def _users(values: Iterable[Value], outputs: Iterable[Value]) -> dict[Value, Value | None]:
    """For each value the one that uses it, or None if it is several or an output."""
    users: dict[Value, Value | None] = dict.fromkeys(outputs)
    for value in values:
        for x in value.inputs:
            users[x] = None if x in users else value
    return users


def _is_absorbed(value: Value, users: dict[Value, Value | None]) -> bool:
    """Whether it is the transpose of a matrix product that nothing else uses.

    Then the product is computed the other way round, as (A B)ᵀ = Bᵀ Aᵀ. That gives a weight's
    gradient the layout of the weight, and so the weight's update can follow it.
    """
    if value.op != "permute" or value.attributes["axes"] != (1, 0):
        return False
    (x,) = value.inputs
    return x.op == "matmul" and users[x] is value


def _is_readable(x: Strided) -> bool:
    """Whether an index space can read all of an array."""
    if x.linear is not None:
        return True
    return any(space.access(x, FULL) is not None for space in spaces(x.shape))


def _can_reduce(x: Strided, axes: Shape) -> bool:
    """Whether an index space can read an array and reduce these axes, which are first or last."""
    return x.linear is not None or any(
        reduced_over(axes, x.shape, space, FULL) and space.access(x, FULL) is not None
        for space in spaces(x.shape)
    )


def _is_matrix(x: Strided) -> bool:
    """Whether a contraction can read it: rows or columns lie together in memory."""
    (m, n), (row, column) = x.shape[-2:], x.steps[-2:]
    return x.term.kind != CONSTANT and (row == 1 or column == 1 or m == 1 or n == 1)


def _note_relu(term: Term) -> None:
    """Tells a comparison z ≤ 0 of the relu h it was made for.

    Backward needs the mask again. As h ≤ 0 just where z ≤ 0, it can be had from h, which the next
    layer keeps in memory anyway; then neither z nor the mask need be kept.
    """
    mask, constant, z = (operand.term for operand in term.operands)
    if mask.op != "less_equal" or constant.kind != CONSTANT or mask.shape != term.shape:
        return
    compared, zero = (operand.term for operand in mask.operands)
    if compared is z and zero.kind == CONSTANT and zero.value.attributes["value"] == 0:
        wholes = (term.operands[0], term.operands[2], mask.operands[0])
        if constant.value.attributes["value"] <= 0 and all(x.is_whole for x in wholes):
            mask.relu = term


# --- views ----------------------------------------------------------------------------------


def _reshaped(x: Strided, value: Value) -> Strided | None:
    if x.linear is not None:
        steps: Shape | None = tuple([x.linear * step for step in strides(value.shape)])
    else:
        steps = reshaped_steps(x.shape, x.steps, value.shape)
    return None if steps is None else Strided.of(x.term, value.shape, steps, x.offset)


def _permuted(x: Strided, value: Value) -> Strided:
    steps = tuple(x.steps[axis] for axis in value.attributes["axes"])
    return Strided.of(x.term, value.shape, steps, x.offset)


def _transposed(x: Strided) -> Strided:
    return Strided.of(x.term, x.shape[::-1], x.steps[::-1], x.offset)


def _expanded(x: Strided, value: Value) -> Strided:
    shape = value.shape
    if x.linear == 0:  # one element everywhere
        return Strided(x.term, shape, (0,) * len(shape), x.offset, 0)
    return Strided.of(x.term, shape, broadcast(x.shape, x.steps, shape), x.offset)


def _sliced(x: Strided, value: Value) -> Strided:
    window = value.attributes["window"]
    offset = x.offset + sum(w[0] * step for w, step in zip(window, x.steps, strict=True))
    steps = tuple(w[1] * step for w, step in zip(window, x.steps, strict=True))
    return Strided.of(x.term, value.shape, steps, offset)


def _same(x: Strided, value: Value) -> Strided:
    return x


_VIEWS: dict[str, View] = {
    "reshape": _reshaped,
    "permute": _permuted,
    "expand": _expanded,
    "slice": _sliced,
    "stop_gradient": _same,
}
_RULES: dict[str, Callable[[Terms, Value], Any]] = {
    **dict.fromkeys(ELEMENTWISE, Terms.elementwise),
    "sum": Terms.reduction,
    "max": Terms.reduction,
    "matmul": Terms.product,
    **dict.fromkeys(("take", "scatter_add", "argmax"), Terms.index),
    **dict.fromkeys(("concat", "unslice"), Terms.laid),
    "uniform": Terms.uniform,
}
