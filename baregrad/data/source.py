"""The bytes of a data file, compressed or not."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, BinaryIO, TypeAlias, cast

from baregrad.errors import ArgumentError, BaregradError, DataError

FilePath: TypeAlias = "str | PathLike[str]"

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1
STANDARD_INPUT = "-"
SPOOLED = 1 << 22  # bytes that are kept in memory, at most, of what can be read only once


@contextmanager
def opened(source: FilePath | Any) -> Iterator[BinaryIO]:
    """A block with a file to read, from its beginning as often as needed; decompressed, if gzip.

    Args:
        source: the path of a file, ``"-"`` for standard input, or an open file of bytes or text;
            the latter two are read to their end, and what is large is kept in a temporary file.

    Raises:
        ArgumentError: none of these.
        DataError: the file is not there, cannot be read, or its compression is damaged; in the
            block, too.
    """
    try:
        with _opened(source) as file:
            start = file.read(len(GZIP_MAGIC))
            file.seek(0)
            yield _decompressed(file) if start == GZIP_MAGIC else file
    except (BaregradError, BrokenPipeError):  # a pipe that is read is not broken, but ends
        raise
    except (OSError, EOFError, zlib.error) as error:
        name = source_name(source)
        reason = getattr(error, "strerror", None)
        raise DataError(
            f"{name} cannot be read: {reason}; check the path and its permissions"
            if reason
            else f"{name} is a damaged gzip file ({error}); fetch it again"
        ) from error


def checked_path(path: object) -> str:
    """The path of a file or folder, as text.

    Raises:
        ArgumentError: it is none, or there can be no file of this name.
    """
    try:
        found = os.fsdecode(path)  # type: ignore[arg-type]
        if b"\0" not in os.fsencode(found):
            return found
    except (TypeError, UnicodeEncodeError):  # no path, or half a surrogate pair in it
        pass
    raise ArgumentError(f"{path!r} cannot be the path of a file; give it as text or pathlib.Path")


def source_name(source: FilePath | Any) -> str:
    """What messages call a source of `opened`."""
    if isinstance(source, str | PathLike):
        return "standard input" if source == STANDARD_INPUT else str(source)
    return str(getattr(source, "name", "the file"))


def _opened(source: FilePath | Any) -> BinaryIO:
    if isinstance(source, str | PathLike) and source != STANDARD_INPUT:
        file = open(checked_path(source), "rb")  # noqa: SIM115  # the caller closes it
        if file.seekable():
            return file
        with file as pipe:  # such as `<(...)` in a shell
            return _opened(pipe)
    stream = sys.stdin.buffer if isinstance(source, str) else source
    if not hasattr(stream, "read"):
        raise ArgumentError(
            "give the path of a file as text or a pathlib.Path, '-' for standard input, or an open "
            f"file, not {source!r}; of columns in Python bg.Table({{name: cells}}) makes a table"
        )
    from tempfile import SpooledTemporaryFile  # loads a lot, and most tables are in files

    kept = SpooledTemporaryFile(SPOOLED)  # noqa: SIM115  # the caller closes it
    while content := stream.read(SPOOLED):
        kept.write(content.encode() if isinstance(content, str) else content)
    kept.seek(0)
    return cast(BinaryIO, kept)


def _decompressed(file: BinaryIO) -> BinaryIO:
    import gzip  # few files are compressed

    return cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="rb"))
