"""What becomes of one column of a table: the features that it gives a model."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from baregrad.data.cells import PLACEHOLDERS, number
from baregrad.data.scaling import Scaling, ScalingName, fitted_scaling
from baregrad.data.storage import Cell
from baregrad.data.summary import Summary
from baregrad.data.table import Kind, Table, checked_kind_name
from baregrad.errors import DataError, unknown_name

LARGEST = 3.4028234e38  # of float32
IDENTIFIERS = 50  # with more categories than this, of which most occur once, text is no category
IDENTIFIER_ROWS = 10  # in fewer rows than this, it is no wonder that all numbers differ
IDENTIFIER_NAME = re.compile(r"(?i:(?:.*[^a-z])?(?:id|uuid|guid|index|row_?names?))|.*[a-z]I[dD]")
YEAR, WEEK = 365.2425, 7.0  # in days

CategoryEncoding: TypeAlias = Literal["one-hot", "embedding"]
# A network would learn by heart what was missing in so few rows, and in so small a share of them.
FEW_ROWS, FEW = 10, 0.01
ENCODINGS: tuple[CategoryEncoding, ...] = get_args(CategoryEncoding)


class NumberColumn(NamedTuple):
    """A column of numbers or booleans, scaled.

    A missing value becomes the center, which is 0; if more than a few values were missing in
    training, a second feature says by 1 where they are.

    Attributes:
        name: of the column.
        kind: ``"number"``, or ``"boolean"``, whose values are 1 and 0.
        scaling: of its values.
        indicator: whether there is the second feature.
    """

    name: str
    kind: Kind
    scaling: Scaling
    indicator: bool

    def features(self) -> list[str]:
        """The names of its features."""
        return [self.name, f"{self.name} missing"] if self.indicator else [self.name]

    def write(self, table: Table, data: array[float], start: int, width: int) -> None:
        """Puts its features into rows of `width` numbers, from place `start` of each row.

        Raises:
            DataError: a cell is of another kind, or too large for float32 once scaled.
        """
        data[start::width] = scaled(table, self.name, self.scaling, self.kind)
        if self.indicator:
            data[start + 1 :: width] = missing(table.numbers(self.name, self.kind))

    def state(self) -> dict[str, Any]:
        """The column as JSON can hold it."""
        return {**self._asdict(), "scaling": self.scaling.state()}


class DateColumn(NamedTuple):
    """A column of dates: days, scaled; and the place in the year and in the week as an angle.

    Of an angle, sine and cosine are features, so that December is near January. Missing dates give
    zeros, and a last feature that is 1, if more than a few were missing in training.

    Attributes:
        name: of the column.
        scaling: of its days.
        indicator: whether there is the last feature.
    """

    name: str
    scaling: Scaling
    indicator: bool

    def features(self) -> list[str]:
        """The names of its features."""
        cycles = [
            f"{self.name} {f} of {cycle}" for cycle in ("year", "week") for f in ("sin", "cos")
        ]
        return [self.name, *cycles, *([f"{self.name} missing"] if self.indicator else [])]

    def write(self, table: Table, data: array[float], start: int, width: int) -> None:
        """Puts its features into rows of `width` numbers, from place `start` of each row.

        Raises:
            DataError: a cell is no date.
        """
        data[start::width] = scaled(table, self.name, self.scaling, "date")
        dates = table.numbers(self.name, "date")
        place = start + 1
        for length in (YEAR, WEEK):
            for function in (math.sin, math.cos):
                turns = (math.tau / length * day for day in dates)
                data[place::width] = array(
                    "f", [0.0 if turn != turn else function(turn) for turn in turns]
                )
                place += 1
        if self.indicator:
            data[place::width] = missing(dates)

    def state(self) -> dict[str, Any]:
        """The column as JSON can hold it."""
        return {"kind": "date", **self._asdict(), "scaling": self.scaling.state()}


class CategoryColumn(NamedTuple):
    """A column of categories: a feature for each, which is 1 where it occurs and 0 elsewhere.

    A category that was not there in training gives zeros. Missing is a category like the others
    if it was there.

    Attributes:
        name: of the column.
        categories: in the order of the features; None stands for missing.
    """

    name: str
    categories: tuple[Cell, ...]

    def features(self) -> list[str]:
        """The names of its features."""
        return [
            f"{self.name} missing" if category is None else f"{self.name}={category}"
            for category in self.categories
        ]

    def write(self, table: Table, data: array[float], start: int, width: int) -> None:
        """Puts its features into rows of `width` numbers that are 0, from `start` of each row."""
        places = {category: start + i for i, category in enumerate(self.categories)}
        for row, cell in enumerate(table[self.name]):
            if cell in places:
                data[row * width + places[cell]] = 1.0

    def state(self) -> dict[str, Any]:
        """The column as JSON can hold it."""
        return {"kind": "category", **self._asdict()}


class CodeColumn(NamedTuple):
    """A column of categories as one feature: 1, 2 ... for those of training, 0 for any other.

    It is for an embedding, see `nn.embedding.EmbeddedFeatures`.

    Attributes:
        name: of the column.
        categories: in the order of their numbers; None stands for missing.
    """

    name: str
    categories: tuple[Cell, ...]

    def features(self) -> list[str]:
        """The name of its feature."""
        return [f"{self.name} code"]

    def write(self, table: Table, data: array[float], start: int, width: int) -> None:
        """Puts its feature into rows of `width` numbers, at place `start` of each row."""
        codes = {category: float(i) for i, category in enumerate(self.categories, 1)}
        data[start::width] = array("f", [codes.get(cell, 0.0) for cell in table[self.name]])

    def state(self) -> dict[str, Any]:
        """The column as JSON can hold it."""
        return {"kind": "code", **self._asdict()}


Column: TypeAlias = NumberColumn | DateColumn | CategoryColumn | CodeColumn


def fitted_column(
    table: Table, name: str, kind: Kind, summary: Summary, scaling: ScalingName
) -> Column | str:
    """How to encode a column of numbers, booleans or dates; or the reason to leave it out.

    A column whose kind was given is left out only if it has no values.

    Args:
        table: the training rows.
        name: of the column.
        kind: of the column.
        summary: of its values, with a sample if `needs_sample` says so.
        scaling: of its values.

    Raises:
        DataError: a number that is too large to square.
    """
    if not summary.count:
        return "it has no values"
    indicator = not _is_few(summary.missing, len(table))
    if name not in table.given_kinds:
        if not summary.varied and not indicator:
            return _constant(summary.missing)
        if _identifies(name, summary):
            return "by its name and its numbers, which all differ, it only identifies rows"
    fitted = fitted_scaling(scaling, summary, f"{table.source}, column {name!r}")
    if kind == "date":
        return DateColumn(name, fitted, indicator)
    return NumberColumn(name, kind, fitted, indicator)


def needs_sample(name: str, scaling: ScalingName) -> bool:
    """Whether the summary of a column must have a sample for `fitted_column`."""
    return scaling != "standard" or IDENTIFIER_NAME.fullmatch(name) is not None


def _is_few(missing: int, rows: int) -> bool:
    """Whether so few values are missing that it is of no interest where."""
    return missing < FEW_ROWS and missing <= FEW * rows


def _constant(missing: int) -> str:
    return "its value is the same in all rows" + (" that have one" if missing else "")


def _identifies(name: str, summary: Summary) -> bool:
    return (
        summary.count >= IDENTIFIER_ROWS
        and IDENTIFIER_NAME.fullmatch(name) is not None
        and summary.integral
        and len(set(summary.sample)) == len(summary.sample)
    )


def fitted_categories(table: Table, name: str, encoding: CategoryEncoding) -> Column | str:
    """How to encode a column of categories, learned from training rows; or why to leave it out.

    A column whose kind was given is left out only if it has no values.
    """
    distinct, rows = table.distinct(name), len(table)
    lacking = table.has_missing(name)
    if not distinct:
        return "it has no values"
    if name not in table.given_kinds:
        if len(distinct) > IDENTIFIERS and 2 * len(distinct) > rows:
            return f"it has {len(distinct)} different texts in {rows} rows: no categories"
        if len(distinct) == 1 and _is_few(missing := len(table.missing_rows(name)), rows):
            return _constant(missing)
    found = (*sorted(distinct), *((None,) if lacking else ()))
    return CodeColumn(name, found) if encoding == "embedding" else CategoryColumn(name, found)


def checked_encoding(encoding: CategoryEncoding) -> CategoryEncoding:
    """`encoding`, if it is the name of one of categories.

    Raises:
        ArgumentError: it is not.
    """
    if encoding not in ENCODINGS:
        raise unknown_name("encoding of categories", encoding, ENCODINGS)
    return encoding


def scaled(table: Table, name: str, scaling: Scaling, kind: Kind) -> array[float]:
    """The numbers of a column, scaled, float32; 0 where missing.

    Raises:
        DataError: a cell is of another kind, or too large for float32 once scaled.
    """
    values = table.numbers(name, kind)
    result = scaling(values)
    if result and not -LARGEST <= min(result) <= max(result) <= LARGEST:
        row = next(row for row, value in enumerate(result) if not -LARGEST <= value <= LARGEST)
        raise DataError(
            f"{table.place(row)}, column {name!r}: {values[row]} is too far from the training "
            f"values, whose {'mean' if scaling.name == 'standard' else 'median'} is "
            f"{scaling.center:g}; correct it"
        )
    return array("f", result)


def missing(values: Sequence[float]) -> array[float]:
    """1 for NaN and 0 for numbers, float32."""
    return array("f", [value != value for value in values])


def column_from_state(state: dict[str, Any]) -> Column:
    """The column whose state this is.

    Raises:
        ValueError, TypeError, KeyError: it is no column's.
    """
    name, kind = checked_text(state["name"]), state["kind"]
    if kind in ("category", "code"):
        categories = tuple(None if c is None else checked_text(c) for c in state["categories"])
        return (CategoryColumn if kind == "category" else CodeColumn)(name, categories)
    scaling, indicator = Scaling.from_state(state["scaling"]), bool(state["indicator"])
    if kind == "date":
        return DateColumn(name, scaling, indicator)
    return NumberColumn(name, checked_kind_name(kind), scaling, indicator)


def column_kind(column: Column) -> Kind:
    """The kind of the column of a table that this one is made from."""
    if isinstance(column, NumberColumn):
        return column.kind
    return "date" if isinstance(column, DateColumn) else "category"


def is_of_text(column: Column) -> bool:
    """Whether its cells were categories, of which none looks like a number."""
    if not isinstance(column, CategoryColumn | CodeColumn):
        return False
    return all(c is None or c in PLACEHOLDERS or number(c) is None for c in column.categories)


def checked_text(value: object) -> str:
    """`value`, if it is text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value
