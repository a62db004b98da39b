"""Arrays whose numbers are computed when somebody looks at them."""

from __future__ import annotations

from sys import getrefcount
from typing import Any, ClassVar

from baregrad.engines.array import Array, Buffer, DType, Shape


class Pending:
    """It stands where an `Array` does; whoever asks for its `data` has it computed.

    Attributes:
        shape: of the array.
        dtype: of the array.
        found: the array, once it is computed.
    """

    __slots__ = ("dtype", "found", "shape")

    known: ClassVar[bool] = True  # its numbers are there for whoever asks

    def __init__(self, shape: Shape, dtype: DType) -> None:
        self.shape = shape
        self.dtype = dtype
        self.found: Array | None = None

    def compute(self) -> Array:
        """The array; a subclass says how."""
        raise NotImplementedError

    def settle(self, found: Array) -> None:
        """Notes what was found."""
        self.found = found

    @property
    def data(self) -> Buffer:
        """The elements in row-major order."""
        return (self.found or self.compute()).data

    def __reduce__(self) -> tuple[Any, ...]:
        return Array, (self.data, self.shape, self.dtype)


def known(array: Any) -> Any:
    """An array with its numbers; they are computed if they have not been."""
    return array.found or array.compute() if isinstance(array, Pending) else array


def is_open(array: object) -> bool:
    """Whether an array is still to be computed."""
    return isinstance(array, Pending) and array.found is None


def references(things: list[Any]) -> list[int]:
    """How many references there are to each thing of a list, besides that of the list."""
    return [getrefcount(thing) - _LISTED for thing in things]


_LISTED = 0
(_LISTED,) = references([object()])
