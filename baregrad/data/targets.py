"""What a model is to predict: from a column of a table to numbers, and back."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from baregrad.data.cells import number
from baregrad.data.columns import checked_text, scaled
from baregrad.data.kinds import checked_kind
from baregrad.data.scaling import Scaling, checked_scaling
from baregrad.data.summary import Summary, summaries
from baregrad.data.table import Table
from baregrad.data.task import Task
from baregrad.engines import array as arrays
from baregrad.engines.array import Array
from baregrad.errors import DataError, ShapeError, unknown_name
from baregrad.tensor.tensor import Tensor

REPEATS = 10  # a few different integers are classes if each occurs so many times on average
ROWS_SHOWN = 5


class NumberTarget(NamedTuple):
    """A target to regress on, standardised so that the model's output is of order 1.

    Attributes:
        name: of the column.
        mean: of the training values.
        scale: their standard deviation.
    """

    name: str
    mean: float
    scale: float

    @property
    def outputs(self) -> int:
        """How many outputs a model needs."""
        return 1

    def encoded(self, table: Table) -> Tensor:
        """The column as (rows, 1), float32, standardised."""
        check_present(table, self.name)
        scaling = Scaling("standard", self.mean, self.scale)
        values = scaled(table, self.name, scaling, "number")
        return Tensor.leaf(Array(values, (len(values), 1), "float32"))

    def predictions(self, output: Tensor) -> list[float]:
        """(rows, 1) outputs as numbers in the units of the column."""
        _check_output(output, (1,))
        return [v * self.scale + self.mean for v in output.array.data]


class ClassTarget(NamedTuple):
    """A target to classify.

    Attributes:
        name: of the column.
        classes: their names; a class has the number of its place.
    """

    name: str
    classes: tuple[str, ...]

    @property
    def outputs(self) -> int:
        """How many outputs a model needs: a score for each class."""
        return len(self.classes)

    def encoded(self, table: Table) -> Tensor:
        """The column as (rows,), int64, the numbers of the classes.

        Raises:
            DataError: a class that was not there in training.
        """
        check_present(table, self.name)
        numbers = {name: i for i, name in enumerate(self.classes)}
        names = _class_names(table, self.name)
        for row, name in enumerate(names):
            if name not in numbers:
                raise DataError(
                    f"{table.place(row)}, column {self.name!r}: class {name!r} was not there in "
                    f"training; known are {', '.join(self.classes)}"
                )
        return Tensor.leaf(arrays.new((numbers[n] for n in names), (len(names),), "int64"))

    def probabilities(self, output: Tensor) -> list[list[float]]:
        """The probability of each class, from scores (rows, classes), or logits (rows, 1) of two.

        Raises:
            ShapeError: outputs of another shape.
            DataError: an output that is not finite.
        """
        two = len(self.classes) == 2
        _check_output(output, (1, 2) if two else (len(self.classes),))
        if output.shape[1] == 1:
            chances = output.detach().astype("float64").sigmoid().array.data
            return [[1 - p, p] for p in chances]
        return output.detach().astype("float64").softmax(-1).tolist()  # type: ignore[no-any-return]

    def predictions(self, output: Tensor) -> list[str]:
        """The name of the most probable class of each row; of equal ones the first."""
        rows = self.probabilities(output)
        return [self.classes[row.index(max(row))] for row in rows]


Target = NumberTarget | ClassTarget


def fitted_target(
    table: Table, name: str, task: Task | None = None, summary: Summary | None = None
) -> Target:
    """How to encode the target, learned from training rows.

    Args:
        table: the training rows.
        name: of the target column.
        task: by default ``"classification"`` for text, for two different integers, and for up to
            20 that occur ten times on average; else ``"regression"``.
        summary: of the target's numbers, if it is known already.

    Raises:
        ArgumentError: no such column, an unknown task.
        DataError: missing values, text to regress on, or nothing to tell apart.
    """
    if task not in (None, "regression", "classification"):
        raise unknown_name("task", task, ["regression", "classification"])
    check_present(table, name)
    if (task or suggested_task(table, name, summary)) == "classification":
        classes = sorted(set(map(_class_name, table.distinct(name))), key=_class_order)
        _check_varied(len(classes) > 1, table, name)
        return ClassTarget(name, tuple(classes))
    found = summary or summaries(table, {name: "number"}, ())[name]
    _check_varied(found.varied, table, name)
    return NumberTarget(name, *found.mean_and_scale(f"{table.source}, column {name!r}"))


def suggested_task(table: Table, name: str, summary: Summary | None = None) -> Task:
    """What the values of a column look like: names of classes, or quantities.

    Args:
        table: the rows.
        name: of the column.
        summary: of its numbers, if it is known already.

    Raises:
        DataError: numbers written with commas, or infinite.
    """
    kind = checked_kind(table, name)
    if kind in ("category", "boolean"):
        return "classification"
    found = summary or summaries(table, {name: kind}, ())[name]
    if not found.integral or found.distinct is None:
        return "regression"
    different = len(found.distinct)
    few = different <= 2 or found.count >= REPEATS * different
    return "classification" if few else "regression"


def _class_names(table: Table, name: str) -> list[str]:
    """The classes of the rows; numbers are written in one way, so that 1 and 1.0 are the same."""
    names = {cell: _class_name(cell) for cell in set(table[name]) if cell is not None}
    return [names[cell] for cell in table[name] if cell is not None]


def _class_name(cell: str) -> str:
    value = number(cell)
    if value is None or not math.isfinite(value):
        return cell
    return str(int(value)) if value.is_integer() else str(value)


def _class_order(name: str) -> tuple[bool, float | None, str]:
    """Numbers first, in their order, then text."""
    value = number(name)
    is_text = value is None or math.isnan(value)
    return is_text, 0.0 if is_text else value, name


def _check_varied(is_varied: bool, table: Table, name: str) -> None:
    if not is_varied:
        rows = len(table)
        problems = {0: "has no values", 1: "has a value in one row only"}
        problem = problems.get(rows, f"is the same in all {rows} rows")
        raise DataError(
            f"{table.source}: the target {name!r} {problem}, so there is nothing to learn; is it "
            "the right column?"
        )


def check_present(table: Table, name: str) -> None:
    """Refuses a target that lacks a value in some rows.

    Raises:
        DataError: it does; the message says where.
    """
    rows = table.missing_rows(name)
    if rows:
        shown = "; ".join(map(table.place, rows[:ROWS_SHOWN]))
        raise DataError(
            f"the target {name!r} is missing in {len(rows)} of {len(table)} rows ({shown}"
            f"{'; ...' if len(rows) > ROWS_SHOWN else ''}); leave them out with "
            f"table.drop_missing({name!r})"
        )


def _check_output(output: Tensor, widths: tuple[int, ...]) -> None:
    if output.ndim != 2 or output.shape[1] not in widths:
        raise ShapeError(
            f"outputs must have shape (rows, {' or '.join(map(str, widths))}), not {output.shape}"
        )
    for place, value in enumerate(output.array.data):
        if not math.isfinite(value):
            raise DataError(
                f"the model's output for sample {place // output.shape[1]} is {value}; its weights "
                "or inputs are not finite"
            )


def target_state(target: Target) -> dict[str, Any]:
    """A target as JSON can hold it."""
    return target._asdict()


def target_from_state(state: dict[str, Any]) -> Target:
    """The target that `target_state` described.

    Raises:
        ValueError, TypeError, KeyError: it describes none.
    """
    name = checked_text(state["name"])
    if "classes" not in state:
        return NumberTarget(name, *checked_scaling(state["mean"], state["scale"]))
    classes = tuple(map(checked_text, state["classes"]))
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise ValueError(f"there must be two different classes or more, not {classes}")
    return ClassTarget(name, classes)
