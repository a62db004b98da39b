"""``baregrad predict``: the rows of a table, with what a model predicts for them."""

from __future__ import annotations

import csv
import json
import math
from argparse import Namespace
from collections.abc import Collection, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, TypeAlias

from baregrad.cli.model_file import model_for_tables
from baregrad.cli.output import write_output
from baregrad.cli.table_file import show_notes, table_in_blocks
from baregrad.cli.unseen import warn_of_unseen
from baregrad.data.cells import number
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import DataError
from baregrad.files.atomic import write_atomically
from baregrad.nn.module import Module
from baregrad.tensor.tensor import Tensor
from baregrad.training.compiling import prediction_pays
from baregrad.training.evaluation import BATCH, outputs

STANDARD_OUTPUT = "-"
CHANCE: Final = "probability_{}"  # the name of a column
Predictions: TypeAlias = tuple[Table, dict[str, list[Any]]]  # some rows, and their new columns


class Survey(NamedTuple):
    """What is found out about a table before anything is predicted.

    Attributes:
        rows: how many there are.
        numeric: the columns that have numbers, and nothing else.
        unseen: of each column, the categories that were not there in training.
        notes: what was noticed when it was read.
    """

    rows: int
    numeric: set[str]
    unseen: dict[str, set[str]]
    notes: list[str]


def run(arguments: Namespace) -> int:
    """Writes the table, with its new columns last.

    The table is gone through twice, and only some of its rows are in memory. In the first pass
    errors are found, before anything is written.
    """
    model, preprocessor = model_for_tables(arguments.model)
    first = partial(surveyed, preprocessor=preprocessor)
    with table_in_blocks(arguments, list(preprocessor.kinds), first) as (survey, blocks):
        show_notes(survey.notes)
        warn_of_unseen(survey.unseen)
        predictions = predicted_blocks(model, preprocessor, survey, blocks)
        lines = (
            json_lines(predictions, survey.numeric) if arguments.json else csv_lines(predictions)
        )
        if arguments.out == STANDARD_OUTPUT:
            write_output(lines)
        else:  # there whole or not at all
            write_atomically(arguments.out, (line.encode() for line in lines))
    return 0


def surveyed(blocks: Iterator[Table], preprocessor: Preprocessor) -> Survey:
    """Looks through a table.

    Raises:
        DataError: the model cannot read it, or it has a column of the name of a new one already.
    """
    rows, source = 0, ""
    notes: list[str] = []
    others: set[str] = set()  # columns with something else than numbers
    filled: set[str] = set()
    unseen: dict[str, set[str]] = {}
    for block in blocks:
        preprocessor.transform_block(block)  # raises if there is something wrong
        _check_names(block, preprocessor)
        rows, source, notes = rows + len(block), block.source, block.notes
        others |= {name for name in block.names if block.kind(name) != "number"}
        filled |= {name for name in block.names if block.distinct(name)}
        for name, new in preprocessor.unseen(block).items():
            unseen.setdefault(name, set()).update(new)
    numeric = filled - others
    preprocessor.check_not_numeric(numeric, source)
    return Survey(rows, numeric, unseen, [f"{source}: {note}" for note in notes])


def _check_names(table: Table, preprocessor: Preprocessor) -> None:
    for name in ("prediction", *map(CHANCE.format, preprocessor.classes)):
        if name in table:
            raise DataError(f"{table.source} has a column {name!r} already; rename or remove it")


def predicted_blocks(
    model: Module, preprocessor: Preprocessor, survey: Survey, blocks: Iterator[Table]
) -> Iterator[Predictions]:
    """Each block and its new columns, which do not depend on how the rows are divided."""
    size = min(BATCH, survey.rows)
    compiled = prediction_pays(model, size, -(-survey.rows // size))
    for block in blocks:
        features = preprocessor.transform_block(block)
        yield block, predicted(preprocessor, outputs(model, features, BATCH, compiled))


def predicted(preprocessor: Preprocessor, output: Tensor) -> dict[str, list[Any]]:
    """The new columns: predictions, and for classes the probability of each."""
    columns = {"prediction": preprocessor.predictions(output)}
    if preprocessor.classes:
        chances = zip(*preprocessor.probabilities(output), strict=True)
        for name, column in zip(preprocessor.classes, chances, strict=True):
            columns[CHANCE.format(name)] = [float(f"{p:.6g}") for p in column]
    else:  # with the digits that float32 has
        columns["prediction"] = [float(f"{p:.7g}") for p in columns["prediction"]]
    return columns


def csv_lines(predictions: Iterator[Predictions]) -> Iterator[str]:
    """The table as it was given, and the new columns, as CSV."""
    row = csv.writer(SimpleNamespace(write=str), lineterminator="\n").writerow
    for place, (table, new) in enumerate(predictions):
        if place == 0:
            yield str(row([*table.names, *new]))
        given = [table.given(name) for name in table.names]
        texts = [[c if isinstance(c, str) else f"{c:.7g}" for c in part] for part in new.values()]
        yield from map(str, map(row, zip(*given, *texts, strict=True)))


def json_lines(predictions: Iterator[Predictions], numeric: Collection[str]) -> Iterator[str]:
    """An object for each row; columns of numbers have numbers, and null stands for missing."""
    for table, new in predictions:
        columns = [_values(table, name, name in numeric) for name in table.names]
        names = [*table.names, *new]
        for row in zip(*columns, *new.values(), strict=True):
            yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"


def _values(table: Table, name: str, is_numeric: bool) -> list[Any]:
    """The cells of a column as JSON has them; JSON has no infinity, so that stays text."""
    cells: list[Any] = table[name]
    if not is_numeric:
        return cells
    known = {cell: _number(cell) for cell in set(cells)}
    return [known[cell] for cell in cells]


def _number(cell: str | None) -> float | str | None:
    value = None if cell is None else number(cell)
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return cell
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
