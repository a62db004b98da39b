"""Reading tables from files."""

from __future__ import annotations

import codecs
from array import array
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO

from baregrad.data.arrow import is_parquet, read_parquet, table_from_arrow
from baregrad.data.cache import cached_table
from baregrad.data.layout import Layout, Options, typed_blocks, with_layout
from baregrad.data.source import FilePath, opened, source_name
from baregrad.data.storage import Numbers, Stored, TextCoder, Texts
from baregrad.data.table import Kind, Table, checked_kind_name
from baregrad.errors import ArgumentError


def read_table(
    path: FilePath | Any,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    skip_rows: int = 0,
    columns: Collection[str] = (),
    kinds: Mapping[str, Kind] | None = None,
    text: bool = False,
    cache: FilePath | None = None,
    decimal: str | None = None,
) -> Table:
    """The table in a text file, compressed with gzip or not, or in anything else that has tables.

    Cells may be in double quotes (RFC 4180). Blank lines are passed over. Columns of numbers
    become float64 while the file is read, so a large table takes 8 bytes a cell.

    Parquet files and the tables of other libraries (pandas, polars, anything with the Arrow
    PyCapsule interface) are read by the packages of the extra ``tables``; of the options, only
    `kinds` is for them.

    Args:
        path: the file; ``"-"`` for standard input; an open file; or a table of another library.
        delimiter: what separates cells; by default comma, semicolon, tab, ``|`` or blanks, as
            found.
        header: whether the first row names the columns; by default, as it looks. Without a header
            they are called ``column_1`` and so on.
        encoding: of the text; by default as a byte order mark says, else UTF-8. What is no UTF-8
            is read as Latin-1, in which any bytes are text, and `Table.notes` says so.
        skip_rows: how many lines to leave out at the top.
        columns: names that the table should have; a first row with all of them is a header,
            however it looks.
        kinds: what columns are, by name, where it is not to be found out: ``"number"``,
            ``"category"``, ``"boolean"`` or ``"date"``.
        text: keep every cell as it was written, numbers too; see `Table.given`.
        cache: a file that the table is to be in, mapped into memory, so that it may be larger than
            memory. It is made in one pass (two, if there is text far down in a column of numbers)
            the first time, and whenever the table's file or the other arguments have changed.

        decimal: the decimal mark of numbers, ``"."`` or ``","``; the other sign may stand between
            thousands. By default as found, if there are numbers that have one meaning only, such
            as ``3,14``; the table's notes say so.

    Raises:
        DataError: no such file, not text, empty, rows of different lengths, columns of the same
            name, or a first row that is neither a header nor like the others.
        ArgumentError: not a file, a delimiter that is not one character, an unknown encoding or
            decimal mark, an unknown kind, or one of a column that is not there.
        FileWriteError: the cache cannot be written.
        MissingExtraError: a Parquet file or another library's table, and no package to read it.
    """
    options = checked_options(delimiter, header, encoding, skip_rows, columns, kinds, text, decimal)
    if hasattr(path, "__arrow_c_stream__"):
        return table_from_arrow(path, kinds=options.kinds)
    if cache is not None:
        return cached_table(path, options, cache)
    name = source_name(path)
    with opened(path) as file:
        if is_parquet(file):
            return read_parquet(file, name, options.kinds)
        return with_layout(
            file, options, name, lambda layout: _in_memory(file, layout, options.kinds)
        )


def checked_options(
    delimiter: str | None,
    header: bool | None,
    encoding: str | None,
    skip_rows: int,
    columns: Collection[str],
    kinds: Mapping[str, Kind] | None,
    text: bool,
    decimal: str | None,
) -> Options:
    """The arguments of `read_table`, if they can be met.

    Raises:
        ArgumentError: they cannot.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '\r\n"'):
        raise ArgumentError(f"a delimiter is one character, such as ',' or ';', not {delimiter!r}")
    if skip_rows < 0:
        raise ArgumentError(f"skip_rows is a number of lines, 0 or more, not {skip_rows}")
    if encoding is not None and not _is_encoding(encoding):
        raise ArgumentError(
            f"unknown encoding {encoding!r}; common ones are 'utf-8', 'latin-1' and 'utf-16'"
        )
    if decimal not in (None, ".", ","):
        raise ArgumentError(f"the decimal mark is '.' or ',', not {decimal!r}")
    checked = {name: checked_kind_name(kind) for name, kind in (kinds or {}).items()}
    return Options(delimiter, header, encoding, skip_rows, tuple(columns), checked, text, decimal)


def _is_encoding(name: str) -> bool:
    try:
        return bool(codecs.lookup(name)._is_text_encoding)
    except LookupError:
        return False


def _in_memory(file: BinaryIO, layout: Layout, kinds: Mapping[str, Kind]) -> Table:
    coders = {place: TextCoder() for place in layout.texts}
    lines = array("q")
    columns: list[array[Any]] = [
        array("q" if place in coders else "d") for place in range(len(layout.names))
    ]
    for block_lines, parts in typed_blocks(file, layout, coders):
        lines.extend(block_lines)
        for column, part in zip(columns, parts, strict=True):
            column.extend(part)
    stored: dict[str, Stored] = {
        name: Texts(column, coders[place].texts()) if place in coders else Numbers(column)
        for place, (name, column) in enumerate(zip(layout.names, columns, strict=True))
    }
    return Table.stored(stored, layout.source, lines, kinds, layout.notes)
