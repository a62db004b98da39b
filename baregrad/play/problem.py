"""What is to be learned in the playground: rows to train on, rows to test with."""

from __future__ import annotations

import io
from collections import Counter
from typing import Final, NamedTuple

from baregrad.data.preprocess import Preprocessor
from baregrad.data.read import read_table
from baregrad.data.split import train_test_split
from baregrad.data.synthetic import dataset_named
from baregrad.data.table import Table
from baregrad.data.targets import suggested_task
from baregrad.errors import ArgumentError, BaregradError, DataError, counted
from baregrad.play.settings import CSV, DRAWN, FEWEST, Settings
from baregrad.tensor.tensor import Tensor
from baregrad.training.samples import Samples

TEST: Final = 0.2  # the share of the rows to test with
TARGET: Final = "y"
MOST_BYTES: Final = 50_000_000  # of a CSV file that comes from the page
TOO_LARGE: Final = (
    f"The file is larger than {MOST_BYTES // 1_000_000} MB, the most that the page takes. "
    "For larger ones there is baregrad play FILE.csv."
)
MOST_ROWS: Final = 20_000  # of more, so many are taken
MOST_FEATURES: Final = 256
MOST_CLASSES: Final = 10
MOST_TARGETS: Final = 20  # columns that are tried, where none was chosen
FIELDS: Final = ("data", "samples", "noise", "points", "target", "seed")  # that make the problem


class Problem(NamedTuple):
    """Rows, split and made into features.

    Attributes:
        preprocessor: fitted on the training rows.
        training: features, and targets as the preprocessor has them.
        test: likewise.
        single: how many rows were left out, as there is no other of their class.
    """

    preprocessor: Preprocessor
    training: Samples
    test: Samples
    single: int = 0

    @property
    def losses(self) -> tuple[str, ...]:
        """Those that fit the target, the usual one first."""
        if self.preprocessor.task == "regression":
            return "mse", "mae", "huber"
        several = len(self.preprocessor.classes) > 2
        return (*(() if several else ("binary_cross_entropy",)), "cross_entropy", "mse")

    def loss(self, wished: str | None) -> str:
        """The loss that is wished, or the usual one.

        Raises:
            ArgumentError: it does not fit the target.
        """
        if wished is not None and wished not in self.losses:
            raise ArgumentError(
                f"the loss {wished!r} does not fit these targets; use {' or '.join(self.losses)}"
            )
        return wished or self.losses[0]

    def outputs(self, loss: str) -> int:
        """How many outputs a network for that loss has."""
        classes = len(self.preprocessor.classes)
        return classes if loss == "cross_entropy" or classes > 2 else 1

    def for_loss(self, loss: str) -> tuple[Samples, Samples]:
        """Training and test samples with the targets as the loss wants them.

        With a squared error, the two classes are -1 and 1, and of more classes each has an output
        that should be 1 for it and 0 for the others.
        """
        classes = len(self.preprocessor.classes)
        first, second = (
            Samples(part.x, _target(part.y, loss, classes)) for part in (self.training, self.test)
        )
        return first, second


def _target(y: Tensor, loss: str, classes: int) -> Tensor:
    if not classes or loss == "cross_entropy":
        return y
    if classes > 2:
        return y.one_hot(classes)
    column = y.reshape(-1, 1).astype("float32")
    return column if loss == "binary_cross_entropy" else 2 * column - 1


def problem_of(settings: Settings, table: Table | None) -> Problem:
    """The problem that settings ask for.

    Args:
        settings: what was chosen.
        table: the CSV file that was loaded, if one was.

    Raises:
        ArgumentError: a CSV file or its target is asked for, and not there.
        DataError: too few or too many rows, or data that cannot be learned from.
    """
    rows, target = _table(settings, table)
    task = suggested_task(rows, target) if settings.data == CSV else None
    if settings.data == DRAWN:
        task = "classification"
    elif settings.data != CSV:
        task = dataset_named(settings.data, 10, seed=0).task
    all_rows = len(rows)
    rows = _with_company(rows, target) if task == "classification" else rows
    training, test = _split(rows, target if task == "classification" else None, settings.seed)
    preprocessor = Preprocessor.fit(training, target, task)
    if preprocessor.inputs > MOST_FEATURES:
        raise DataError(
            f"the table makes {preprocessor.inputs} features, and the playground shows at most "
            f"{MOST_FEATURES}; leave out columns"
        )
    if len(preprocessor.classes) > MOST_CLASSES:
        raise DataError(
            f"{target!r} has {len(preprocessor.classes)} classes, and the playground shows at most "
            f"{MOST_CLASSES}; use baregrad train"
        )
    learned, tested = (
        Samples(preprocessor.transform(part), preprocessor.target(part))
        for part in (training, test)
    )
    return Problem(preprocessor, learned, tested, all_rows - len(rows))


def _with_company(table: Table, target: str) -> Table:
    """The rows of whose class there are others, so that both parts can have it."""
    labels = table[target]
    counts = Counter(labels)
    return table.take([row for row, label in enumerate(labels) if counts[label] > 1])


def _split(rows: Table, classes: str | None, seed: int) -> tuple[Table, Table]:
    """Rows to train on and rows to test with; in both, each class that is in the column so named.

    Raises:
        DataError: there are too few rows for that.
    """
    labels = None if classes is None else rows[classes]
    try:
        training, test = train_test_split(rows, test_size=TEST, seed=seed, stratify=labels)
    except BaregradError:
        raise DataError(
            f"{rows.source} has {counted(len(rows), 'row')} with a known target"
            f"{'' if classes is None else ' that is not the only one of its class'}, too few to "
            f"keep {TEST:.0%} of them to test with{'' if classes is None else ', of each class'}"
        ) from None
    return training, test


def _table(settings: Settings, table: Table | None) -> tuple[Table, str]:
    if settings.data == CSV:
        return _loaded(settings, table)
    if settings.data == DRAWN:
        counts = Counter({0: 0, 1: 0})
        counts.update(p[2] for p in settings.points)
        if min(counts.values()) < FEWEST:
            raise DataError(f"draw {FEWEST} points of each class at least, and of two or more")
        first, second, classes = zip(*settings.points, strict=True)
        names = [f"class {c + 1}" for c in classes]
        return Table({"x1": first, "x2": second, TARGET: names}, "the drawing"), TARGET
    made = dataset_named(settings.data, settings.samples, settings.noise, settings.seed)
    columns = dict(zip(made.features, zip(*made.x.tolist(), strict=True), strict=True))
    return Table({**columns, TARGET: made.y.flatten().tolist()}, made.name), TARGET


def _loaded(settings: Settings, table: Table | None) -> tuple[Table, str]:
    if table is None:
        raise ArgumentError("there is no table yet; load a CSV file first")
    if settings.target not in table.names:
        raise ArgumentError(
            f"the table has no column {settings.target!r} to predict; choose one of "
            + ", ".join(map(repr, table.names))
        )
    return table.drop_missing(settings.target), settings.target


def table_of(content: bytes, name: str) -> Table:
    """The table in a CSV file that comes from the page.

    Raises:
        DataError: it is no table.
    """
    table = read_table(io.BytesIO(content))
    table.source = name
    return table


def shortened(table: Table) -> Table:
    """A table, or of one that is too long some rows, spread evenly over all; its notes say so.

    Raises:
        DataError: it has one column only.
    """
    if len(table.names) < 2:
        raise DataError("the table has one column; it needs one to predict and one to learn from")
    if len(table) <= MOST_ROWS:
        return table
    few = table.take([i * len(table) // MOST_ROWS for i in range(MOST_ROWS)])
    few.notes.append(f"{MOST_ROWS:,} of {len(table):,} rows, spread evenly")
    return few


def first_problem(settings: Settings, table: Table) -> tuple[Settings, Problem]:
    """What can be learned from a table: to predict its last column that can be predicted.

    Raises:
        DataError: there is none; why the last column is not, is said.
    """
    trouble: BaregradError | None = None
    for target in table.names[: -MOST_TARGETS - 1 : -1]:
        chosen = settings._replace(target=target)
        try:
            return chosen, problem_of(chosen, table)
        except DataError as error:
            trouble = trouble or error
    assert trouble is not None
    raise trouble
