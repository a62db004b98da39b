"""How the columns of a table lie in memory: numbers as numbers, each different text once."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from baregrad.data.cells import cleaned, number, only_placeholders

Cell: TypeAlias = "str | None"
Floats: TypeAlias = "array[float] | memoryview[float] | Chosen"  # float64
Integers: TypeAlias = "array[int] | memoryview[int] | Chosen"  # int64
Reader: TypeAlias = Callable[[str], "float | None"]  # of a cell: None if it cannot
EXACT = 2.0**53  # up to here every integer is a float64


class Chosen(Sequence[Any]):
    """Elements of a column in a mapped file, by their places; each is read when it is asked for.

    Args:
        values: all elements of the column.
        places: which of them, in this order.
    """

    __slots__ = ("places", "values")

    def __init__(self, values: memoryview[Any], places: array[int]) -> None:
        self.values = values
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Any]:
        return map(self.values.__getitem__, self.places)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return array(self.values.format, map(self.values.__getitem__, self.places[place]))
        return self.values[self.places[place]]


class Numbers:
    """A column of numbers.

    Attributes:
        values: float64, NaN where the value is missing; in memory or in a mapped file.
    """

    __slots__ = ("values",)

    def __init__(self, values: Floats) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_mapped(self) -> bool:
        """Whether it is in a mapped file."""
        return not isinstance(self.values, array)

    def cells(self) -> list[Cell]:
        """Each number as text, integers without a decimal point."""
        return [None if value != value else number_text(value) for value in self.values]

    def missing(self) -> Iterator[bool]:
        """Of each row whether it has no value."""
        return (value != value for value in self.values)

    def take(self, rows: Sequence[int]) -> Numbers:
        """The column of these rows; what is in a mapped file is not copied."""
        return Numbers(taken(self.values, rows, "d"))

    def loaded(self, rows: slice) -> Numbers:
        """The column of some rows one after another, in memory."""
        return Numbers(loaded(self.values, rows, "d"))


class Texts:
    """A column of text.

    Attributes:
        codes: for each row the place of its text, int64; in memory or in a mapped file.
        given: the different texts, as they were written.
        texts: the same without blanks around them, None for those that stand for missing.
    """

    __slots__ = ("_read", "codes", "given", "texts")

    def __init__(self, codes: Integers, given: list[str]) -> None:
        self.codes = codes
        self.given = given
        self.texts = [cleaned(text) for text in given]
        self._read: dict[object, tuple[list[float], set[int]]] = {}

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def is_mapped(self) -> bool:
        """Whether it is in a mapped file."""
        return not isinstance(self.codes, array)

    def cells(self) -> list[Cell]:
        """Each text without blanks around it, None where missing."""
        return list(map(self.texts.__getitem__, self.codes))

    def missing(self, reader: Reader | None = None) -> Iterator[bool]:
        """Of each row whether it has no value, or none that a reader would see."""
        blank = {code for code, text in enumerate(self.texts) if text is None}
        if reader is not None:
            values, odd = self.read(reader)
            blank |= {code for code, value in enumerate(values) if value != value} - odd
        return (code in blank for code in self.codes)

    def read(self, reader: Reader) -> tuple[list[float], set[int]]:
        """What a reader makes of each text, NaN where missing; and those that it cannot read."""
        if reader not in self._read:
            found = [math.nan if text is None else reader(text) for text in self.texts]
            odd = {i for i, value in enumerate(found) if value is None or math.isinf(value)}
            self._read[reader] = [math.nan if v is None else v for v in found], odd
        return self._read[reader]

    def take(self, rows: Sequence[int]) -> Texts:
        """The column of these rows; what is in a mapped file is not copied."""
        return self._with(taken(self.codes, rows, "q"))

    def loaded(self, rows: slice) -> Texts:
        """The column of some rows one after another, in memory."""
        return self._with(loaded(self.codes, rows, "q"))

    def _with(self, codes: Integers) -> Texts:
        """Other rows of the same texts, which are read only once."""
        column = Texts(codes, [])
        column.given, column.texts, column._read = self.given, self.texts, self._read
        return column


Stored: TypeAlias = Numbers | Texts


def number_text(value: float) -> str:
    """The shortest text of a number; 3 for 3.0."""
    return str(int(value)) if value.is_integer() and abs(value) <= EXACT else str(value)


def taken(values: Any, rows: Sequence[int], typecode: str) -> Any:
    """The elements of these rows.

    Of consecutive ones a slice; of others an array of this type code, but for those of a mapped
    file, which are left there.
    """
    if isinstance(rows, range) and rows.step == 1 and 0 <= rows.start <= rows.stop:
        return values[rows.start : rows.stop]
    if isinstance(values, memoryview):
        return Chosen(values, rows if isinstance(rows, array) else array("q", rows))
    return array(typecode, map(values.__getitem__, rows))


def loaded(values: Any, rows: slice, typecode: str) -> Any:
    """The elements of some rows one after another, as an array of this type code."""
    part = values[rows]
    return array(typecode, part.tobytes()) if isinstance(part, memoryview) else part


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

    def restart(self) -> list[str]:
        """The texts so far, which are forgotten: the next one has number 0."""
        texts = self.texts()
        self._places.clear()
        return texts


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
    if values is not None and not only_placeholders(texts):
        return Numbers(values)
    coder = TextCoder()
    return Texts(coder.codes(texts), coder.texts())
