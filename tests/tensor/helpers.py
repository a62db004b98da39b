"""What several test files share: nested lists by index, shapes to draw, numbers to compare."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

from hypothesis import strategies as st

import baregrad as bg
from baregrad import Tensor

INF, NAN = math.inf, math.nan

# Sizes of 0 and 1 are where mistakes hide.
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


def indices(shape):
    """Every index of an array, in row-major order."""
    return product(*map(range, shape))


def nested(shape, function: Callable[..., Any]) -> Any:
    """The nested list with `function(index)` at each index."""
    if not shape:
        return function(())
    return [nested(shape[1:], lambda rest, i=i: function((i, *rest))) for i in range(shape[0])]


def element(data, index):
    """data[i][j]... for index (i, j, ...)."""
    for i in index:
        data = data[i]
    return data


def stretched(data, shape, index):
    """The element of an array of `shape` that broadcasting shows at `index`."""
    own = index[len(index) - len(shape) :]
    return element(data, [0 if size == 1 else i for i, size in zip(own, shape, strict=True)])


@st.composite
def broadcastable(draw, count, max_dims=3):
    """A shape, and the shapes of `count` operands that broadcast to it."""
    shape = draw(st.lists(st.integers(0, 3), max_size=max_dims).map(tuple))
    operands = []
    for _ in range(count):
        ones = draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
        own = tuple(1 if one else size for size, one in zip(shape, ones, strict=True))
        operands.append(own[draw(st.integers(0, len(own))) :])
    full = draw(st.integers(0, count - 1))
    operands[full] = shape
    return shape, operands


@st.composite
def shape_and_axes(draw, min_dims=0):
    """A shape, and one of its axes, several of them, or None; axes may count from the end."""
    shape = draw(st.lists(st.integers(0, 3), min_size=min_dims, max_size=3).map(tuple))
    n = len(shape)
    if n == 0:
        return shape, draw(st.sampled_from([None, ()]))
    one = st.integers(-n, n - 1)
    several = st.lists(one, unique_by=lambda axis: axis % n).map(tuple)
    return shape, draw(st.one_of(st.none(), one, several))


def axes_from_front(axis, ndim):
    if axis is None:
        return set(range(ndim))
    return {a % ndim for a in ((axis,) if isinstance(axis, int) else axis)}


def reduced(data, shape, axis, keepdims, function):
    """`function` of the list of elements along the axes, in row-major order; by brute force."""
    axes = axes_from_front(axis, len(shape))
    kept = [1 if i in axes else size for i, size in enumerate(shape)]

    def group(place):
        return function(
            [
                element(data, index)
                for index in indices(shape)
                if all(i in axes or index[i] == place[i] for i in range(len(shape)))
            ]
        )

    if keepdims:
        return nested(kept, group)
    rest = [i for i in range(len(shape)) if i not in axes]

    def placed(place):
        whole = [0] * len(shape)
        for i, at in zip(rest, place, strict=True):
            whole[i] = at
        return group(whole)

    return nested([shape[i] for i in rest], placed)


def numbers(shape, low=-2.0, high=2.0, seed=0, requires_grad=True) -> Tensor:
    """A float64 tensor of random numbers between `low` and `high`."""
    x = bg.Generator(seed).rand(*shape, dtype="float64") * (high - low) + low
    return Tensor(x, requires_grad=requires_grad)


def distinct(shape, seed=0) -> Tensor:
    """A float64 tensor of numbers that differ from each other and from 0 by 0.1 or more."""
    count = math.prod(shape)
    values = [(i - count / 2 + 0.25) / 5 for i in bg.Generator(seed).permutation(count)]
    return Tensor(Tensor(values, "float64").reshape(shape), requires_grad=True)


def same(x, y) -> bool:
    """Equal numbers, or nested lists of them, down to the sign of zero; NaN is NaN."""
    if isinstance(x, list) or isinstance(y, list):
        return len(x) == len(y) and all(map(same, x, y))
    if x != x or y != y:
        return x != x and y != y
    return x == y and math.copysign(1, x) == math.copysign(1, y)


def close(x, y, rel=1e-12, abs_=1e-12) -> bool:
    """As `same`, within tolerances."""
    if isinstance(x, list) or isinstance(y, list):
        return len(x) == len(y) and all(close(a, b, rel, abs_) for a, b in zip(x, y, strict=True))
    return math.isclose(x, y, rel_tol=rel, abs_tol=abs_) or same(x, y)
