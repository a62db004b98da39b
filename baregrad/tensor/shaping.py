"""Operations that change the shape of a tensor and none of its elements."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Self

from baregrad.engines.array import Shape
from baregrad.errors import ArgumentError, ShapeError
from baregrad.tensor import primitives
from baregrad.tensor.arithmetic import Arithmetic
from baregrad.tensor.convert import common_dtype
from baregrad.tensor.operation import checked_shape, normalized_axis, unpacked

Window = tuple[tuple[int, int, int], ...]


class Shaping(Arithmetic):
    """A tensor whose shape can be changed."""

    __slots__ = ()

    def reshape(self, *shape: Any) -> Self:
        """The same elements, in row-major order, with another shape; one size may be -1.

        Raises:
            ShapeError: the number of elements would differ.
            ArgumentError: another negative size, or one that is no integer.
        """
        sizes = checked_shape(unpacked(shape), "reshape", least=-1)
        if -1 in sizes:
            known = prod(size for size in sizes if size != -1)
            if sizes.count(-1) > 1 or known == 0 or self.size % known:
                raise ShapeError(
                    f"reshape: {self.shape} has {self.size} elements, which leaves no size for the "
                    f"-1 in {sizes}"
                )
            sizes = tuple(self.size // known if size == -1 else size for size in sizes)
        return self if sizes == self.shape else self.apply(primitives.reshape, self, shape=sizes)

    def flatten(self, start_axis: int = 0, end_axis: int = -1) -> Self:
        """The axes from `start_axis` to `end_axis`, both included, made one.

        Raises:
            ArgumentError: there are no such axes, or the end comes before the start.
        """
        if self.ndim == 0:
            return self.reshape(1)
        start = normalized_axis(start_axis, self.ndim, "flatten")
        end = normalized_axis(end_axis, self.ndim, "flatten") + 1
        if start >= end:
            raise ArgumentError(f"flatten: axis {end_axis} comes before axis {start_axis}")
        middle = prod(self.shape[start:end])
        return self.reshape(*self.shape[:start], middle, *self.shape[end:])

    def squeeze(self, axis: int | None = None) -> Self:
        """Without `axis`, which has size 1; or without every axis of size 1.

        Raises:
            ShapeError: `axis` has another size (as in the Array API; PyTorch leaves it).
        """
        if axis is None:
            return self.reshape(tuple(size for size in self.shape if size != 1))
        axis = normalized_axis(axis, self.ndim, "squeeze")
        if self.shape[axis] != 1:
            raise ShapeError(
                f"squeeze: axis {axis} of {self.shape} has size {self.shape[axis]}, not 1"
            )
        return self.reshape(self.shape[:axis] + self.shape[axis + 1 :])

    def unsqueeze(self, axis: int) -> Self:
        """With a new axis of size 1, which is then number `axis`."""
        axis = normalized_axis(axis, self.ndim + 1, "unsqueeze")
        return self.reshape((*self.shape[:axis], 1, *self.shape[axis:]))

    def permute(self, *axes: Any) -> Self:
        """The axes in another order: axis i of the result is axis `axes[i]` of this."""
        order = tuple(normalized_axis(axis, self.ndim, "permute") for axis in unpacked(axes))
        return self.apply(primitives.permute, self, axes=order)

    def transpose(self, axis1: int = -2, axis2: int = -1) -> Self:
        """Two axes exchanged; the last two if none are named."""
        order = list(range(self.ndim))
        first = normalized_axis(axis1, self.ndim, "transpose")
        second = normalized_axis(axis2, self.ndim, "transpose")
        order[first], order[second] = second, first
        return self.permute(order)

    @property
    def T(self) -> Self:  # noqa: N802 - the name everyone knows
        """A matrix transposed (as in the Array API; PyTorch's reverses any number of axes).

        Raises:
            ShapeError: not two axes.
        """
        if self.ndim != 2:
            raise ShapeError(
                f".T is of matrices, and this tensor has shape {self.shape}; use .mT for a batch "
                "of matrices, or permute()"
            )
        return self.apply(primitives.permute, self, axes=(1, 0))

    @property
    def mT(self) -> Self:  # noqa: N802 - the Array API's name
        """The matrices in the last two axes transposed."""
        return self.transpose()

    def expand(self, *shape: Any) -> Self:
        """Copied along axes of size 1, or new ones in front, to a larger shape; -1 keeps a size.

        Raises:
            ShapeError: an axis of another size than 1 would change.
            ArgumentError: another negative size, or one that is no integer.
        """
        sizes = list(checked_shape(unpacked(shape), "expand", least=-1))
        new = len(sizes) - self.ndim
        for i, size in enumerate(sizes):
            if size == -1 and i >= new:
                sizes[i] = self.shape[i - new]
        return self.apply(primitives.expand, self, shape=tuple(sizes))

    def spread(self, axes: Shape, shape: Shape, keepdims: bool) -> Self:
        """What was reduced along `axes` laid out again over the `shape` before the reduction."""
        if not keepdims:
            self = self.reshape([1 if i in axes else size for i, size in enumerate(shape)])
        return self if self.shape == shape else self.apply(primitives.expand, self, shape=shape)

    # --- several tensors ----------------------------------------------------------------------

    @classmethod
    def concat(cls, tensors: Sequence[Self], axis: int = 0) -> Self:
        """Tensors one after another along an axis.

        Raises:
            ArgumentError: no tensor, or one without axes.
            ShapeError: sizes differ along another axis, or the number of axes does.
        """
        tensors = tuple(tensors)
        if not tensors:
            raise ArgumentError("concat: there must be at least one tensor")
        dtype = common_dtype(*(x.dtype for x in tensors))
        axis = normalized_axis(axis, tensors[0].ndim, "concat")
        return cls.apply(primitives.concat, *(x.astype(dtype) for x in tensors), axis=axis)

    @classmethod
    def stack(cls, tensors: Sequence[Self], axis: int = 0) -> Self:
        """Tensors of one shape, beside each other along a new axis."""
        shapes = {x.shape for x in tensors}
        if len(shapes) > 1:
            listed = " and ".join(map(str, sorted(shapes)))
            raise ShapeError(f"stack: tensors must have one shape, and these have {listed}")
        return cls.concat([x.unsqueeze(axis) for x in tensors], axis)

    # --- windows ------------------------------------------------------------------------------

    def slice(self, window: Window) -> Self:
        """The elements in a window of (start, step, size) along each axis."""
        return self.apply(primitives.slice_, self, window=window)

    def unslice(self, shape: Shape, window: Window) -> Self:
        """Zeros of `shape`, with this tensor laid into a window of them."""
        return self.apply(primitives.unslice, self, shape=shape, window=window)

    def part(self, wholes: Sequence[Self], axis: int, index: int) -> Self:
        """Of a concatenation of `wholes`, the part where number `index` went."""
        start = sum(x.shape[axis] for x in wholes[:index])
        window = [(0, 1, size) for size in self.shape]
        window[axis] = (start, 1, wholes[index].shape[axis])
        return self.slice(tuple(window))
