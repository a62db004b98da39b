"""A table in a file that is mapped into memory, so that it may be larger than memory.

The file has one row after another, 8 bytes for each of: the line that the row was read from; and
its cells, as float64 or as the number of a text. Behind them stand, as JSON, the names, the texts
and what the file was made from; then the length of that, and a mark.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from baregrad.data.arrow import is_parquet
from baregrad.data.layout import Layout, Options, typed_blocks, with_layout
from baregrad.data.source import STANDARD_INPUT, FilePath, opened
from baregrad.data.storage import Numbers, Stored, TextCoder, Texts
from baregrad.data.table import Kind, Table
from baregrad.errors import ArgumentError, DataError
from baregrad.files.atomic import write_atomically

MARK = b"bgtable1"
CELL = 8  # bytes
END = struct.Struct("<q8s")


def cached_table(path: FilePath, options: Options, cache: FilePath) -> Table:
    """The table in a text file, read from a cache of it, which is written first where it is not.

    Raises:
        ArgumentError: standard input or an open file, which cannot be read again.
        DataError: the cache is another kind of file, or as `read_table` raises.
        FileWriteError: the cache cannot be written.
    """
    if not isinstance(path, str | os.PathLike) or path == STANDARD_INPUT:
        raise ArgumentError("only what is read from a file can have a cache; give its path")
    with opened(path) as file:
        if is_parquet(file):
            raise ArgumentError(f"{path} is a Parquet file, and a Parquet file has no cache")
        origin = _origin(file, options)
        if _description(cache).get("origin") != origin:

            def written(layout: Layout) -> None:
                write_atomically(cache, _content(file, layout, origin))

            with_layout(file, options, str(path), written)
    return _mapped(cache, str(path), options.kinds)


def _origin(file: BinaryIO, options: Options) -> dict[str, Any]:
    """By what a cache is known to be of this file, as it is now, read in this way."""
    state = os.stat(file.fileno())
    asked = {**options._asdict(), "columns": list(options.columns)}
    return {
        "size": state.st_size,
        "modified": state.st_mtime_ns,
        "options": asked,
        "byteorder": sys.byteorder,
    }


def _content(file: BinaryIO, layout: Layout, origin: Mapping[str, Any]) -> Iterator[bytes]:
    """The cache's bytes, from a single pass through the table."""
    coders = {place: TextCoder() for place in layout.texts}
    width = 1 + len(layout.names)
    for lines, parts in typed_blocks(file, layout, coders):
        cells = array("q", bytes(CELL * width * len(lines)))
        cells[0::width] = array("q", lines)
        for place, part in enumerate(parts, 1):
            cells[place::width] = array("q", part.tobytes())
        yield cells.tobytes()
    description = {
        "origin": origin,
        "names": layout.names,
        "texts": {place: coder.texts() for place, coder in coders.items()},
        "notes": layout.notes,
    }
    text = json.dumps(description).encode()
    yield text
    yield END.pack(len(text), MARK)


def _description(cache: FilePath) -> dict[str, Any]:
    """What stands behind the rows; nothing if there is no file, or it is damaged.

    Raises:
        DataError: the file is something else, which must not be overwritten.
    """
    try:
        with open(cache, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - END.size))
            tail = file.read()
            if not size or tail[-len(MARK) :] != MARK:
                raise DataError(
                    f"{cache} is not the cache of a table, so it is not written over; give another "
                    "name, or remove the file"
                )
            length = END.unpack(tail)[0]
            file.seek(size - END.size - length)
            return dict(json.loads(file.read(length)))
    except DataError:
        raise
    except (FileNotFoundError, ValueError, struct.error):
        return {}
    except OSError as error:
        raise DataError(f"the cache {cache} cannot be read: {error.strerror}") from error


def _mapped(cache: FilePath, source: str, kinds: Mapping[str, Kind]) -> Table:
    description = _description(cache)
    names, texts = description["names"], description["texts"]
    width = 1 + len(names)
    with open(cache, "rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    length = END.unpack(whole[-END.size :])[0]
    raw = whole[: len(whole) - END.size - length]
    integers, floats = raw.cast("q"), raw.cast("d")
    stored: dict[str, Stored] = {
        name: Texts(integers[place::width], texts[str(place - 1)])
        if str(place - 1) in texts
        else Numbers(floats[place::width])
        for place, name in enumerate(names, 1)
    }
    return Table.stored(stored, source, integers[0::width], kinds, description["notes"])
