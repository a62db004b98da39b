"""The two-dimensional index space of a kernel."""

from baregrad.compiler.fusion_terms import Strided
from baregrad.compiler.fusion_views import linear_step, split_axis
from baregrad.compiler.kernel import FULL, Access


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
