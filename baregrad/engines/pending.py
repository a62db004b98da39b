"""Arrays whose numbers are computed when somebody looks at them."""

from __future__ import annotations

import sys
from sys import getrefcount
from typing import Any, ClassVar, Final

from baregrad.engines.array import Array, Buffer, DType, Exposed, Shape


class Pending:
    """It stands where an `Array` does; whoever asks for its `data` has it computed.

    Attributes:
        shape: of the array.
        dtype: of the array.
        found: the array, once it is computed.
    """

    __slots__ = ("dtype", "found", "shape")

    known: ClassVar[bool] = True  # its numbers are there for whoever asks

    shape: Shape
    dtype: DType
    found: Array | None

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


def exposed(holder: Any) -> Exposed:
    """The value of a tensor, in memory that is shown to others and so never read late.

    It is a copy if anything else has the tensor's own, as what waits for it would read it then.
    """
    found = known(holder.array)
    if isinstance(found, Exposed):
        return found
    held = holder.held
    numbers = [*references([held]), *references([found]), *references([found.data])]
    is_alone = numbers == ([3, 3, 1] if held is found else [2, 2, 1])  # the tensor's, and from here
    return Exposed(found.data if is_alone else found.data[:], found.shape, found.dtype)


def references(things: list[Any]) -> list[int]:
    """How many references there are to each thing of a list, besides that of the list.

    Very many where they are not counted one by one: in other Pythons, and in one without a lock
    around the interpreter. Who asks must be right with any higher number, and only slower: another
    thread, or the collector, may have a reference for a while.
    """
    if not ARE_COUNTED:
        return [UNCOUNTED] * len(things)
    return [getrefcount(thing) - _LISTED for thing in things]


UNCOUNTED: Final = 1 << 30
ARE_COUNTED: Final = sys.implementation.name == "cpython" and bool(
    getattr(sys, "_is_gil_enabled", lambda: True)()
)
_LISTED = 0
(_LISTED,) = references([object()])
