"""Tensors made from nothing but a shape or a rule."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

from baregrad.engines import array as arrays
from baregrad.engines.array import DType, Shape
from baregrad.errors import ArgumentError
from baregrad.tensor.convert import operand_dtype
from baregrad.tensor.operation import checked_shape, unpacked
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
        DTypeError: a value that is no number, or that the data type does not hold.
    """
    sizes = checked_shape(unpacked((shape,)), "full")
    element = Tensor(value, dtype).item()
    filled = Tensor.leaf(arrays.filled(element, sizes, dtype))
    filled.requires_grad = requires_grad
    filled.name = name
    return filled


def zeros(*shape: Any, dtype: DType = "float32", requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return full(unpacked(shape), 0, dtype, requires_grad)


def ones(*shape: Any, dtype: DType = "float32", requires_grad: bool = False) -> Tensor:
    """A tensor of ones: ``ones(2, 3)`` or ``ones((2, 3))``."""
    return full(unpacked(shape), 1, dtype, requires_grad)


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: DType | None = None
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to `stop`, which is not among them.

    int64 if all arguments are integers, else float32.

    Raises:
        ArgumentError: a step of 0, or bounds that are not finite.
        DTypeError: a bound or step that is no number.
    """
    if stop is None:
        start, stop = 0, start
    for number in (start, stop, step):
        operand_dtype(number)
    if step == 0:
        raise ArgumentError("arange: the step cannot be 0")
    if isinstance(start, Integral) and isinstance(stop, Integral) and isinstance(step, Integral):
        return Tensor(range(int(start), int(stop), int(step)), dtype or "int64")
    steps = (stop - start) / step
    if not math.isfinite(steps):
        raise ArgumentError(f"arange: there is no last number from {start} to {stop} by {step}")
    values = [start + i * step for i in range(math.ceil(steps))]
    return Tensor(values, dtype or "float32")


def linspace(start: float, stop: float, count: int, dtype: DType = "float32") -> Tensor:
    """`count` numbers at equal distances, from `start` to `stop`, both included.

    Raises:
        ArgumentError: a count that is negative or no integer.
        DTypeError: a fraction among them, for int64; a bound that is no number.
    """
    operand_dtype(start), operand_dtype(stop)
    (count,) = checked_shape((count,), "linspace")
    last = max(count - 1, 1)
    values = [start + (stop - start) * i / last for i in range(count)]
    if count > 1:
        values[-1] = stop
    return Tensor(values, dtype)


def eye(rows: int, columns: int | None = None, dtype: DType = "float32") -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere; square unless `columns` is given."""
    height, width = checked_shape((rows, rows if columns is None else columns), "eye")
    return (arange(height).unsqueeze(1) == arange(width)).astype(dtype).detach()
