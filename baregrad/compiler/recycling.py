"""Memory of results that nobody has any more, for new results.

A new array is filled with zeros, and the system gives memory page by page; for large arrays both
take as long as a kernel. A training needs arrays of the same sizes at each step. So a buffer is
kept when the array around it goes, if that was all that had it.
"""

from __future__ import annotations

from typing import Any, Final

from baregrad.engines.array import Array, Buffer, DType, Shape
from baregrad.engines.pending import references

LEAST_BYTES: Final = 1 << 14  # of what is worth it: smaller buffers are made as fast as found
MOST_SHARE: Final = 2  # bytes that are kept, for each byte in use


class Lent(Array):
    """An array whose buffer is kept when it goes."""

    __slots__ = ()

    def __del__(self) -> None:
        # The collector calls this for what others, that go too, still have and may bring back.
        is_free = references([self, self.data]) == [_GOING, 1]
        _store.take_back(self.data, is_free)

    def __reduce__(self) -> tuple[Any, ...]:
        return Array, tuple(self)


class _Store:
    """Buffers by type code and length.

    An array may go at any moment, in the midst of these methods and in any thread. So there is no
    lock; each change is one operation of a dict, a list or a number. If a thread drops a list that
    another takes from or adds to, the count of bytes is a little off, until all are dropped.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], list[Buffer]] = {}
        self._lent: dict[int, int] = {}  # bytes, by the id of the buffer
        self._bytes_kept = 0
        self._bytes_lent = 0

    def take(self, zero: Buffer, size: int) -> Buffer:
        """A buffer of so many elements, with any numbers."""
        try:
            data = self._kept[zero.typecode, size].pop()
        except LookupError:
            return zero * size
        self._bytes_kept -= size * data.itemsize
        return data

    def lend(self, data: Buffer, shape: Shape, dtype: DType) -> Array:
        """An array around a buffer, which comes back when the array goes."""
        self._lent[id(data)] = size = len(data) * data.itemsize
        self._bytes_lent += size
        return Lent(data, shape, dtype)

    def take_back(self, data: Buffer, is_free: bool) -> None:
        """Keeps the buffer of an array that goes, if it is free and not too many are kept."""
        size = self._lent.pop(id(data), 0)
        self._bytes_lent -= size
        if is_free and size:
            self._kept.setdefault((data.typecode, len(data)), []).append(data)
            self._bytes_kept += size
        if self._bytes_kept > MOST_SHARE * self._bytes_lent:
            self._drop()

    def _drop(self) -> None:
        """Drops buffers, those of the size that was kept first to begin with."""
        for key in [*self._kept]:
            buffers = self._kept.pop(key, [])
            self._bytes_kept -= sum([len(data) * data.itemsize for data in buffers])
            if self._bytes_kept <= MOST_SHARE * self._bytes_lent:
                return
        self._bytes_kept = 0  # nothing is kept, whatever was counted


class _Probe:
    """Notes how many references there are to what goes because nobody has it any more."""

    going = 0

    def __del__(self) -> None:
        (_Probe.going,) = references([self])


_Probe()
_GOING: Final = _Probe.going  # differs between versions of Python

_store: Final = _Store()
take = _store.take
lend = _store.lend
