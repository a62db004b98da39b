"""Arrays whose numbers are brought into their usual form only when somebody looks at them.

They stand where an `Array` does. Machine code reads them as they are.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any, ClassVar

from baregrad.engines.array import Array, Buffer, DType, Shape


class Mask:
    """Bools as machine code writes them, 4 bytes each.

    Attributes:
        raw: the numbers, 0 or 1, as `array('i')`.
        shape: of the array.
    """

    __slots__ = ("_data", "raw", "shape")

    dtype: ClassVar[DType] = "bool"
    known: ClassVar[bool] = True

    def __init__(self, raw: Buffer, shape: Shape) -> None:
        self.raw = raw
        self.shape = shape
        self._data: Buffer | None = None

    @property
    def data(self) -> Buffer:
        """A byte for each element."""
        if self._data is None:
            self._data = array("B", self.raw.tobytes()[::4])  # x86 is little-endian
        return self._data

    def __reduce__(self) -> tuple[Any, ...]:
        return Array, (self.data, self.shape, self.dtype)


class Transposed:
    """An array with its axes in another order, read from where the original lies.

    Attributes:
        source: the original.
        axes: axis i is axis `axes[i]` of the source.
        shape: of the result.
    """

    __slots__ = ("_copy", "_data", "axes", "shape", "source")

    known: ClassVar[bool] = True

    def __init__(self, source: Array, axes: Shape, copy: Callable[[Array, Shape], Array]) -> None:
        self.source = source
        self.axes = axes
        self.shape = tuple(source.shape[axis] for axis in axes)
        self._copy = copy
        self._data: Buffer | None = None

    @property
    def dtype(self) -> DType:
        """That of the source."""
        return self.source.dtype

    @property
    def data(self) -> Buffer:
        """The elements in row-major order."""
        if self._data is None:
            self._data = self._copy(self.source, self.axes).data
        return self._data

    def __reduce__(self) -> tuple[Any, ...]:
        return Array, (self.data, self.shape, self.dtype)
