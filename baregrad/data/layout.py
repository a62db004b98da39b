"""How a text table is laid out, as it says itself or as it looks, and its columns by that."""

from __future__ import annotations

import codecs
import re
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, TypeVar

from baregrad.data.cells import only_placeholders
from baregrad.data.dialect import (
    SAMPLE,
    found_decimal,
    found_delimiter,
    has_header,
    with_points,
)
from baregrad.data.native_cells import Cells, NativeCells
from baregrad.data.storage import TextCoder, numbers_of
from baregrad.data.table import Kind
from baregrad.data.text_blocks import Block, RowReader, check_widths, text_chunks
from baregrad.errors import DataError

# What a file begins with that says its encoding; UTF-32's mark begins like one of UTF-16.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
USUAL = "utf-8"
ANY_BYTES = "latin-1"  # an encoding in which every byte is a letter

CODE = re.compile(r" *0\d")

Result = TypeVar("Result")


class Options(NamedTuple):
    """What is asked of a table, under the names of the arguments of `read_table`."""

    delimiter: str | None
    header: bool | None
    encoding: str | None
    skip_rows: int
    columns: tuple[str, ...]
    kinds: dict[str, Kind]
    text: bool
    decimal: str | None


class Layout(NamedTuple):
    """What was found out about a text table from its beginning.

    Attributes:
        source: what messages call the file.
        encoding: of the text.
        delimiter: what separates cells.
        decimal: the decimal mark, if numbers have others than points.
        skip_rows: how many lines to leave out at the top.
        header: whether the first row that is not blank names the columns.
        names: of the columns.
        texts: the places of columns that are not numbers.
        notes: what was noticed, in words.
    """

    source: str
    encoding: str
    delimiter: str
    decimal: str | None
    skip_rows: int
    header: bool
    names: list[str]
    texts: frozenset[int]
    notes: list[str]


class TextAfterNumbersError(Exception):
    """Columns that begin with numbers have text further down: they must be read as text."""

    def __init__(self, places: Iterable[int]) -> None:
        self.places = frozenset(places)


def with_layout(
    file: BinaryIO, options: Options, source: str, use: Callable[[Layout], Result]
) -> Result:
    """What `use` makes of a table, told its layout.

    If the file turns out to be different further down, `use` is called anew: once if there is
    text in columns that began with numbers, and once if the encoding was another.

    Raises:
        DataError: the file is no table.
    """
    encoding = options.encoding or _marked_encoding(file)
    texts: frozenset[int] = frozenset()
    while True:
        try:
            layout = _found_layout(file, options, encoding, source)
            return use(layout._replace(texts=layout.texts | texts))
        except TextAfterNumbersError as found:
            texts |= found.places
        except UnicodeError as error:
            if options.encoding or encoding != USUAL:
                raise DataError(
                    f"{source} is not {encoding} text ({error}); if it is text, say which encoding "
                    "it has, such as latin-1 or utf-16"
                ) from None
            encoding = ANY_BYTES


def typed_blocks(
    file: BinaryIO, layout: Layout, coders: Mapping[int, TextCoder]
) -> Iterator[tuple[Sequence[int], list[array[Any]]]]:
    """Some rows after the others: their lines, and each column's part as float64 or text codes.

    Args:
        file: the table's.
        layout: of the table.
        coders: by the places of the columns of text.

    Raises:
        DataError: rows of different lengths, a quotation that does not end, zero bytes.
        UnicodeError: bytes that are no text of the encoding.
        TextAfterNumbersError: at the end, if columns of numbers were found to have text.
    """
    width = len(layout.names)
    chunks = text_chunks(file, layout.encoding, layout.skip_rows, layout.source)
    reader = RowReader(layout.delimiter, layout.skip_rows, layout.source)
    native = NativeCells(layout.delimiter, width, coders)
    broken: set[int] = set()
    first, header = 0, layout.header
    for chunk in chunks:
        # Not for the first chunk, which has the header, and is all of a small file.
        is_plain = first and not reader.begun and layout.decimal is None
        found = native.columns(chunk) if is_plain else None
        if found:
            count, cells = found
            lines: Sequence[int] = range(reader.line + 1, reader.line + 1 + count)
            reader.line += count
        else:
            rows, lines = reader.rows(chunk)
            if not rows:
                continue
            first = first or lines[0]
            check_widths(rows, lines, width, first, layout.source)
            if header:
                rows, lines, header = rows[1:], lines[1:], False
            rows = with_points(rows, layout.decimal) if layout.decimal else rows
            cells = list(zip(*rows, strict=True))
        parts = [_part(column, coders.get(place)) for place, column in enumerate(cells)]
        broken |= {place for place, part in enumerate(parts) if part is None}
        if not broken and lines:
            yield lines, [part for part in parts if part is not None]
    reader.finish()
    if broken:
        raise TextAfterNumbersError(broken)


def _part(cells: Cells | None, coder: TextCoder | None) -> array[Any] | None:
    """A column's part; None if there is text, and no coder for it."""
    if cells is None or isinstance(cells, array):
        return cells
    return numbers_of(cells) if coder is None else coder.codes(cells)


# --- how it looks -------------------------------------------------------------------------------


def _marked_encoding(file: BinaryIO) -> str:
    file.seek(0)
    start = file.read(4)
    return next((name for mark, name in BYTE_ORDER_MARKS.items() if start.startswith(mark)), USUAL)


def _found_layout(file: BinaryIO, options: Options, encoding: str, source: str) -> Layout:
    """The layout of a table, judged by the first thousands of rows."""
    skip = options.skip_rows
    text = next(text_chunks(file, encoding, skip, source), "")
    delimiter = options.delimiter or found_delimiter(text)
    rows, lines = _first_rows(file, encoding, delimiter, skip, source)
    check_widths(rows, lines, len(rows[0]), lines[0], source)
    decimal = options.decimal or found_decimal(rows[1:])
    top = rows[0]
    rows = rows if decimal is None else with_points(rows, decimal)
    header = options.header
    if header is None:
        header = _has_all(top, options.columns) or has_header(rows, source)
    if header and len(rows) == 1:
        raise DataError(f"{source} has only a header; if it is a row, say that there is no header")
    names = (
        _column_names(top, source)
        if header
        else [f"column_{place + 1}" for place in range(len(top))]
    )
    rows = rows[1:] if header else rows
    texts = _text_columns(rows, names, options)
    notes = _notes(rows[:SAMPLE], names, texts)
    if encoding == ANY_BYTES and options.encoding is None:
        notes.append(
            "it is not UTF-8, and was read as Latin-1; if letters look wrong, give its encoding"
        )
    if decimal is not None and options.decimal is None:
        notes.append(f"numbers with commas were read with {decimal!r} as the decimal mark")
    return Layout(source, encoding, delimiter, decimal, skip, header, names, texts, notes)


def _notes(
    rows: Sequence[Sequence[str]], names: Sequence[str], texts: Collection[int]
) -> list[str]:
    """Words on columns of numbers that may be codes, such as post codes."""
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return [
        f"column {name!r} has numbers that begin with 0; if they are codes, say that its kind is "
        "category"
        for place, (name, cells) in enumerate(columns)
        if place not in texts and any(CODE.match(cell) for cell in cells)
    ]


def _first_rows(
    file: BinaryIO, encoding: str, delimiter: str, skip_rows: int, source: str
) -> Block:
    """Some rows, all of a small table."""
    reader = RowReader(delimiter, skip_rows, source)
    rows: list[list[str]] = []
    lines: list[int] = []
    for chunk in text_chunks(file, encoding, skip_rows, source):
        block = reader.rows(chunk)
        rows += block.rows
        lines += block.lines
        if len(rows) >= SAMPLE:
            return Block(rows, lines)
    reader.finish()
    if not rows:
        raise DataError(f"{source} is empty: there are no rows in it")
    return Block(rows, lines)


def _has_all(row: Sequence[str], names: Collection[str]) -> bool:
    """Whether some names were given, and all are in a row."""
    return bool(names) and {cell.strip() for cell in row}.issuperset(names)


def _column_names(header: Sequence[str], source: str) -> list[str]:
    names = [cell.strip() or f"column_{i + 1}" for i, cell in enumerate(header)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{source}: more than one column is called {twice[0]!r}; rename them, or skip "
            "that row and say that there is no header"
        )
    return names


def _text_columns(
    rows: Sequence[Sequence[str]], names: Sequence[str], options: Options
) -> frozenset[int]:
    """The places of columns to be kept as text: by their kind, or because some cells are text."""
    return frozenset(
        place
        for place, (name, cells) in enumerate(zip(names, zip(*rows, strict=True), strict=True))
        if options.text
        or options.kinds.get(name, "number") != "number"
        or numbers_of(cells) is None
        or only_placeholders(cells)
    )
