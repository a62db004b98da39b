"""A folder that one process at a time may use."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Self

from baregrad.data.source import FilePath
from baregrad.errors import FileWriteError

LOCKED_BYTE = 1 << 30  # Windows lets nobody read what is locked, and the number is to be read


class FolderLock:
    """A block in which a folder belongs to this process; it is made if it is not there.

    The lock is the operating system's, so a process that is killed leaves none behind. What stays
    is a file ``lock`` with the number of the last process.

    Raises:
        FileWriteError: the folder cannot be made or written to, or is another process's.
    """

    def __init__(self, folder: FilePath) -> None:
        self.folder = os.fspath(folder)

    def __enter__(self) -> Self:
        try:
            os.makedirs(self.folder, exist_ok=True)
            path = os.path.join(self.folder, "lock")
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise FileWriteError(
                f"{self.folder} cannot be written to: {error.strerror}; check the folder and its "
                "permissions"
            ) from error
        try:
            _lock(self._descriptor)
        except OSError as error:
            owner = os.read(self._descriptor, 20).decode(errors="replace") or "unknown"
            os.close(self._descriptor)
            raise FileWriteError(
                f"{self.folder} is in use by {_process(owner)} ({error.strerror}); wait for it to "
                "end, or give another folder"
            ) from error
        with suppress(OSError):  # a full disk: then others will not be told who has it
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, str(os.getpid()).encode())
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)  # which unlocks it, too


def _process(number: str) -> str:
    return "this process" if number == str(os.getpid()) else f"another process, number {number}"


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
