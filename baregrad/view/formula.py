"""A gradient rule as a formula: with names, or with the numbers of one element put in.

A rule is computed once more on the tensors of the graph, and recorded like any other computation.
So what is written is the rule itself, whoever wrote it, and cannot differ from what is computed.
"""

from __future__ import annotations

from collections.abc import Mapping

from baregrad.engines.array import Shape, broadcast_steps, strides
from baregrad.tensor import primitives
from baregrad.tensor.graph import recording
from baregrad.tensor.operation import VJP
from baregrad.tensor.tensor import Tensor
from baregrad.view.elements import is_elementwise
from baregrad.view.labels import attributes_text, number

# The sign of an operation of two operands, and how tightly it binds.
SIGNS = {
    "add": ("+", 2),
    "subtract": ("−", 2),
    "multiply": ("·", 3),
    "divide": ("/", 3),
    "matmul": ("@", 3),
    "power": ("^", 5),
    "equal": ("=", 1),
    "not_equal": ("≠", 1),
    "less": ("<", 1),
    "less_equal": ("≤", 1),
}
QUOTIENT, NEGATION, ATOM = 3, 4, 6
DEEPEST = 12  # operations within each other that are written out
TERMS = 3  # of a sum of products that are

Written = tuple[str, int]  # a text, and how tightly it binds


class Formula:
    """What a tensor is computed as, from tensors that have names.

    Args:
        root: the tensor.
        names: of the tensors at which the formula ends.
    """

    def __init__(self, root: Tensor, names: Mapping[Tensor, str]) -> None:
        self.root = root
        self.names = names

    def __str__(self) -> str:
        return self._written(self.root, None)[0]

    def at(self, place: int) -> str:
        """The same with the numbers that make the element at this place in row-major order."""
        return self._written(self.root, place)[0]

    def _written(self, x: Tensor, place: int | None, depth: int = 0) -> Written:
        if x in self.names and place is None:
            name = self.names[x]
            return name, QUOTIENT if name[0] == "∂" else ATOM
        if x in self.names or self._is_constant(x):
            return _value(x, place)
        if x.op is None or depth > DEEPEST:
            return "…", ATOM
        if place is None:
            return self._named(x, depth + 1)
        if x.op is primitives.matmul:
            return self._products(x, place, depth + 1)
        if not is_elementwise(x.op):
            return _value(x, place)
        return self._applied(x, place, depth + 1)

    def _is_constant(self, x: Tensor, depth: int = 0) -> bool:
        """Whether it is a single number that depends on nothing that has a name."""
        if x in self.names or x.size != 1 or depth > DEEPEST:
            return False
        return all(self._is_constant(parent, depth + 1) for parent in x.parents)

    def _named(self, x: Tensor, depth: int) -> Written:
        """Moves of elements, which have notations of their own; all else is applied."""
        inner = x.parents[0] if x.parents else x
        if x.op is primitives.permute and x.attributes["axes"] == _transposing(x.ndim):
            return self._tight(inner, None, depth, ATOM) + "ᵀ", ATOM
        if x.op is primitives.slice_:
            return self._tight(inner, None, depth, ATOM) + attributes_text(x), ATOM
        if x.op is primitives.expand:
            if inner.op is primitives.reshape and inner not in self.names:
                inner = inner.parents[0]
            return f"spread({self._written(inner, None, depth)[0]})", ATOM
        return self._applied(x, None, depth)

    def _applied(self, x: Tensor, place: int | None, depth: int) -> Written:
        """An operation on its operands: with a sign, or as a function."""
        assert x.op is not None
        name, operands = x.op.name, x.parents
        places = [
            None if place is None else broadcast_place(place, x.shape, p.shape) for p in operands
        ]
        if name == "cast":
            text, binding = self._written(operands[0], places[0], depth)
            return (f"[{text}]", ATOM) if operands[0].dtype == "bool" else (text, binding)
        if name == "negative":
            return "-" + self._tight(operands[0], places[0], depth, QUOTIENT), NEGATION
        if name in SIGNS and len(operands) == 2:
            return self._signed(x, places, depth)
        if _is_sign(x):
            name, operands = "sign", operands[0].parents[1:]
            places = places[:1]
        texts = [self._written(*pair, depth)[0] for pair in zip(operands, places, strict=True)]
        extra = attributes_text(x)
        return f"{'Σ' if name == 'sum' else name}({', '.join(texts + [extra] * bool(extra))})", ATOM

    def _signed(self, x: Tensor, places: list[int | None], depth: int) -> Written:
        assert x.op is not None
        (left, right), (sign, binding) = x.parents, SIGNS[x.op.name]
        first = self._tight(left, places[0], depth, binding)
        if left is right and sign == "·":
            return self._tight(left, places[0], depth, ATOM) + "²", ATOM - 1
        last = self._tight(right, places[1], depth, binding + (sign in "−/^"))
        if sign == "^":
            first = self._tight(left, places[0], depth, ATOM)
            return (first, ATOM) if last == "1" else (f"{first}^{last}", binding)
        return f"{first} {sign} {_apart(last)}", binding

    def _tight(self, x: Tensor, place: int | None, depth: int, binding: int) -> str:
        """In brackets, if it binds less tightly."""
        text, own = self._written(x, place, depth)
        return text if own >= binding else f"({text})"

    def _products(self, x: Tensor, place: int, depth: int) -> Written:
        """An element of a matrix product: row times column."""
        left, right = x.parents
        m, n, k = x.shape[-2], x.shape[-1], left.shape[-1]
        matrix, (i, j) = place // (m * n), divmod(place % (m * n), n)
        batch = x.shape[:-2]
        l0 = broadcast_place(matrix, batch, left.shape[:-2]) * m * k + i * k
        r0 = broadcast_place(matrix, batch, right.shape[:-2]) * k * n + j
        terms: list[str] = []
        for step in range(k if k <= TERMS + 1 else TERMS):
            factors = (left, l0 + step), (right, r0 + step * n)
            first, last = (self._tight(*factor, depth, 3) for factor in factors)
            terms.append(f"{_apart(first) if terms else first} · {_apart(last)}")
        more = k - len(terms)
        return " + ".join(terms + [f"… ({more} more)"] * bool(more)) or "0", 2 if k > 1 else 3


def rule(tensor: Tensor, vjp: VJP, g: Tensor, names: Mapping[Tensor, str]) -> Formula:
    """The gradient rule of one input of the operation that made a tensor.

    Args:
        tensor: the result.
        vjp: the rule.
        g: the gradient that arrives at it.
        names: of the result, its inputs and the gradient.
    """
    with recording(True):
        return Formula(vjp(g, tensor, *tensor.parents, **tensor.attributes), names)


def broadcast_place(place: int, shape: Shape, of: Shape) -> int:
    """Which element of an operand of shape `of` an element of the broadcast `shape` comes from."""
    steps = zip(shape, strides(shape), broadcast_steps(of, shape), strict=True)
    return sum(own * (place // step % size) for size, step, own in steps)


def _transposing(ndim: int) -> Shape:
    """The axes of a permutation that exchanges the last two."""
    return (*range(ndim - 2), ndim - 1, ndim - 2)


def _apart(text: str) -> str:
    """In brackets if it begins with a minus sign."""
    return f"({text})" if text[0] == "-" else text


def _value(x: Tensor, place: int | None) -> Written:
    text = number(x.array.data[place or 0], x.dtype)
    return text, NEGATION if text[0] == "-" else ATOM


def _is_sign(x: Tensor) -> bool:
    """Whether it is what `Tensor.sign` makes, a choice within a choice."""
    if x.op is not primitives.where:
        return False
    above, _, rest = x.parents
    return (
        rest.op is primitives.where
        and above.op is primitives.less
        and rest.parents[0].op is primitives.less
        and above.parents[1] is rest.parents[0].parents[0]
    )
