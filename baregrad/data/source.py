"""The bytes of a data file, compressed or not."""

from __future__ import annotations

from os import PathLike
from typing import TypeAlias

from baregrad.errors import ArgumentError, DataError

FilePath: TypeAlias = "str | PathLike[str]"

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1


def read_bytes(path: FilePath) -> bytes:
    """What a file contains; a gzip file, whatever its name, is decompressed.

    Raises:
        ArgumentError: not the path of a file.
        DataError: the file is not there, cannot be read, or its compression is damaged.
    """
    if not isinstance(path, str | PathLike):
        raise ArgumentError(f"give the path of a file as text or a pathlib.Path, not {path!r}")
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}; check the path and its permissions"
        ) from error
    except ValueError as error:  # such as a zero byte in it
        raise ArgumentError(f"{path!r} cannot be the path of a file: {error}") from error
    return _decompressed(content, path) if content.startswith(GZIP_MAGIC) else content


def _decompressed(content: bytes, path: FilePath) -> bytes:
    import gzip  # few files are compressed
    import zlib

    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); fetch it again") from error
