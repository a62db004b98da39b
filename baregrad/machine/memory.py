"""Memory for generated code, and for the numbers it works on."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import weakref
from typing import Any, Final

from baregrad.errors import ArgumentError
from baregrad.machine.errors import OutOfMemoryError
from baregrad.machine.pages import Pages, host_pages

CACHE_LINE: Final = 64
_PAGE: Final = 4096
_HUGE_PAGE: Final = 2 << 20
_FORMATS: Final = {"f": 4, "d": 8, "i": 4, "I": 4, "q": 8, "Q": 8, "B": 1}


class ExecutableMemory:
    """Machine code in pages of its own, executable and no longer writable.

    The pages are freed when the last reference to this object is gone.
    """

    def __init__(self, code: bytes, pages: Pages | None = None) -> None:
        if not code:
            raise ArgumentError("there is no code to make executable")
        pages = pages or host_pages()
        size = -(-len(code) // _PAGE) * _PAGE
        self.size = size
        self.address = pages.allocate(size)
        try:
            ctypes.memmove(self.address, code, len(code))
            pages.make_executable(self.address, size)
        except BaseException:
            pages.free(self.address, size)
            raise
        finalizer = weakref.finalize(self, pages.free, self.address, size)
        # threads may still be inside generated code when the interpreter ends
        finalizer.atexit = False


class AlignedBuffer:
    """`count` numbers, zero at first, at an address that is a multiple of 64.

    The address never changes. The memory lives as long as this object or any view of it.

    Args:
        count: how many numbers.
        format: of one number, as in `memoryview`: ``f`` float32, ``d`` float64, ``i`` int32, ...

    Raises:
        OutOfMemoryError: the system does not give us as much.
    """

    __slots__ = ("_owner", "address", "count", "format", "view")

    def __init__(self, count: int, format: str = "f") -> None:
        if format not in _FORMATS:
            raise ArgumentError(f"format {format!r} is none of {', '.join(_FORMATS)}")
        if count < 0:
            raise ArgumentError(f"a buffer cannot hold {count} numbers")
        self.count = count
        self.format = format
        size = count * _FORMATS[format]
        storage = _zeroed(size + CACHE_LINE)
        # while this object exists the storage cannot be resized, and so not be moved
        self._owner = ctypes.c_char.from_buffer(storage)
        start = -ctypes.addressof(self._owner) % CACHE_LINE
        self.address: int = ctypes.addressof(self._owner) + start
        whole: Any = memoryview(storage)
        self.view: memoryview[Any] = whole[start : start + size].cast(format)

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.view.nbytes

    def __len__(self) -> int:
        return self.count


def _zeroed(size: int) -> Any:
    """Zeroed bytes; many of them in huge pages, for which the processor needs fewer look-ups."""
    try:
        if sys.platform != "linux" or size < _HUGE_PAGE:
            return bytearray(size)
        return _huge_pages(size)
    except (MemoryError, OverflowError, OSError):
        raise OutOfMemoryError(
            f"there are no {size:,} bytes of memory for a buffer; use a smaller model, or fewer "
            "samples at a time"
        ) from None


def _huge_pages(size: int) -> Any:
    import mmap  # small models need not load it

    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # only advice: a system without huge pages refuses it
    with contextlib.suppress(OSError):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return pages
