"""Writing a file so that it is never seen, or left, half written."""

from __future__ import annotations

import os
from collections.abc import Iterable

from baregrad.data.source import FilePath
from baregrad.errors import FileWriteError

SYNC_FOLDERS = os.name == "posix"  # elsewhere folders cannot be opened


def write_atomically(path: FilePath, chunks: Iterable[bytes]) -> None:
    """Writes a file that is there whole, or not at all, even if the power fails meanwhile.

    The content goes to a temporary file in the same folder, on to the disk, and then takes the
    place of the old file in one step. If anything fails, the old file is as it was.

    Raises:
        FileWriteError: the folder is not there, not writable, or full; or it is a device or pipe.
    """
    target = os.path.realpath(path)  # of a symbolic link, what it points to is replaced
    if os.path.exists(target) and not os.path.isfile(target):
        raise FileWriteError(f"{os.fspath(path)} cannot be written: it is there and no file")
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            _remove(temporary)
            raise
        _sync_folder(folder)
    except OSError as error:
        raise FileWriteError(
            f"{os.fspath(path)} cannot be written: {error.strerror}; check the folder, its "
            "permissions and the space left"
        ) from error


def remove_leftovers(path: FilePath) -> None:
    """Removes what processes left that were killed while they wrote this file."""
    folder, name = os.path.split(os.path.realpath(path))
    for entry in os.listdir(folder):
        if entry.startswith(f".{name}.") and entry.endswith(".tmp"):
            _remove(os.path.join(folder, entry))


def _remove(path: str) -> None:
    from contextlib import suppress

    with suppress(FileNotFoundError):
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
