"""Writing a file so that it is never seen, or left, half written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress

from baregrad.data.source import FilePath, checked_path
from baregrad.engines.array import Buffer
from baregrad.errors import FileWriteError

SYNC_FOLDERS = os.name == "posix"  # elsewhere folders cannot be opened


def write_atomically(path: FilePath, chunks: Iterable[bytes | Buffer]) -> None:
    """Writes a file that is there whole, or not at all, even if the power fails meanwhile.

    The content goes to a temporary file in the same folder, on to the disk, and then takes the
    place of the old file in one step, with its permissions. If anything fails, the old file is as
    it was.

    Raises:
        FileWriteError: the folder is not there, not writable, or full; or there is a device, a
            pipe, or a file for reading only.
        ArgumentError: it is no path.
    """
    shown = checked_path(path)
    target = os.path.realpath(shown)  # of a symbolic link, what it points to is replaced
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    mode = _mode(target, shown)
    try:
        try:
            with open(temporary, "xb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            if mode is not None:
                os.chmod(temporary, mode)
            os.replace(temporary, target)
        except BaseException:
            _remove(temporary)
            raise
        _sync_folder(folder)
    except OSError as error:
        raise FileWriteError(
            f"{shown} cannot be written: {error.strerror}; check the folder, its permissions and "
            "the space left"
        ) from error


def _mode(target: str, shown: str) -> int | None:
    """The permissions of the file that is there; None if there is none.

    Raises:
        FileWriteError: it may not be replaced.
    """
    if not os.path.exists(target):
        return None
    if not os.path.isfile(target):
        raise FileWriteError(f"{shown} cannot be written: it is there and no file")
    if not os.access(target, os.W_OK):
        raise FileWriteError(f"{shown} cannot be written: it is for reading only")
    return stat.S_IMODE(os.stat(target).st_mode)


def remove_leftovers(path: FilePath) -> None:
    """Removes what processes left that were killed while they wrote this file, where it can."""
    folder, name = os.path.split(os.path.realpath(path))
    with suppress(OSError):
        for entry in os.listdir(folder):
            if entry.startswith(f".{name}.") and entry.endswith(".tmp"):
                _remove(os.path.join(folder, entry))


def _remove(path: str) -> None:
    with suppress(OSError):
        os.remove(path)


def _sync_folder(folder: str) -> None:
    """Makes the new name itself survive a power failure."""
    if not SYNC_FOLDERS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
