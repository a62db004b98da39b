"""From the columns of a table to the features of a model, and from its outputs back."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from baregrad.data.columns import (
    CategoryColumn,
    CategoryEncoding,
    CodeColumn,
    Column,
    checked_encoding,
    checked_text,
    column_from_state,
    column_kind,
    fitted_categories,
    fitted_column,
    is_of_text,
    needs_sample,
)
from baregrad.data.kinds import checked_kind
from baregrad.data.mapped import joined
from baregrad.data.scaling import ScalingName, checked_scaling_name
from baregrad.data.source import FilePath
from baregrad.data.summary import summaries
from baregrad.data.table import Kind, Table
from baregrad.data.targets import (
    ClassTarget,
    Target,
    check_present,
    fitted_target,
    target_from_state,
    target_state,
)
from baregrad.data.task import Task
from baregrad.errors import ArgumentError, DataError, ModelFileError, counted, listed
from baregrad.tensor.tensor import Tensor


class Preprocessor:
    """How to turn tables into tensors, learned from training rows by `Preprocessor.fit`.

    Numbers are scaled, and each category becomes a feature. Columns that have the same value in all
    rows or only identify them are left out. Nothing is learned from other rows than those of `fit`,
    so a test set stays unseen.

    >>> table = Table({"size": [1, 2, 3, 6], "colour": list("rgrg"), "price": [1.5, 2, 3, 8]})
    >>> preprocessor = Preprocessor.fit(table, "price")
    >>> preprocessor.feature_names
    ['size', 'colour=g', 'colour=r']
    >>> preprocessor.transform(table).shape, preprocessor.target(table).shape
    ((4, 3), (4, 1))

    Attributes:
        columns: how each column is encoded, in order.
        target_column: how the target is.
        dropped: columns that were of no use, with the reason.
    """

    def __init__(
        self, columns: Sequence[Column], target: Target, dropped: Mapping[str, str]
    ) -> None:
        self.columns = list(columns)
        self.target_column = target
        self.dropped = dict(dropped)

    @classmethod
    def fit(
        cls,
        table: Table,
        target: str,
        task: Task | None = None,
        ignore: Sequence[str] = (),
        scaling: ScalingName = "standard",
        categories: CategoryEncoding = "one-hot",
    ) -> Preprocessor:
        """Learns from the training rows of a table.

        Args:
            table: the rows to train on, and no others.
            target: the name of the column to predict.
            task: ``"regression"`` or ``"classification"``; by default as the target looks, see
                `fitted_target`.
            ignore: names of columns that are not to be features.
            scaling: of numbers, dates and booleans: ``"standard"``, ``"robust"`` or
                ``"quantile"``, see `Scaling`.
            categories: ``"one-hot"``, or ``"embedding"`` for one feature that numbers them, see
                `embeddings`.

        Raises:
            ArgumentError: no column of a given name; an unknown task, scaling or encoding.
            DataError: no rows, a target with missing values or a single class, a number that is
                infinite or written with a comma, or no column left to learn from.
        """
        _check_rows(table)
        checked_scaling_name(scaling)
        checked_encoding(categories)
        for name in (target, *ignore):
            table.kind(name)  # an unknown name raises
        used = [name for name in table.names if name != target and name not in ignore]
        if not used:
            raise DataError(_nothing_left(table, target))
        kinds = {name: checked_kind(table, name) for name in used}
        numeric = {name: kind for name, kind in kinds.items() if kind != "category"}
        sampled = {name for name in numeric if needs_sample(name, scaling)}
        answers: dict[str, Kind] = {target: "number"} if table.kind(target) == "number" else {}
        found = summaries(table, numeric | answers, sampled)
        fitted = fitted_target(table, target, task, found.get(target))
        columns: list[Column] = []
        dropped: dict[str, str] = {}
        for name, kind in kinds.items():
            column = (
                fitted_column(table, name, kind, found[name], scaling)
                if name in found
                else fitted_categories(table, name, categories)
            )
            if isinstance(column, str):
                dropped[name] = column
            else:
                columns.append(column)
        if not columns:
            reasons = "".join(f"; {name!r}: {reason}" for name, reason in dropped.items())
            raise DataError(_nothing_left(table, target) + reasons)
        return cls(columns, fitted, dropped)

    @property
    def task(self) -> Task:
        """``"regression"`` or ``"classification"``."""
        return "classification" if isinstance(self.target_column, ClassTarget) else "regression"

    @property
    def feature_names(self) -> list[str]:
        """The name of each feature: the column's, with the category where there is one."""
        return [name for column in self.columns for name in column.features()]

    @property
    def inputs(self) -> int:
        """How many features there are: the inputs of a model."""
        return len(self.feature_names)

    @property
    def outputs(self) -> int:
        """How many outputs a model needs: 1 for regression, else the number of classes."""
        return self.target_column.outputs

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by their numbers; none for regression."""
        return self.target_column.classes if isinstance(self.target_column, ClassTarget) else ()

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kinds of the columns that are features, by name, for `read_table`."""
        return {column.name: column_kind(column) for column in self.columns}

    @property
    def embeddings(self) -> dict[int, int]:
        """For each feature that numbers categories its place, and how many numbers there are.

        The number 0 stands for a category that was not there in training.
        """
        places, place = {}, 0
        for column in self.columns:
            if isinstance(column, CodeColumn):
                places[place] = len(column.categories) + 1
            place += len(column.features())
        return places

    def transform(self, table: Table, into: FilePath | None = None) -> Tensor:
        """The features of each row: (rows, features), float32.

        Columns that are not needed, such as the target, may be there or not.

        Args:
            table: the rows, which are gone through some at a time.
            into: a file for the features, where there is no memory for them: the tensor then has
                its numbers there, see `from_buffer`. It is written anew, and is to be kept as long
                as the tensor.

        Raises:
            DataError: a column is missing, or of another kind than in training, or there are no
                rows.
            FileWriteError: the file cannot be written.
        """
        _check_rows(table)
        self._check_names(table)
        texts = [column.name for column in self.columns if is_of_text(column)]
        numeric = {name for name in texts if table.kind(name) == "number" and table.distinct(name)}
        self.check_not_numeric(numeric, table.source)
        parts = map(self._features, table.blocks([column.name for column in self.columns]))
        return joined(parts, (len(table), self.inputs), "float32", into)

    def transform_block(self, block: Table) -> Tensor:
        """The features of some rows of a table, whose other rows are not known here.

        As `transform`, but that a column as a whole has numbers instead of text is not noticed; see
        `check_not_numeric`.
        """
        self._check_names(block)
        return joined([self._features(block)], (len(block), self.inputs), "float32")

    def _features(self, table: Table) -> array[float]:
        width, start = self.inputs, 0
        data = array("f", bytes(4 * len(table) * width))
        for column in self.columns:
            column.write(table, data, start, width)
            start += len(column.features())
        return data

    def _check_names(self, table: Table) -> None:
        """The columns of training must be there; where they are numbers, reading them tells."""
        missing = [column.name for column in self.columns if column.name not in table]
        if missing:
            known = {*self.kinds, *self.dropped, self.target_column.name}
            extra = [repr(name) for name in table.names if name not in known]
            raise DataError(
                f"{table.source} lacks {listed(map(repr, missing))}, which the model was trained "
                "with; "
                + (f"it does not know {listed(extra)}" if extra else "no column is new to it")
            )

    def unseen(self, table: Table) -> dict[str, set[str]]:
        """The categories of a table that were not there in training, by the name of the column.

        `transform` takes them for none of the known ones.

        Raises:
            DataError: a column of training is not there.
        """
        self._check_names(table)
        found = {
            column.name: table.distinct(column.name) - set(column.categories)
            for column in self.columns
            if isinstance(column, CategoryColumn | CodeColumn)
        }
        return {name: new for name, new in found.items() if new}

    def check_not_numeric(self, numeric: Collection[str], source: str) -> None:
        """Refuses columns of numbers where there was text in training.

        Args:
            numeric: the names of columns that have numbers, and nothing else.
            source: what messages call the table.

        Raises:
            DataError: there was text in one of them.
        """
        for column in self.columns:
            if is_of_text(column) and column.name in numeric:
                raise DataError(
                    f"{source}: column {column.name!r} has numbers, and the model was trained with "
                    "text there; is it the right column?"
                )

    def target(self, table: Table, into: FilePath | None = None) -> Tensor:
        """The target: (rows, 1), float32, standardised; or (rows,), int64, numbers of classes.

        Args:
            table: the rows.
            into: a file for the numbers, as for `transform`.

        Raises:
            ArgumentError: the table has no target column.
            DataError: missing values, an unknown class, or no rows.
            FileWriteError: the file cannot be written.
        """
        _check_rows(table)
        target = self.target_column
        check_present(table, target.name)
        parts = (target.encoded(block).array.data for block in table.blocks([target.name]))
        if isinstance(target, ClassTarget):
            return joined(parts, (len(table),), "int64", into)
        return joined(parts, (len(table), 1), "float32", into)

    def predictions(self, output: Tensor) -> list[Any]:
        """The outputs of a model in the user's terms: numbers in their units, names of classes.

        Args:
            output: (rows, 1) for regression; for classification (rows, classes) scores, or
                (rows, 1) logits of the second of two classes.

        Raises:
            ShapeError: outputs of another shape.
            DataError: an output that is not finite.
        """
        return list(self.target_column.predictions(output))

    def probabilities(self, output: Tensor) -> list[list[float]]:
        """The probability of each class for each row, from outputs as for `predictions`.

        Raises:
            ArgumentError: there are no classes.
        """
        if not isinstance(self.target_column, ClassTarget):
            raise ArgumentError(
                f"the target {self.target_column.name!r} is a number: there are no classes that "
                "could have probabilities"
            )
        return self.target_column.probabilities(output)

    def describe(self) -> str:
        """What is predicted, from what, and what was left out and why, in a few lines."""
        lines = [
            f"{self.task} of {self.target_column.name!r}"
            + (f", classes {', '.join(self.classes)}" if self.classes else ""),
            f"{counted(self.inputs, 'feature')} of {counted(len(self.columns), 'column')}",
        ]
        lines += [f"left out {name!r}: {reason}" for name, reason in self.dropped.items()]
        return "\n".join(lines)

    # --- saving and loading -------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that was learned, as JSON can hold it."""
        return {
            "columns": [column.state() for column in self.columns],
            "target": target_state(self.target_column),
            "dropped": self.dropped,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Preprocessor:
        """The preprocessor whose `state` this is.

        Raises:
            ModelFileError: it is nobody's.
        """
        try:
            columns = [column_from_state(column) for column in state["columns"]]
            dropped = {checked_text(k): checked_text(v) for k, v in state["dropped"].items()}
            return cls(columns, target_from_state(state["target"]), dropped)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelFileError(
                f"the state of the preprocessor is damaged: {type(error).__name__}: {error}"
            ) from error


def _nothing_left(table: Table, target: str) -> str:
    return f"{table.source}: beside the target {target!r} there is no column to learn from"


def _check_rows(table: Table) -> None:
    if not len(table):
        raise DataError(f"{table.source} has no rows")
