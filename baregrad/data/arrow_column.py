"""Columns of Arrow arrays, some rows at a time.

nanoarrow hands over their buffers, whose contents are described in "Arrow Columnar Format",
sections "Fixed-size primitive layout", "Variable-size binary view layout" and "Dictionary-encoded
layout". Of these, it reads itself what Python has a type for. It must not be asked for the rows of
views of text, for which it (0.9) writes beyond its memory, nor for those of decimal numbers, for
which it overlooks where a slice begins.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final

CODES: Final = {
    **{"INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q"},
    **{"UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q"},
    **{"HALF_FLOAT": "e", "FLOAT": "f", "DOUBLE": "d"},
}
DECIMALS: Final = {"DECIMAL32": 4, "DECIMAL64": 8, "DECIMAL128": 16, "DECIMAL256": 32}  # bytes
NUMBERS: Final = {*CODES, *DECIMALS}
IN_PYTHON: Final = {"STRING", "LARGE_STRING", "BOOL", "DATE32", "DATE64", "TIMESTAMP"}
TEXTS: Final = {*IN_PYTHON, "STRING_VIEW", "DICTIONARY", "NULL"}
VIEW: Final = struct.Struct("<i4sii")  # of a long text: its length, beginning, buffer and place
SHORT: Final = 12  # bytes of a text that are in its view itself


def numbers_of_column(column: Any, rows: range, field: Any) -> array[float]:
    """Rows of a column of numbers, NaN where missing.

    Args:
        column: nanoarrow's ``CArray``.
        rows: their places in its buffers.
        field: its schema.
    """
    view, kind = column.view(), field.type.name
    raw = memoryview(view.buffer(1)).cast("B")
    if kind in DECIMALS:
        values = _decimals(raw, rows, DECIMALS[kind], field.scale)
    else:
        code, size = CODES[kind], struct.calcsize(CODES[kind])
        part = raw[rows.start * size : rows.stop * size]
        values = array("d", struct.unpack(f"{len(rows)}{code}", part))
    for number in _nulls(view, rows):
        values[number] = math.nan
    return values


def texts_of_column(nanoarrow: Any, column: Any, rows: range, kind: str) -> Sequence[str]:
    """Rows of a column of something else as text, empty where missing.

    Args:
        nanoarrow: the package.
        column: its ``CArray``.
        rows: their places in its buffers.
        kind: the name of its type.
    """
    if kind == "NULL":
        return [""] * len(rows)
    if kind == "STRING_VIEW":
        return _viewed(column.view(), rows)
    if kind == "DICTIONARY":
        return _looked_up(nanoarrow, column, rows)
    values = list(nanoarrow.Array(column).iter_py())
    first = rows.start - column.offset
    return ["" if v is None else str(v) for v in values[first : first + len(rows)]]


def _nulls(view: Any, rows: range) -> Iterator[int]:
    """Which of the rows are missing, counted from 0: their bits are 0."""
    bits = memoryview(view.buffer(0)).cast("B")
    if not len(bits):
        return iter(())
    return (i for i, row in enumerate(rows) if not bits[row >> 3] >> (row & 7) & 1)


def _decimals(raw: memoryview[int], rows: range, size: int, scale: int) -> array[float]:
    integers = (
        int.from_bytes(raw[i * size : (i + 1) * size], sys.byteorder, signed=True) for i in rows
    )
    return array("d", (integer / 10**scale for integer in integers))


def _viewed(view: Any, rows: range) -> list[str]:
    """Texts of which each has 16 bytes: itself, or where it is."""
    views = memoryview(view.buffer(1)).cast("B")
    buffers = [memoryview(view.buffer(i)).cast("B") for i in range(2, view.n_buffers - 1)]
    found = []
    for row in rows:
        one = views[row * VIEW.size : (row + 1) * VIEW.size]
        length, _, buffer, start = VIEW.unpack(one)
        text = one[4 : 4 + length] if length <= SHORT else buffers[buffer][start : start + length]
        found.append(str(text, "utf-8"))
    for number in _nulls(view, rows):
        found[number] = ""
    return found


def _looked_up(nanoarrow: Any, column: Any, rows: range) -> list[str]:
    """Texts that are given by their places in another column."""
    words, view = column.dictionary, column.view()
    kind = words.view().storage_type.upper()
    places = range(words.offset, words.offset + words.length)
    texts = texts_of_column(nanoarrow, words, places, kind)
    code = CODES[view.storage_type.upper()]
    size = struct.calcsize(code)
    raw = memoryview(view.buffer(1)).cast("B")[rows.start * size : rows.stop * size]
    missing = set(_nulls(view, rows))
    numbers = enumerate(struct.unpack(f"{len(rows)}{code}", raw))
    return ["" if i in missing else texts[number] for i, number in numbers]
