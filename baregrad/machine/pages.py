"""The operating system's memory calls: pages that are written first and executed then, never both.

POSIX: mmap, mprotect, munmap (Linux, macOS). Windows: VirtualAlloc, VirtualProtect, VirtualFree.
Both classes take the library they call, so that a test can stand in for another system.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from typing import Any, Final, Protocol

from baregrad.machine.errors import ExecutableMemoryError


class Pages(Protocol):
    """Whole pages of memory."""

    def allocate(self, size: int) -> int:
        """The address of new pages that can be read and written."""
        ...

    def make_executable(self, address: int, size: int) -> None:
        """From now on these pages can be read and executed, but not written."""
        ...

    def free(self, address: int, size: int) -> None:
        """Give the pages back."""
        ...


class PosixPages:
    """Pages of Linux and macOS."""

    _READ, _WRITE, _EXECUTE = 1, 2, 4
    _PRIVATE: Final = 2
    _FAILED: Final = ctypes.c_void_p(-1).value

    def __init__(self, libc: Any = None, anonymous: int = 0) -> None:
        self._libc = libc or ctypes.CDLL(None, use_errno=True)
        # MAP_ANONYMOUS
        anonymous = anonymous or (0x1000 if sys.platform == "darwin" else 0x20)
        self._flags = self._PRIVATE | anonymous
        word, size = ctypes.c_void_p, ctypes.c_size_t
        offset = ctypes.c_int64
        self._libc.mmap.argtypes = [word, size, *[ctypes.c_int] * 3, offset]
        self._libc.mmap.restype = word
        self._libc.mprotect.argtypes = [word, size, ctypes.c_int]
        self._libc.munmap.argtypes = [word, size]

    def allocate(self, size: int) -> int:
        """See `Pages`."""
        protection = self._READ | self._WRITE
        address: int | None = self._libc.mmap(None, size, protection, self._flags, -1, 0)
        if address is None or address == self._FAILED:
            raise _refused("mmap", f"refused {size} bytes", ctypes.get_errno())
        return address

    def make_executable(self, address: int, size: int) -> None:
        """See `Pages`."""
        if self._libc.mprotect(address, size, self._READ | self._EXECUTE):
            raise _refused("mprotect", "refused to make memory executable", ctypes.get_errno())

    def free(self, address: int, size: int) -> None:
        """See `Pages`."""
        self._libc.munmap(address, size)


class WindowsPages:
    """Pages of Windows."""

    _COMMIT_AND_RESERVE: Final = 0x3000
    _RELEASE: Final = 0x8000
    _READ_WRITE: Final = 0x04
    _EXECUTE_READ: Final = 0x20

    def __init__(self, kernel32: Any = None) -> None:
        library = kernel32 or ctypes.__dict__["WinDLL"]("kernel32", use_last_error=True)
        self._kernel32 = library
        word, size, flags = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32
        library.VirtualAlloc.argtypes = [word, size, flags, flags]
        library.VirtualAlloc.restype = word
        library.VirtualProtect.argtypes = [word, size, flags, ctypes.POINTER(flags)]
        library.VirtualFree.argtypes = [word, size, flags]
        library.GetCurrentProcess.restype = word
        library.FlushInstructionCache.argtypes = [word, word, size]

    def allocate(self, size: int) -> int:
        """See `Pages`."""
        kind, protection = self._COMMIT_AND_RESERVE, self._READ_WRITE
        address: int | None = self._kernel32.VirtualAlloc(None, size, kind, protection)
        if not address:
            raise _refused("VirtualAlloc", f"refused {size} bytes", _windows_error())
        return address

    def make_executable(self, address: int, size: int) -> None:
        """See `Pages`."""
        before = ctypes.c_uint32()
        protect = self._kernel32.VirtualProtect
        if not protect(address, size, self._EXECUTE_READ, ctypes.byref(before)):
            error = _windows_error()
            raise _refused("VirtualProtect", "refused to make memory executable", error)
        process = self._kernel32.GetCurrentProcess()
        self._kernel32.FlushInstructionCache(process, address, size)

    def free(self, address: int, size: int) -> None:
        """See `Pages`; Windows frees what was allocated together, hence size 0."""
        self._kernel32.VirtualFree(address, 0, self._RELEASE)


def _windows_error() -> int:
    get_last_error = ctypes.__dict__.get("get_last_error")
    return int(get_last_error()) if get_last_error is not None else 0


def _refused(call: str, what: str, error: int) -> ExecutableMemoryError:
    reason = os.strerror(error) if error else "no reason given"
    return ExecutableMemoryError(
        error,
        f"the operating system {what} ({call}: {reason}); a hardened system may forbid generated "
        "code to this process",
    )


@cache
def host_pages() -> Pages:
    """The pages of the system that this runs on."""
    return WindowsPages() if sys.platform == "win32" else PosixPages()
