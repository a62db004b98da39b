"""What a text table leaves unsaid: delimiter, decimal mark, whether the first row is a header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from baregrad.data.cells import PLACEHOLDERS, cleaned, number
from baregrad.errors import DataError

DELIMITERS = ("\t", ";", "|", ",")  # of equally good ones the first; commas also occur in numbers
BLANK = " "  # or several
SAMPLE = 50  # rows looked at

# How numbers are written with each decimal mark; the other sign may stand between thousands.
WRITTEN = {
    mark: re.compile(
        rf"[+-]?(?=[{mark}\d])(?:\d+|[1-9]\d{{0,2}}(?:[{other}]\d{{3}})+)?(?:[{mark}]\d*)?"
        r"(?:[eE][+-]?\d+)?",
        re.ASCII,
    )
    for mark, other in (".,", ",.")
}


def found_delimiter(text: str) -> str:
    """The delimiter that gives the most rows the same number of cells, and the most cells.

    It is a blank if that gives all rows the same number, and no other delimiter occurs regularly.
    """
    scores = {delimiter: _regularity(text, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=scores.__getitem__)
    return BLANK if scores[best][0] == 0 and _regularity(text, BLANK)[0] == 1 else best


def _regularity(text: str, delimiter: str) -> tuple[float, int]:
    """The share of rows that have the most frequent number of cells, and that number."""
    import csv  # only needed to read tables
    from io import StringIO
    from itertools import islice
    from statistics import mode

    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        widths = [len(row) for row in islice(filter(None, reader), SAMPLE)]
    except csv.Error:
        return 0.0, 1
    width = mode(widths) if widths else 1
    return (widths.count(width) / len(widths), width) if width > 1 else (0.0, 1)


def has_header(rows: Sequence[Sequence[str]], source: str) -> bool:
    """Whether the first row names the columns.

    It does if it has text, and no number, above columns of numbers. In a table without such columns
    it does if all its cells differ, none is a number or ``?`` and the like, and none occurs again
    below in its column.

    Raises:
        DataError: the first row has text above a column of numbers, and numbers too, so that it
            is neither a header nor a row like the others.
    """
    first, rest = [cleaned(cell) for cell in rows[0]], rows[1:]
    has_number = any(cell is not None and number(cell) is not None for cell in first)
    contradicts = [
        place
        for place, cell in enumerate(first)
        if cell is not None and number(cell) is None and _is_numeric(rest, place)
    ]
    if contradicts and has_number:
        place = contradicts[0]
        raise DataError(
            f"{source}: the first row is odd: cell {place + 1}, {first[place]!r}, stands above "
            "numbers, and other cells are numbers themselves. Skip that row, or say whether it is "
            "a header"
        )
    if contradicts or has_number:
        return not has_number
    below = [{row[place].strip() for row in rest} for place in range(len(first))]
    if len(set(first)) < len(first) or any(c.strip() and cleaned(c) is None for c in rows[0]):
        return False
    return not any(cell in seen for cell, seen in zip(first, below, strict=True))


def _is_numeric(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a column has numbers and nothing else."""
    found = False
    for row in rows:
        cell = cleaned(row[place])
        if cell is not None:
            if number(cell) is None:
                return False
            found = True
    return found


def found_decimal(rows: Sequence[Sequence[str]]) -> str | None:
    """The decimal mark, if numbers have commas and can be read with one mark only.

    So ``0,5`` and ``1.250,5`` have a decimal comma and ``1,250,000`` a decimal point; ``1,250``
    may be either. Columns with something else than numbers do not count.
    """
    if "," not in "".join(map("".join, rows)):  # as in most tables, which is soon seen
        return None
    marks: set[str] = set()
    has_commas = False
    for column in zip(*rows, strict=True):
        cells = [cell for cell in map(cleaned, column) if cell is not None]
        ways = [_marks(cell) for cell in cells if cell not in PLACEHOLDERS]
        if all(ways):
            marks |= {mark for way in ways if len(way) == 1 for mark in way}
            has_commas |= any("," in cell for cell in cells)
    return marks.pop() if has_commas and len(marks) == 1 else None


def _marks(cell: str) -> set[str]:
    return {mark for mark, written in WRITTEN.items() if written.fullmatch(cell)}


def with_points(rows: Iterable[Sequence[str]], decimal: str) -> list[list[str]]:
    """Rows whose numbers have decimal points, and nothing between thousands."""
    other, is_number = "," if decimal == "." else ".", WRITTEN[decimal].fullmatch

    def with_point(cell: str) -> str:
        return cell.replace(other, "").replace(decimal, ".") if is_number(cell.strip()) else cell

    return [list(map(with_point, row)) for row in rows]
