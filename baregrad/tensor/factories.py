"""Tensors made from nothing but a shape or a rule."""

from __future__ import annotations

import math
from typing import Any

from baregrad.engines import array as arrays
from baregrad.engines.array import DType, Shape
from baregrad.errors import ArgumentError
from baregrad.tensor.convert import checked_dtype
from baregrad.tensor.tensor import Tensor


def full(
    shape: int | Shape,
    value: float,
    dtype: DType = "float32",
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """A tensor in which every element is `value`.

    Raises:
        ArgumentError: a negative size.
    """
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ArgumentError(f"a shape is made of integers that are 0 or more, not {shape}")
    filled = Tensor.leaf(arrays.filled(value, sizes, checked_dtype(dtype)))
    filled.requires_grad = requires_grad
    filled.name = name
    return filled


def zeros(*shape: Any, dtype: DType = "float32", requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return full(_unpacked(shape), 0, dtype, requires_grad)


def ones(*shape: Any, dtype: DType = "float32", requires_grad: bool = False) -> Tensor:
    """A tensor of ones: ``ones(2, 3)`` or ``ones((2, 3))``."""
    return full(_unpacked(shape), 1, dtype, requires_grad)


def _unpacked(shape: tuple[Any, ...]) -> Shape:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: DType | None = None
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to `stop`, which is not among them.

    int64 if all arguments are integers, else float32.

    Raises:
        ArgumentError: a step of 0.
    """
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ArgumentError("arange: the step cannot be 0")
    count = max(0, math.ceil((stop - start) / step))
    whole = all(isinstance(value, int) for value in (start, stop, step))
    dtype = dtype or ("int64" if whole else "float32")
    values = [start + i * step for i in range(count)]
    return Tensor(Tensor.leaf(arrays.new(values, (count,), "int64" if whole else "float64")), dtype)


def linspace(start: float, stop: float, count: int, dtype: DType = "float32") -> Tensor:
    """`count` numbers at equal distances, from `start` to `stop`, both included.

    Raises:
        ArgumentError: a negative count.
    """
    if count < 0:
        raise ArgumentError(f"linspace: the count cannot be negative, and is {count}")
    last = max(count - 1, 1)
    values = [start + (stop - start) * i / last for i in range(count)]
    if count > 1:
        values[-1] = stop
    return Tensor.leaf(arrays.new(values, (count,), checked_dtype(dtype)))


def eye(rows: int, columns: int | None = None, dtype: DType = "float32") -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere; square unless `columns` is given."""
    places = arange(rows), arange(rows if columns is None else columns)
    return (places[0].unsqueeze(1) == places[1]).astype(dtype).detach()
