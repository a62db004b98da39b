"""How the columns of a table lie in memory: numbers as numbers, each different text once."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from baregrad.data.cells import cleaned, number

Cell: TypeAlias = "str | None"
Floats: TypeAlias = "array[float] | memoryview[float]"  # float64
Integers: TypeAlias = "array[int] | memoryview[int]"  # int64
EXACT = 2.0**53  # up to here every integer is a float64


class Numbers:
    """A column of numbers.

    Attributes:
        values: float64, NaN where the value is missing; an array, or a view of a mapped file.
    """

    __slots__ = ("values",)

    def __init__(self, values: Floats) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def cells(self) -> list[Cell]:
        """Each number as text, integers without a decimal point."""
        return [None if value != value else number_text(value) for value in self.values]

    def take(self, rows: Sequence[int]) -> Numbers:
        """The column of these rows; consecutive ones of a mapped file are not copied."""
        return Numbers(taken(self.values, rows, "d"))


class Texts:
    """A column of text.

    Attributes:
        codes: for each row the place of its text, int64.
        given: the different texts, as they were written.
        texts: the same without blanks around them, None for those that stand for missing.
    """

    __slots__ = ("codes", "given", "texts")

    def __init__(self, codes: Integers, given: list[str]) -> None:
        self.codes = codes
        self.given = given
        self.texts = [cleaned(text) for text in given]

    def __len__(self) -> int:
        return len(self.codes)

    def cells(self) -> list[Cell]:
        """Each text without blanks around it, None where missing."""
        return list(map(self.texts.__getitem__, self.codes))

    def take(self, rows: Sequence[int]) -> Texts:
        """The column of these rows; consecutive ones of a mapped file are not copied."""
        return Texts(taken(self.codes, rows, "q"), self.given)


Stored: TypeAlias = Numbers | Texts


def number_text(value: float) -> str:
    """The shortest text of a number; 3 for 3.0."""
    return str(int(value)) if value.is_integer() and abs(value) <= EXACT else str(value)


def taken(values: Any, rows: Sequence[int], typecode: str) -> Any:
    """The elements of these rows: of consecutive ones a slice, else an array of this type code."""
    if isinstance(rows, range) and rows.step == 1 and 0 <= rows.start <= rows.stop:
        return values[rows.start : rows.stop]
    return array(typecode, map(values.__getitem__, rows))


class TextCoder:
    """Gives each different text a number, the next free one when it first occurs."""

    def __init__(self) -> None:
        self._places: defaultdict[str, int] = defaultdict()
        self._places.default_factory = self._places.__len__

    def codes(self, cells: Iterable[str]) -> array[int]:
        """The numbers of some texts."""
        return array("q", map(self._places.__getitem__, cells))

    def texts(self) -> list[str]:
        """The texts so far, by their numbers."""
        return list(self._places)


def numbers_of(cells: Sequence[str]) -> array[float] | None:
    """Cells as numbers, NaN where missing; None if there is something else among them."""
    try:
        values = array("d", map(float, cells))
    except ValueError:  # there is text, or a value is missing
        pass
    else:
        return None if "_" in "".join(cells) else values  # Python would read 1_000
    try:
        return array("d", map(_number_or_nan, cells))
    except ValueError:
        return None


def _number_or_nan(cell: str) -> float:
    value = number(cell)
    if value is not None:
        return value
    if cleaned(cell) is not None:
        raise ValueError
    return math.nan


def stored_column(cells: Sequence[object]) -> Stored:
    """A column of whatever Python objects: as numbers if all are or look like such."""
    if not set(map(type, cells)) - {float, int}:
        try:
            return Numbers(array("d", cells))  # type: ignore[arg-type]  # numbers, as just seen
        except OverflowError:
            pass  # an integer beyond float64, which is infinity below
    texts = ["" if cell is None else str(cell) for cell in cells]
    values = numbers_of(texts)
    if values is not None:
        return Numbers(values)
    coder = TextCoder()
    return Texts(coder.codes(texts), coder.texts())
