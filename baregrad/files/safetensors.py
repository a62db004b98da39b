"""Tensors in files of the safetensors format, which cannot contain programs.

The format (https://github.com/huggingface/safetensors, "Format"): the length of the header, 8 bytes
little-endian; the header, JSON that gives each tensor's data type, shape and place; then the data,
row-major and little-endian, without holes.

A file may come from anybody, so nothing in it is believed before it has been checked.
"""

from __future__ import annotations

import os
import stat
import sys
from array import array
from collections.abc import Mapping
from io import BufferedReader
from itertools import chain
from reprlib import repr as brief
from typing import Any, NamedTuple

from baregrad.data.source import FilePath, checked_path
from baregrad.engines.array import TYPECODES, Array, Buffer, DType, Shape
from baregrad.errors import ArgumentError, ModelFileError
from baregrad.files.atomic import write_atomically
from baregrad.files.strict_json import parsed
from baregrad.tensor.tensor import Tensor

NAMES: dict[DType, str] = {"float32": "F32", "float64": "F64", "int64": "I64", "bool": "BOOL"}
DTYPES: dict[str, DType] = {name: dtype for dtype, name in NAMES.items()}
SIZES: dict[DType, int] = {d: array(code).itemsize for d, code in TYPECODES.items()}

METADATA = "__metadata__"
LENGTH_BYTES = 8
MAX_HEADER = 100_000_000  # bytes, as in the reference implementation
MAX_SIZE = 2**63  # of a tensor: sizes are 64-bit integers
MAX_DIMENSIONS = 64  # of a tensor, as in NumPy
MAX_MESSAGE = 500  # characters of what a file, which may come from anybody, puts into a message


class Entry(NamedTuple):
    """What the header says of a tensor: where its bytes begin and end, and what they are."""

    begin: int
    end: int
    name: str
    dtype: DType
    shape: Shape


# --- writing ----------------------------------------------------------------------------------


def save_tensors(
    path: FilePath, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes tensors, and texts about them, to a file that is there whole or not at all.

    Raises:
        ArgumentError: a name or text that is not a string, the name ``__metadata__``, or more
            names and texts than `load_tensors` reads; something that is no tensor.
        FileWriteError: the file cannot be written.
    """
    for text in (*tensors, *(metadata or {}), *(metadata or {}).values()):
        _check_text(text)
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise ArgumentError(f"{name!r} must be a tensor, not {brief(tensor)}")
    if METADATA in tensors:
        raise ArgumentError(f"no tensor may be called {METADATA!r}; it is the name of the metadata")
    # Wide elements come first, so that all of them are aligned.
    ordered = sorted(tensors.items(), key=lambda item: -SIZES[item[1].dtype])
    header = _header(ordered, metadata)
    if len(header) > MAX_HEADER:
        raise ArgumentError(
            f"names and metadata take {len(header)} bytes, and may take {MAX_HEADER}; save less "
            "with the tensors"
        )
    length = len(header).to_bytes(LENGTH_BYTES, "little")
    content = (_little_endian(tensor.array.data) for _, tensor in ordered)
    write_atomically(path, chain([length, header], content))


def _check_text(text: object) -> None:
    try:
        text.encode()  # type: ignore[attr-defined]  # also refuses half a surrogate pair
    except (AttributeError, UnicodeEncodeError):
        raise ArgumentError(
            f"names of tensors and metadata must be Unicode text, not {text!r}"
        ) from None


def _header(tensors: list[tuple[str, Tensor]], metadata: Mapping[str, str] | None) -> bytes:
    import json  # files are written and read seldom

    entries: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    begin = 0
    for name, tensor in tensors:
        end = begin + tensor.size * SIZES[tensor.dtype]
        entries[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    header = json.dumps(entries, separators=(",", ":")).encode()
    return header + b" " * (-len(header) % 8)  # the data is aligned too


def _little_endian(data: Buffer) -> Buffer:
    """The same bytes, or a copy of them the other way round where that is how files have them."""
    if sys.byteorder == "little":
        return data
    copy = data[:]
    copy.byteswap()
    return copy


# --- reading ----------------------------------------------------------------------------------


def load_tensors(path: FilePath) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors in a file, in the order in which they lie there, and its texts.

    Raises:
        ModelFileError: the file cannot be read, is damaged, or holds other data types than F32,
            F64, I64 and BOOL. Nothing large is allocated for a file that is not itself large.
        ArgumentError: it is no path.
    """
    shown = checked_path(path)
    try:
        mode = os.stat(shown).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # reading it could take for ever
            raise _Damage("it is a pipe or device; save it to a file first")
        with open(shown, "rb") as file:
            return _load(file)
    except OSError as error:
        raise ModelFileError(
            f"{shown} cannot be read: {error.strerror}; check the path and the permissions"
        ) from error
    except _Damage as damage:
        raise ModelFileError(
            f"{shown} is not a safetensors file, or damaged: {str(damage)[:MAX_MESSAGE]}"
        ) from None


class _Damage(Exception):  # noqa: N818  # never leaves this file
    """What is wrong with a file."""


def _load(file: BufferedReader) -> tuple[dict[str, Tensor], dict[str, str]]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    available = size - LENGTH_BYTES
    if not 2 <= length <= min(available, MAX_HEADER):
        raise _Damage(
            f"a header of {length} bytes cannot be in a file of {size} bytes"
            if length <= MAX_HEADER
            else f"a header of {length} bytes is more than {MAX_HEADER}"
        )
    header = _parsed(file.read(length))
    metadata = _metadata(header.pop(METADATA, {}))
    entries = sorted(_entry(name, info) for name, info in header.items())
    _check_places(entries, available - length)
    return {entry.name: _tensor(file, entry) for entry in entries}, metadata


def _parsed(content: bytes) -> dict[str, Any]:
    if not content.startswith(b"{"):
        raise _Damage("the header does not begin with '{'")
    try:
        return parsed(content.decode())  # type: ignore[no-any-return]  # as it begins with '{'
    except ValueError as error:
        raise _Damage(f"the header is not JSON: {error}") from None


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise _Damage(f"{METADATA} is not an object of strings")
    return value


def _entry(name: str, info: Any) -> Entry:
    """What the header says of a tensor, checked in itself."""
    if not isinstance(info, dict) or info.keys() != {"dtype", "shape", "data_offsets"}:
        raise _Damage(f"tensor {name!r} needs a dtype, a shape and data_offsets, and nothing else")
    dtype, shape, places = info["dtype"], info["shape"], info["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise _Damage(
            f"tensor {name!r} has dtype {brief(dtype)}; only {', '.join(DTYPES)} are read"
        )
    if not _are_sizes(shape) or not _are_sizes(places) or len(places) != 2:
        raise _Damage(f"tensor {name!r}: shape or data_offsets are not lists of integers above -1")
    if len(shape) > MAX_DIMENSIONS:
        raise _Damage(f"tensor {name!r} has more than {MAX_DIMENSIONS} dimensions")
    needed = _checked_size(shape, name) * SIZES[DTYPES[dtype]]
    if places[1] - places[0] != needed:
        raise _Damage(
            f"tensor {name!r} of shape {shape} and dtype {dtype} needs {needed} bytes, and its "
            f"data_offsets are {places}"
        )
    return Entry(places[0], places[1], name, DTYPES[dtype], tuple(shape))


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(v) is int and 0 <= v < MAX_SIZE for v in value)


def _checked_size(shape: list[int], name: str) -> int:
    """The number of elements; refused before it is so large that its computation takes long."""
    size = 1
    for length in shape:
        size *= length
        if size >= MAX_SIZE:
            raise _Damage(f"tensor {name!r} has 2**63 elements or more")
    return size


def _check_places(entries: list[Entry], available: int) -> None:
    """The tensors must lie one after another and fill the file."""
    place = 0
    for entry in entries:
        if entry.begin != place:
            problem = "overlaps another" if entry.begin < place else "leaves a hole before it"
            raise _Damage(f"tensor {entry.name!r} {problem}: it begins at {entry.begin}")
        place = entry.end
    if place != available:
        problem = "is cut off" if place > available else "goes on after them"
        raise _Damage(f"its tensors take {place} bytes and {available} are there: it {problem}")


def _tensor(file: BufferedReader, entry: Entry) -> Tensor:
    length = entry.end - entry.begin
    data = array(TYPECODES[entry.dtype], [0]) * (length // SIZES[entry.dtype])
    if file.readinto(data) != length:
        raise _Damage("it became shorter while it was read")
    if entry.dtype == "bool" and data and max(data) > 1:
        raise _Damage(f"tensor {entry.name!r} is BOOL and has a byte {max(data)}, not 0 or 1")
    return Tensor.leaf(Array(_little_endian(data), entry.shape, entry.dtype))
