"""What a text table leaves unsaid: its delimiter, and whether its first row is a header."""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.data.cells import cleaned, number
from baregrad.errors import DataError

DELIMITERS = ("\t", ";", "|", ",")  # of equally good ones the first; commas also occur in numbers
SAMPLE = 50  # rows looked at


def found_delimiter(text: str) -> str:
    """The delimiter that gives the most rows the same number of cells, and the most cells."""
    return max(DELIMITERS, key=lambda delimiter: _regularity(text, delimiter))


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
