"""What kind a column is, and columns of text that were probably meant to be something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from baregrad.data.cells import days, number
from baregrad.data.table import Kind, Table
from baregrad.errors import DataError

# What people write around and in numbers: signs of currencies, per cent, and between thousands.
ORNAMENTS = re.compile(r"^[$£€¥]|[%$£€¥]$|,|(?<=\d)[ '’\u00a0\u202f](?=\d{3}(?!\d))")
DATE = re.compile(r"\d{1,2}([/-])\d{1,2}\1\d{4}(?: .*)?", re.ASCII)  # of an order to be guessed
MOST, LEAST = 0.9, 10  # so large a share, and so many different numbers, are no coincidence


def checked_kind(table: Table, name: str) -> Kind:
    """The kind of a column; one of numbers or dates is not taken for categories.

    Raises:
        DataError: its kind was not given, and every cell is a number or date, but written in a way
            that is not read; or nearly every one is.
    """
    kind = table.kind(name)
    if kind != "category" or name in table.given_kinds:
        return kind
    texts = table.distinct(name)
    if all(number(ORNAMENTS.sub("", text)) is not None for text in texts):
        odd = {text for text in texts if number(text) is None}
        problem = "looks like a number; write numbers as in 1500.25, say which is the decimal mark "
        raise _doubt(table, name, odd, problem + "(decimal, or --decimal)")
    if all(DATE.fullmatch(text) for text in texts):
        raise _doubt(table, name, texts, "looks like a date; write dates as in 2024-03-31")
    for reader, thing in ((number, "number"), (days, "date")):
        if odd := _exceptions(texts, reader):
            counts = f"{len(texts) - len(odd)} of {len(texts)} different texts"
            problem = f"is no {thing}, while {counts} are; correct it, leave it blank"
            raise _doubt(table, name, odd, problem)
    return kind


def _exceptions(texts: Collection[str], reader: Callable[[str], float | None]) -> set[str]:
    """The few texts that cannot be read, if nearly all can."""
    odd = {text for text in texts if reader(text) is None}
    readable = len(texts) - len(odd)
    return odd if readable >= max(LEAST, MOST * len(texts)) else set()


def _doubt(table: Table, name: str, odd: Collection[str], problem: str) -> DataError:
    row, cell = next((row, cell) for row, cell in enumerate(table[name]) if cell in odd)
    return DataError(
        f"{table.place(row)}, column {name!r}: {cell!r} {problem}, or say that the column is of "
        f'categories: kinds={{{name!r}: "category"}}, or --kind {name}=category'
    )
