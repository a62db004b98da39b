"""Reading tables from text files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from baregrad.data.dialect import found_delimiter, has_header
from baregrad.data.source import FilePath, read_bytes
from baregrad.data.table import Table
from baregrad.errors import ArgumentError, DataError

Rows = list[list[str]]


def read_csv(
    path: FilePath,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str = "utf-8-sig",
    skip_rows: int = 0,
    columns: Collection[str] = (),
) -> Table:
    """The table in a text file, with or without a header, compressed with gzip or not.

    Cells may be in double quotes (RFC 4180). Blank lines are passed over.

    Args:
        path: the file.
        delimiter: what separates cells; by default comma, semicolon, tab or ``|``, as found.
        header: whether the first row names the columns; by default, as it looks. Without a header
            they are called ``column_1`` and so on.
        encoding: of the text; the default is UTF-8 with or without a byte order mark.
        skip_rows: how many lines to leave out at the top.
        columns: names that the table should have; a first row with all of them is a header,
            however it looks.

    Raises:
        DataError: no such file, not text, empty, rows of different lengths, columns of the same
            name, or a first row that is neither a header nor like the others.
        ArgumentError: not the path of a file, a delimiter that is not one character, an unknown
            encoding.
    """
    source = str(path)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '\r\n"'):
        raise ArgumentError(f"a delimiter is one character, such as ',' or ';', not {delimiter!r}")
    if skip_rows < 0:
        raise ArgumentError(f"skip_rows is a number of lines, 0 or more, not {skip_rows}")
    text = _decoded(read_bytes(path), encoding, source)
    rows, lines = _parsed(text, delimiter, skip_rows, source)
    if not rows:
        raise DataError(f"{source} is empty: there are no rows in it")
    _check_widths(rows, lines, source)
    if header is None:
        header = _has_all(rows[0], columns) or has_header(rows, source)
    if header:
        names = _column_names(rows.pop(0), source)
        lines.pop(0)
    else:
        names = [f"column_{i + 1}" for i in range(len(rows[0]))]
    if not rows:
        raise DataError(f"{source} has only a header; if it is a row, say that there is no header")
    return Table(dict(zip(names, zip(*rows, strict=True), strict=True)), source, lines)


def _has_all(row: Sequence[str], names: Collection[str]) -> bool:
    """Whether some names were given, and all are in a row."""
    return bool(names) and {cell.strip() for cell in row}.issuperset(names)


def _decoded(content: bytes, encoding: str, source: str) -> str:
    try:
        text = content.decode(encoding)
    except LookupError:
        raise ArgumentError(
            f"unknown encoding {encoding!r}; common ones are 'utf-8', 'latin-1' and 'utf-16'"
        ) from None
    except UnicodeError as error:
        raise DataError(
            f"{source} is not {encoding} text ({error}); if it is text, say which encoding it has, "
            "such as latin-1 or utf-16"
        ) from None
    if "\0" in text:
        raise DataError(f"{source} is not a text table: it contains zero bytes")
    return text


def _parsed(
    text: str, delimiter: str | None, skip_rows: int, source: str
) -> tuple[Rows, list[int]]:
    """The rows that are not blank, and the line on which each ends."""
    import csv  # only needed to read tables
    from io import StringIO

    stream = StringIO(text, newline="")
    for _ in range(skip_rows):
        stream.readline()
    delimiter = delimiter or found_delimiter(text[stream.tell() :])
    reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if len(row) > 1 or "".join(row).strip():
                rows.append(row)
                lines.append(reader.line_num + skip_rows)
    except csv.Error as error:
        raise DataError(
            f"{source}, line {reader.line_num + skip_rows}: {error}; look for a double quote that "
            "is not closed or not doubled"
        ) from None
    return rows, lines


def _check_widths(rows: Rows, lines: Sequence[int], source: str) -> None:
    """Every row must have as many cells as the first."""
    width = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            odd_first = all(len(other) == len(row) for other in rows[1:])
            raise DataError(
                f"{source}, line {line}: {_cells(len(row))}, and {_cells(width)} in the first row, "
                f"line {lines[0]}; "
                + (
                    "as only that one differs, skip that row"
                    if odd_first
                    else "every row must have the same number (is the delimiter right?)"
                )
            )


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _column_names(header: Sequence[str], source: str) -> list[str]:
    names = [cell.strip() or f"column_{i + 1}" for i, cell in enumerate(header)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{source}: more than one column is called {twice[0]!r}; rename them, or skip "
            "that row and say that there is no header"
        )
    return names
