"""The reference engine: every kernel in plain Python, obviously right, and never fast.

Arithmetic is done in Python's double precision and rounded once, to the data type of the result.
Every faster engine is tested against this one. Shapes have been checked before a kernel runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from math import prod
from operator import mul
from typing import Any

from baregrad.engines import array as arrays
from baregrad.engines import ieee, philox
from baregrad.engines.array import (
    Array,
    DType,
    Shape,
    broadcast_shapes,
    broadcast_steps,
    offsets,
    strides,
)


def gather(x: Array, shape: Shape, steps: Shape, start: int = 0) -> Array:
    """The elements of `x` that a strided view of its buffer would show."""
    places = offsets(shape, steps, start)
    return arrays.new(map(x.data.__getitem__, places), shape, x.dtype)


def elementwise(function: Callable[..., Any], *inputs: Array, dtype: DType) -> Array:
    """`function` of corresponding elements, under broadcasting."""
    shape = broadcast_shapes(*(x.shape for x in inputs))
    operands = [_stretched(x, shape) for x in inputs]
    return arrays.new(map(function, *operands), shape, dtype)


def _stretched(x: Array, shape: Shape) -> Iterable[Any]:
    if x.shape == shape:
        return x.data
    if len(x.data) == 1:
        return repeat(x.data[0], prod(shape))
    return expand(x, shape).data


def cast(x: Array, dtype: DType) -> Array:
    """The same values in another data type: floats lose their fraction as integers, 0 is false."""
    if dtype == "bool":
        return arrays.new(map(bool, x.data), x.shape, dtype)
    convert: Callable[[Any], Any] = ieee.truncate if dtype == "int64" else float
    return arrays.new(map(convert, x.data), x.shape, dtype)


def reduce(
    function: Callable[[Any], Any], x: Array, axes: Shape, keepdims: bool, dtype: DType
) -> Array:
    """`function` of all the elements along `axes`, for each place along the others."""
    kept = tuple(axis for axis in range(len(x.shape)) if axis not in axes)
    rows = permute(x, kept + axes).data
    width = prod(x.shape[axis] for axis in axes)
    count = prod(x.shape[axis] for axis in kept)
    sizes = enumerate(x.shape)
    if keepdims:
        shape = tuple(1 if axis in axes else size for axis, size in sizes)
    else:
        shape = tuple(size for axis, size in sizes if axis not in axes)
    values = (function(rows[i * width : (i + 1) * width]) for i in range(count))
    return arrays.new(values, shape, dtype)


def first_nan(values: Any) -> int | None:
    """The first place where there is a NaN."""
    return next((i for i, value in enumerate(values) if value != value), None)


def largest(values: Any) -> Any:
    """The largest of some numbers; NaN if there is one among them."""
    nan = first_nan(values)
    return max(values) if nan is None else values[nan]


def index_of_largest(values: Any) -> int:
    """The first place of the largest of some numbers, or of the first NaN."""
    nan = first_nan(values)
    return int(values.index(max(values))) if nan is None else nan


def matmul(x: Array, y: Array) -> Array:
    """(..., m, k) @ (..., k, n) -> (..., m, n); the leading axes broadcast."""
    (m, k), n = x.shape[-2:], y.shape[-1]
    batch = broadcast_shapes(x.shape[:-2], y.shape[:-2])
    result = arrays.new((), (*batch, m, n), x.dtype)
    for i, j in zip(_matrices(x, batch), _matrices(y, batch), strict=True):
        left, right = x.data[i : i + m * k].tolist(), y.data[j : j + k * n].tolist()
        rows = [left[r * k : (r + 1) * k] for r in range(m)]
        columns = [right[c::n] for c in range(n)]
        result.data.extend(sum(map(mul, row, column)) for row in rows for column in columns)
    return result


def _matrices(x: Array, batch: Shape) -> list[int]:
    """Where the matrix for each place of a broadcast batch begins."""
    size = prod(x.shape[-2:])
    steps = broadcast_steps(x.shape[:-2], batch)
    return [start * size for start in offsets(batch, steps)]


def reshape(x: Array, shape: Shape) -> Array:
    """The same elements in the same order, read with another shape."""
    if isinstance(x, Array):  # which may be in memory that others see
        return x._replace(shape=shape)
    return Array(x.data, shape, x.dtype)


def permute(x: Array, axes: Shape) -> Array:
    """Axis i of the result is axis `axes[i]` of `x`."""
    shape = tuple(x.shape[axis] for axis in axes)
    if axes == tuple(range(len(axes))):
        return x
    steps = strides(x.shape)
    return gather(x, shape, tuple(steps[axis] for axis in axes))


def expand(x: Array, shape: Shape) -> Array:
    """`x` broadcast to a larger shape."""
    return gather(x, shape, broadcast_steps(x.shape, shape))


def concat(*inputs: Array, axis: int) -> Array:
    """Arrays one after another along `axis`; every other size is the same."""
    first = inputs[0]
    shape = list(first.shape)
    shape[axis] = sum(x.shape[axis] for x in inputs)
    result = arrays.new((), tuple(shape), first.dtype)
    widths = [prod(x.shape[axis:]) for x in inputs]
    for row in range(prod(shape[:axis])):
        for x, width in zip(inputs, widths, strict=True):
            result.data.extend(x.data[row * width : (row + 1) * width])
    return result


def _window(shape: Shape, window: tuple[tuple[int, int, int], ...]) -> list[int]:
    """The places of a slice, given (start, step, size) along each axis."""
    steps = strides(shape)
    start = sum(w[0] * step for w, step in zip(window, steps, strict=True))
    moves = tuple(w[1] * step for w, step in zip(window, steps, strict=True))
    return offsets(tuple(w[2] for w in window), moves, start)


def slice_(x: Array, window: tuple[tuple[int, int, int], ...]) -> Array:
    """The elements in a window of (start, step, size) along each axis."""
    values = map(x.data.__getitem__, _window(x.shape, window))
    return arrays.new(values, tuple(w[2] for w in window), x.dtype)


def unslice(x: Array, shape: Shape, window: tuple[tuple[int, int, int], ...]) -> Array:
    """Zeros of `shape` with `x` laid into a window of it."""
    result = arrays.filled(0, shape, x.dtype)
    for place, value in zip(_window(shape, window), x.data, strict=True):
        result.data[place] = value
    return result


def take(x: Array, indices: Array, axis: int) -> Array:
    """The slices of `x` along `axis` that the integers in `indices` number."""
    outer, width = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    stride = x.shape[axis] * width
    shape = x.shape[:axis] + indices.shape + x.shape[axis + 1 :]
    result = arrays.new((), shape, x.dtype)
    for row in range(outer):
        for index in indices.data:
            start = row * stride + index * width
            result.data.extend(x.data[start : start + width])
    return result


def scatter_add(x: Array, indices: Array, axis: int, size: int) -> Array:
    """The transpose of `take`: slices of `x` added up at the places they were taken from."""
    rank = len(indices.shape)
    outer, width = prod(x.shape[:axis]), prod(x.shape[axis + rank :])
    sums = [0] * (outer * size * width)
    source = iter(x.data)
    for row in range(outer):
        for index in indices.data:
            start = (row * size + index) * width
            for place in range(start, start + width):
                sums[place] += next(source)
    return arrays.new(sums, (*x.shape[:axis], size, *x.shape[axis + rank :]), x.dtype)


def uniform(start: Array, seed: int, stream: int, shape: Shape, dtype: DType) -> Array:
    """Random numbers in [0, 1), from number `start` of a stream: 24 bits for float32, else 53."""
    digits = 24 if dtype == "float32" else 53
    bits = philox.integers(seed, stream, start.data[0], prod(shape))
    return arrays.new(((b >> 64 - digits) * 2**-digits for b in bits), shape, dtype)
