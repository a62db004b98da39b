"""What is to be learned: rows to train on, rows to validate with, and how to read them."""

from __future__ import annotations

from argparse import ArgumentError, ArgumentTypeError, Namespace
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from baregrad.cli.table_file import table_of
from baregrad.cli.values import column_kind
from baregrad.data.preprocess import Preprocessor
from baregrad.data.split import in_order, train_test_split
from baregrad.data.synthetic import Dataset, dataset_named
from baregrad.data.table import Kind, Table
from baregrad.data.targets import fitted_target, suggested_task
from baregrad.data.task import Task
from baregrad.errors import BaregradError, DataError, FileWriteError, counted, listed
from baregrad.tensor.tensor import Tensor
from baregrad.training.samples import Samples

DEFAULT_DATASET = "sine"
SAMPLES = 300  # in a made-up data set
TARGET = "y"  # of a made-up data set


class Problem(NamedTuple):
    """A table, split and made into tensors.

    Attributes:
        name: of the data, which the run is called after.
        source: where the data is from, in words.
        preprocessor: fitted on the training rows alone.
        training: what to learn from.
        validation: what to assess the network with; None if no rows are kept back.
        notes: what was left out, in words.
    """

    name: str
    source: str
    preprocessor: Preprocessor
    training: Samples
    validation: Samples | None
    notes: list[str]


def problem_of(arguments: Namespace) -> Problem:
    """The problem that the command line names.

    Raises:
        argparse.ArgumentError: options that do not go together.
        DataError, ArgumentError: the data cannot be read or used.
    """
    if arguments.file is None:
        if any((arguments.target, arguments.task, arguments.ignore, arguments.kind)):
            raise _usage(
                "--target, --task, --ignore and --kind are for a FILE.csv, and none is given"
            )
        dataset = dataset_named(arguments.dataset or DEFAULT_DATASET, SAMPLES, seed=arguments.seed)
        name, source = dataset.name, f"made-up set {dataset.name!r}"
        return _problem(name, source, _as_table(dataset), TARGET, dataset.task, arguments)
    if arguments.dataset is not None:
        raise _usage(f"give either a file or --dataset, not both: {arguments.file}")
    folder = cache_folder(arguments.cache)
    columns = [arguments.target] if arguments.target else []
    kinds = _kinds(arguments.kind)
    table = table_of(arguments, columns, cache=folder and folder / "table", kinds=kinds)
    if arguments.target is None:
        raise _usage(
            f"which column is to be predicted? Name it with --target; {arguments.file} has "
            + listed(map(repr, table.names))
        )
    if arguments.target in arguments.ignore:
        raise _usage(f"--ignore {arguments.target} names the column that is to be predicted")
    name = Path(arguments.file).name.split(".")[0].strip("-") or "table"
    return _problem(name, table.source, table, arguments.target, arguments.task, arguments)


def _kinds(given: Sequence[str]) -> dict[str, Kind]:
    try:
        return dict(map(column_kind, given))
    except ArgumentTypeError as error:
        raise _usage(f"--kind {error}") from None


def cache_folder(asked: str | None) -> Path | None:
    """The folder for what is not to be in memory, made if it is not there.

    Raises:
        FileWriteError: it cannot be made.
    """
    if asked is None:
        return None
    folder = Path(asked)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileWriteError(f"--cache {asked} cannot be made: {error.strerror}") from error
    return folder


def _usage(message: str) -> ArgumentError:
    return ArgumentError(None, message)


def _as_table(dataset: Dataset) -> Table:
    """A made-up set as if it came from a file, so that its model can predict from files."""
    features = zip(*dataset.x.tolist(), strict=True)
    columns: dict[str, Sequence[Any]] = dict(zip(dataset.features, features, strict=True))
    return Table({**columns, TARGET: dataset.y.flatten().tolist()}, f"the set {dataset.name!r}")


def _problem(
    name: str, source: str, table: Table, target: str, task: Task | None, arguments: Namespace
) -> Problem:
    complete = table.drop_missing(target)
    missing = len(table) - len(complete)
    task = task or suggested_task(complete, target)
    training, validation = _split(complete, target, task, arguments.validation, arguments.seed)
    preprocessor = Preprocessor.fit(training, target, task, arguments.ignore)
    folder = cache_folder(arguments.cache)
    notes = [f"{table.source}: {note}" for note in table.notes]
    notes += [f"{counted(missing, 'row')} without {target!r} left out"] if missing else []
    notes += [f"column {name!r} left out: {why}" for name, why in preprocessor.dropped.items()]
    return Problem(
        name,
        source,
        preprocessor,
        _samples(training, preprocessor, folder and folder / "training"),
        (
            None
            if validation is None
            else _samples(validation, preprocessor, folder and folder / "validation")
        ),
        notes,
    )


def _split(
    table: Table, target: str, task: Task, share: float, seed: int
) -> tuple[Table, Table | None]:
    """Rows to train on and rows to validate with, each class in both in about its share.

    The only row of a class is one to train on.
    """
    fitted = fitted_target(table, target, task)  # also checks the column
    if share == 0:
        return table, None
    labels = array("q", bytes(8 * len(table)))
    if task == "classification":
        parts = (fitted.encoded(block).array.data for block in table.blocks([target]))
        labels = array("q", chain.from_iterable(parts))
    counts = Counter(labels)
    common = array("q", (row for row, label in enumerate(labels) if counts[label] > 1))
    single = [row for row, label in enumerate(labels) if counts[label] == 1]
    try:
        training, validation = train_test_split(
            Tensor(common),
            test_size=share,
            seed=seed,
            stratify=Tensor(labels).take(common),
        )
    except BaregradError:
        raise DataError(
            f"{table.source}: {share:g} of {len(table)} rows cannot have each of {len(counts)} "
            "classes in it, and leave some of each; give another --validation, such as 0.5 or 0"
        ) from None
    rows = len(table)
    chosen = in_order(chain(training.array.data, single), rows)
    return table.take(chosen), table.take(in_order(validation.array.data, rows))


def _samples(table: Table, preprocessor: Preprocessor, cache: Path | None) -> Samples:
    """Features and targets; in files whose names begin with that of `cache`, if there is one."""
    x, y = (cache and cache.with_name(f"{cache.name}-{part}") for part in ("features", "targets"))
    return Samples(preprocessor.transform(table, x), preprocessor.target(table, y))
