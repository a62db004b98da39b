"""The two-dimensional index space of a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from baregrad.compiler.fusion_terms import Strided
from baregrad.compiler.fusion_views import linear_step, split_axis
from baregrad.compiler.kernel import COLUMNS, FULL, ROWS, Access
from baregrad.engines.array import Shape


class Space:
    """The index space of a kernel, and how dense arrays of each extent are accessed in it.

    Attributes:
        rows: how many.
        columns: how many.
        dense: for each extent, the access of an array that has just the elements it needs.
    """

    __slots__ = ("columns", "dense", "rows")

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = rows
        self.columns = columns
        down, along = int(rows > 1), int(columns > 1)
        self.dense = (
            Access(0, 0),
            Access(down, 0),
            Access(0, along),
            Access(down * columns, along),
        )

    @property
    def size(self) -> int:
        """How many places there are."""
        return self.rows * self.columns

    def extents(self, size: int) -> list[int]:
        """The extents that an array of so many elements may have, the likeliest first."""
        sizes = (1, self.rows, self.columns, self.rows * self.columns)
        return [extent for extent in range(FULL, -1, -1) if sizes[extent] == size]

    def access(self, array: Strided, extent: int) -> Access | None:
        """How a strided array is read, at an extent, by something of its shape.

        None where a step from row to row and one along the row are not enough.
        """
        linear = array.linear
        if linear is not None:
            dense = self.dense[extent]
            if linear == 1 and array.offset == 0:
                return dense
            return Access(linear * dense.row, linear * dense.column, array.offset)
        axis = split_axis(array.shape, self.rows) if extent == FULL else None
        if axis is None:
            return None
        row = linear_step(array.shape[:axis], array.steps[:axis])
        column = linear_step(array.shape[axis:], array.steps[axis:])
        return None if row is None or column is None else Access(row, column, array.offset)

    def extent_of(self, access: Access) -> int:
        """The extent of what is loaded with an access."""
        if self.rows == 1:
            return FULL if access.column else 0
        if self.columns == 1:
            return FULL if access.row else 0
        return bool(access.row) | bool(access.column) << 1


def spaces(shape: Shape) -> Iterator[Space]:
    """The index spaces for something of this shape: rows end with an axis, best with the last."""
    total = prod(shape)
    rows = total
    for size in reversed(shape):
        rows //= size
        if 1 < rows < total:
            yield Space(rows, total // rows)
    yield Space(1, total)


def reduced_over(axes: Shape, shape: Shape, space: Space, extent: int) -> int:
    """What a reduction runs over; 0 if it is neither whole rows, nor whole columns, nor all.

    Args:
        axes: that are reduced.
        shape: of what is reduced.
        space: where.
        extent: at which it is read there.
    """
    reduced = {axis for axis in axes if shape[axis] != 1}
    kept = {axis for axis, size in enumerate(shape) if size != 1} - reduced
    if extent == ROWS and not kept:
        return ROWS
    if extent != FULL:
        return 0
    if not kept:
        return COLUMNS if space.rows == 1 else FULL
    split = split_axis(shape, space.rows)
    if split is None or space.rows == 1:
        return 0
    if max(kept) < split <= min(reduced):
        return COLUMNS
    return ROWS if max(reduced) < split <= min(kept) else 0
