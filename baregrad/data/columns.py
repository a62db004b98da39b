"""What becomes of one column of a table: the features that it gives a model."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

from baregrad.data.cells import number
from baregrad.data.table import Cell, Kind, Table
from baregrad.errors import DataError

LARGEST = 3.4028234e38  # of float32
IDENTIFIERS = 50  # with more categories than this, of which most occur once, text is no category


class NumberColumn(NamedTuple):
    """A column of numbers, standardised: (value - mean) / scale.

    A missing value becomes the mean, which is 0; if values were missing in training, a second
    feature says by 1 where they are.

    Attributes:
        name: of the column.
        mean: of the training values.
        scale: their standard deviation; 1 if they are all the same.
        indicator: whether there is the second feature.
    """

    name: str
    mean: float
    scale: float
    indicator: bool

    def features(self) -> list[str]:
        """The names of its features."""
        return [self.name, f"{self.name} missing"] if self.indicator else [self.name]

    def write(self, table: Table, data: array[float], start: int, width: int) -> None:
        """Puts its features into rows of `width` numbers, from place `start` of each row.

        Raises:
            DataError: a cell is not a number, or too large for float32 once standardised.
        """
        data[start::width] = standardised(table, self.name, self.mean, self.scale)
        if self.indicator:
            data[start + 1 :: width] = array("f", (float(c is None) for c in table[self.name]))


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


Column = NumberColumn | CategoryColumn


def fitted_column(table: Table, name: str) -> Column | str:
    """How to encode a column, learned from training rows; or the reason to leave it out.

    Raises:
        DataError: a number that is infinite, too large to square or written with a comma.
    """
    cells = table[name]
    distinct = {cell for cell in cells if cell is not None}
    if not distinct:
        return "it has no values"
    if checked_kind(table, name) == "number":
        values = [v for v in table.numbers(name) if v is not None]
        mean, scale = mean_and_scale(values, f"{table.source}, column {name!r}")
        return NumberColumn(name, mean, scale, len(values) < len(cells))
    if len(distinct) > IDENTIFIERS and 2 * len(distinct) > len(cells):
        return f"it has {len(distinct)} different texts in {len(cells)} rows: no categories"
    missing = (None,) if len(distinct) < len(set(cells)) else ()
    return CategoryColumn(name, (*sorted(distinct), *missing))


def checked_kind(table: Table, name: str) -> Kind:
    """The kind of a column; numbers with commas are not taken for categories.

    Raises:
        DataError: every cell is a number, but for commas in some.
    """
    kind = table.kind(name)
    without_commas = (number(c.replace(",", "")) for c in table[name] if c is not None)
    if kind == "category" and all(value is not None for value in without_commas):
        row = next(row for row, cell in enumerate(table[name]) if cell and "," in cell)
        raise DataError(
            f"{table.place(row)}, column {name!r}: {table[name][row]!r} looks like a number; write "
            "numbers with a decimal point and without thousands separators"
        )
    return kind


def standardised(table: Table, name: str, mean: float, scale: float) -> array[float]:
    """The numbers of a column as (value - mean) / scale, float32; 0 where missing.

    Raises:
        DataError: a cell is not a number, or too large for float32 once standardised.
    """
    values = table.numbers(name)
    scaled = [0.0 if v is None else (v - mean) / scale for v in values]
    for row, value in enumerate(scaled):
        if not -LARGEST <= value <= LARGEST:
            raise DataError(
                f"{table.place(row)}, column {name!r}: {values[row]} is too far from the training "
                f"values, whose mean is {mean:g}; correct it"
            )
    return array("f", scaled)


def mean_and_scale(values: Sequence[float], what: str) -> tuple[float, float]:
    """Mean and standard deviation (over n) of some numbers; a deviation of 0 is given as 1.

    Raises:
        DataError: numbers too large to square.
    """
    if min(values) == max(values):
        return values[0], 1.0
    try:
        mean = math.fsum(values) / len(values)
        variance = math.fsum((v - mean) ** 2 for v in values) / len(values)
    except OverflowError:
        variance = math.inf
    if variance == math.inf:
        raise DataError(f"{what} has numbers too large to square; divide them by a power of ten")
    # A variance can underflow to 0 when the values are not all the same.
    return mean, math.sqrt(variance) or 1.0


def column_state(column: Column) -> dict[str, Any]:
    """A column as JSON can hold it."""
    kind = "number" if isinstance(column, NumberColumn) else "category"
    return {"kind": kind, **column._asdict()}


def column_from_state(state: dict[str, Any]) -> Column:
    """The column that `column_state` described.

    Raises:
        ValueError, TypeError, KeyError: it describes none.
    """
    name = checked_text(state["name"])
    if state["kind"] == "number":
        mean, scale = checked_scaling(state["mean"], state["scale"])
        return NumberColumn(name, mean, scale, bool(state["indicator"]))
    if state["kind"] != "category":
        raise ValueError(f"column {name!r} is of kind {state['kind']!r}")
    categories = tuple(None if c is None else checked_text(c) for c in state["categories"])
    return CategoryColumn(name, categories)


def checked_text(value: object) -> str:
    """`value`, if it is text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def checked_scaling(mean: object, scale: object) -> tuple[float, float]:
    """A mean and a scale, if they are finite numbers and the scale is above 0."""
    for value in (mean, scale):
        if not isinstance(value, float | int) or not math.isfinite(value):
            raise TypeError(f"{value!r} is not a finite number")
    if scale <= 0:  # type: ignore[operator]  # a number, as just checked
        raise ValueError(f"a scale must be above 0, not {scale!r}")
    return float(mean), float(scale)  # type: ignore[arg-type]
