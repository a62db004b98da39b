"""Operations that combine elements: along axes into one, and in matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Self, TypeAlias

from baregrad.engines.array import DType, Shape
from baregrad.errors import ArgumentError, DTypeError, ShapeError
from baregrad.tensor import primitives
from baregrad.tensor.convert import common_dtype
from baregrad.tensor.operation import normalized_axis
from baregrad.tensor.shaping import Shaping

Axes: TypeAlias = int | Sequence[int] | None


class Reductions(Shaping):
    """A tensor whose elements can be combined.

    In all of these `axis` is one axis, several, or None for all; `keepdims` leaves the reduced
    axes in the shape with size 1. Names and defaults are those of the Array API.
    """

    __slots__ = ()

    def _axes(self, axis: Axes, name: str) -> Shape:
        if axis is None:
            return tuple(range(self.ndim))
        if isinstance(axis, int):
            return (normalized_axis(axis, self.ndim, name),)
        listed = tuple(axis) if isinstance(axis, Sequence) else (axis,)
        axes = tuple(sorted(normalized_axis(a, self.ndim, name) for a in listed))
        if len(set(axes)) != len(axes):
            raise ArgumentError(f"{name}: axes {listed} name one axis twice")
        return axes

    def sum(self, axis: Axes = None, keepdims: bool = False) -> Self:
        """The sum; of bools, how many are true."""
        x = self._counted()
        return x.apply(primitives.sum_, x, axes=self._axes(axis, "sum"), keepdims=keepdims)

    def mean(self, axis: Axes = None, keepdims: bool = False) -> Self:
        """The arithmetic mean; NaN of nothing. Integers give float32."""
        count = prod(self.shape[a] for a in self._axes(axis, "mean"))
        return self._as(self, self._at_least_float()).sum(axis, keepdims) / count

    def _at_least_float(self) -> DType:
        return common_dtype("float32", self.dtype)

    def var(self, axis: Axes = None, correction: float = 0, keepdims: bool = False) -> Self:
        """The mean squared distance from the mean.

        The divisor is the count less `correction`; 0 as in the Array API (PyTorch's default is 1).
        Where that leaves no divisor, infinity, or NaN if all elements are equal.
        """
        count = prod(self.shape[a] for a in self._axes(axis, "var"))
        distance = self - self.mean(axis, keepdims=True)
        return (distance * distance).sum(axis, keepdims) / max(count - correction, 0)

    def std(self, axis: Axes = None, correction: float = 0, keepdims: bool = False) -> Self:
        """The standard deviation, the square root of `var`; its gradient at 0 is 0."""
        variance = self.var(axis, correction, keepdims)
        none = variance <= 0
        return none.where(0, none.where(1, variance).sqrt())  # the slope of √ at 0 is infinite

    def max(self, axis: Axes = None, keepdims: bool = False) -> Self:
        """The largest element, NaN if there is one; equal ones share the gradient.

        The values alone, as in the Array API (PyTorch returns indices beside them).
        """
        axes = self._axes(axis, "max")
        return self.apply(primitives.max_, self, axes=axes, keepdims=keepdims)

    def min(self, axis: Axes = None, keepdims: bool = False) -> Self:
        """The smallest element, NaN if there is one; equal ones share the gradient."""
        return (-(-self).max(axis, keepdims)).astype(self.dtype)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Self:
        """The place (int64) of the first largest element along an axis, or in row-major order."""
        axes = self._axes(axis, "argmax")
        return self.apply(primitives.argmax, self, axes=axes, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Self:
        """The place (int64) of the first smallest element along an axis, or in row-major order."""
        return (-self).argmax(axis, keepdims)

    def any(self, axis: Axes = None, keepdims: bool = False) -> Self:
        """Whether some element is true, that is not 0; false of nothing."""
        return self.astype("bool").sum(axis, keepdims) > 0

    def all(self, axis: Axes = None, keepdims: bool = False) -> Self:
        """Whether every element is true, that is not 0; true of nothing."""
        return ~(~self.astype("bool")).any(axis, keepdims)

    def __matmul__(self, other: Self) -> Self:
        """Matrix product (m, k) @ (k, n) -> (m, n); leading axes are a batch, and broadcast.

        A vector on the left is a row and on the right a column, and its axis is not in the result.

        Raises:
            ShapeError: the sizes do not fit, or one side has no axes.
        """
        if not isinstance(other, Reductions):
            return NotImplemented
        if not (self.ndim and other.ndim):
            raise ShapeError(
                f"matmul: {self.shape} @ {other.shape}: a scalar has no matrix product; use *"
            )
        row = self.unsqueeze(0) if self.ndim == 1 else self
        column = other.unsqueeze(1) if other.ndim == 1 else other
        result = self._with(primitives.matmul, row, column, at_least="int64")
        if row is self and column is other:
            return result
        batch = result.shape[:-2]
        rows = self.shape[-2:-1]
        columns = other.shape[-1:] if other.ndim > 1 else ()
        return result.reshape((*batch, *rows, *columns))

    def matmul(self, other: Self) -> Self:
        """Matrix product; the same as ``self @ other``."""
        result = self.__matmul__(other)
        if result is NotImplemented:
            raise DTypeError(f"matmul: the right side must be a tensor, not {other!r}")
        return result
