"""Choosing elements: indices, slices, `take` and `one_hot`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from numbers import Integral
from typing import Any, NoReturn, Self

from baregrad.engines import array as arrays
from baregrad.engines import selection
from baregrad.engines.array import DType
from baregrad.errors import ArgumentError, DTypeError, OutOfRangeError, ShapeError
from baregrad.tensor import primitives
from baregrad.tensor.activations import Activations
from baregrad.tensor.borrowed import lent_to
from baregrad.tensor.convert import to_array
from baregrad.tensor.operation import checked_shape, normalized_axis
from baregrad.tensor.shaping import Window


def _slice_places(item: slice, size: int) -> range:
    """The places along an axis of `size` that a slice names."""
    try:
        return range(*item.indices(size))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"index {item}: {error}") from None


class Indexing(Activations):
    """A tensor whose elements can be chosen."""

    __slots__ = ()

    def __len__(self) -> int:
        if self.ndim == 0:
            raise ShapeError("a scalar tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Self:
        """Elements chosen by integers, slices, ``...``, None for a new axis, as in NumPy.

        One axis may be indexed by a tensor, array or list of integers, or of bools, as many as the
        axis has places; what is chosen always stays in the place of that axis. A new tensor, never
        a view.

        Raises:
            OutOfRangeError: an index beyond its axis, or too many indices (an IndexError).
            ArgumentError: an index of a kind that is not supported.
        """
        window: list[tuple[int, int, int]] = []
        shape: list[int] = []
        chosen: tuple[int, Any] | None = None
        for item in self._every_axis(key):
            if item is None:
                shape.append(1)
                continue
            size = self.shape[len(window)]
            if isinstance(item, slice):
                places = _slice_places(item, size)
                window.append((places.start, places.step, len(places)))
                shape.append(len(places))
            elif isinstance(item, Integral) and not isinstance(item, bool):
                window.append((self._place(int(item), len(window)), 1, 1))
            elif chosen is None and (isinstance(item, list | range) or hasattr(item, "shape")):
                chosen = (len(shape), item)
                window.append((0, 1, size))
                shape.append(size)
            else:
                raise ArgumentError(
                    f"index {item!r}: use integers, slices, ..., None and at most one list, array "
                    "or tensor of integers or bools"
                )
        whole = tuple((0, 1, size) for size in self.shape)
        # A list may choose from the tensor itself; anything else is a tensor of its own.
        uncut = chosen is not None and tuple(window) == whole
        result = (self if uncut else self._cut(tuple(window))).reshape(shape)
        return result if chosen is None else result.take(chosen[1], chosen[0])

    def _cut(self, window: Window) -> Self:
        """The elements in a window; whole rows of borrowed numbers are not copied."""
        lent = lent_to(self)
        if lent is None or self._requires_grad or not window or window[0][1] != 1:
            return self.slice(window)
        (start, step, count), *inner = window
        rows = self.leaf(lent.rows(start, start + count, (count, *self.shape[1:])))
        uncut = all(part == (0, 1, size) for part, size in zip(inner, self.shape[1:], strict=True))
        return rows if uncut else rows.slice(((0, step, count), *inner))

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise DTypeError(
            "the elements of a tensor cannot be set one by one: choose between tensors with "
            "where(), put parts together with concat() or stack(), or assign() all of a leaf anew"
        )

    def _every_axis(self, key: Any) -> list[Any]:
        """The items of an index, with ``...`` and what is left out written as full slices."""
        items = list(key) if isinstance(key, tuple) else [key]
        dots = [i for i, item in enumerate(items) if item is Ellipsis]
        used = sum(item is not None and item is not Ellipsis for item in items)
        if used > self.ndim:
            raise OutOfRangeError(
                f"index {key!r}: there are more indices ({used}) than axes in shape {self.shape}"
            )
        if len(dots) > 1:
            raise ArgumentError(f"index {key!r}: `...` stands {len(dots)} times; it may stand once")
        at = dots[0] if dots else len(items)
        return items[:at] + [slice(None)] * (self.ndim - used) + items[at + 1 :]

    def _place(self, index: int, axis: int) -> int:
        size = self.shape[axis]
        if not -size <= index < size:
            raise OutOfRangeError(
                f"index {index} is out of range for axis {axis} of size {size} in shape "
                f"{self.shape}"
            )
        return index % size

    def _check_places(self, indices: Any, axis: int) -> None:
        """Of any number of indices: only the smallest and the largest can be out of range."""
        if indices:
            self._place(min(indices), axis)
            self._place(max(indices), axis)

    def take(self, indices: Any, axis: int = 0) -> Self:
        """The slices along `axis` that `indices` number; repeats and negative ones are allowed.

        Args:
            indices: integers of any shape, which replaces the axis; or bools, one for each slice,
                true for those to keep.
            axis: the axis to choose along.

        Raises:
            OutOfRangeError: an index beyond the axis.
            DTypeError: indices that are neither integers nor bools.
        """
        axis = normalized_axis(axis, self.ndim, "take")
        places, lent = self._indices(indices, axis), lent_to(self)
        if lent is None or axis or self._requires_grad:
            return self.apply(primitives.take, self, places, axis=axis)
        return self.leaf(lent.taken(places.array.data, (*places.shape, *self.shape[1:])))

    def _indices(self, indices: Any, axis: int) -> Self:
        """Integers or bools as places along an axis, all of them there."""
        given = indices if isinstance(indices, Indexing) else self.leaf(to_array(indices))
        if given.dtype not in ("int64", "bool") and given.size:
            raise DTypeError(f"indices must be integers or bools, not {given.dtype}")
        size = self.shape[axis]
        if given.dtype == "bool":
            if given.shape != (size,):
                raise ShapeError(
                    f"a mask of shape {given.shape} cannot choose along axis {axis} of {self.shape}"
                    f"; it must have shape ({size},)"
                )
            kept = [i for i, keep in enumerate(given.array.data) if keep]
            return self.leaf(arrays.new(kept, (len(kept),), "int64"))
        places: Self = given.astype("int64")  # type: ignore[assignment]
        if not places.known:
            selection.current().check(places.array, partial(self._check_places, axis=axis))
            return (places < 0).where(places + size, places)
        values = places.array.data
        if places.size and (min(values) < 0 or max(values) >= size):
            counted = [self._place(index, axis) for index in values]
            return self.leaf(arrays.new(counted, places.shape, "int64"))
        return places

    def scatter_add(self, indices: Self, axis: int, size: int) -> Self:
        """The transpose of `take`: slices added up at their `indices` along an axis of `size`."""
        return self.apply(primitives.scatter_add, self, indices, axis=axis, size=size)

    def one_hot(self, classes: int, dtype: DType = "float32") -> Self:
        """For each integer a vector of `classes` zeros, with a one at that place.

        Raises:
            DTypeError: not integers.
            OutOfRangeError: an integer that is no class.
        """
        (classes,) = checked_shape((classes,), "one_hot")
        if self.dtype != "int64":
            raise DTypeError(f"one_hot: classes must be int64, not {self.dtype}")
        selection.current().check(self.array, partial(_check_classes, classes=classes))
        numbers = self.leaf(arrays.new(range(classes), (classes,), "int64"))
        return (self.unsqueeze(-1) == numbers).astype(dtype)


def _check_classes(values: Any, classes: int) -> None:
    for value in (min(values), max(values)) if values else ():
        if not 0 <= value < classes:
            raise OutOfRangeError(f"one_hot: {value} is none of the classes 0 to {classes - 1}")
