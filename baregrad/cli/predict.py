"""``baregrad predict``: the rows of a table, with what a model predicts for them."""

from __future__ import annotations

import csv
import json
import math
from argparse import Namespace
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from baregrad.cli.model_file import model_for_tables
from baregrad.cli.table_file import table_of
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import DataError
from baregrad.files.atomic import write_atomically
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import predict


def run(arguments: Namespace) -> int:
    """Writes the table, with its new columns last."""
    model, preprocessor = model_for_tables(arguments.model)
    table = table_of(arguments, list(preprocessor.kinds), text=True)
    output = predict(model, preprocessor.transform(table))
    lines = (json_lines if arguments.json else csv_lines)(table, predicted(preprocessor, output))
    if arguments.out is None:
        for line in lines:
            print(line, end="")
    else:  # there whole or not at all
        write_atomically(arguments.out, (line.encode() for line in lines))
    return 0


def predicted(preprocessor: Preprocessor, output: Tensor) -> dict[str, list[Any]]:
    """The new columns: predictions, and for classes the probability of each."""
    columns = {"prediction": preprocessor.predictions(output)}
    if preprocessor.classes:
        chances = zip(*preprocessor.probabilities(output), strict=True)
        for name, column in zip(preprocessor.classes, chances, strict=True):
            columns[f"probability_{name}"] = [float(f"{p:.6g}") for p in column]
    else:  # with the digits that float32 has
        columns["prediction"] = [float(f"{p:.7g}") for p in columns["prediction"]]
    return columns


def csv_lines(table: Table, new: dict[str, list[Any]]) -> Iterator[str]:
    """The table as it was given, and the new columns, as CSV.

    Raises:
        DataError: the table has a column of the name of a new one already.
    """
    _check_names(table, new)
    given = [table.given(name) for name in table.names]
    texts = [[c if isinstance(c, str) else f"{c:.7g}" for c in column] for column in new.values()]
    row = csv.writer(SimpleNamespace(write=str), lineterminator="\n").writerow
    yield str(row([*table.names, *new]))
    yield from map(str, map(row, zip(*given, *texts, strict=True)))


def json_lines(table: Table, new: dict[str, list[Any]]) -> Iterator[str]:
    """An object for each row; columns of numbers have numbers, and null stands for missing.

    Raises:
        DataError: the table has a column of the name of a new one already.
    """
    _check_names(table, new)
    columns = [_values(table, name) for name in table.names]
    names = [*table.names, *new]
    for row in zip(*columns, *new.values(), strict=True):
        yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"


def _check_names(table: Table, new: dict[str, list[Any]]) -> None:
    for name in new:
        if name in table:
            raise DataError(f"{table.source} has a column {name!r} already; rename or remove it")


def _values(table: Table, name: str) -> list[Any]:
    """The cells of a column as JSON has them; JSON has no infinity, so that stays text."""
    cells: list[Any] = table[name]
    if table.kind(name) != "number":
        return cells
    known = {cell: _number(cell) for cell in set(cells)}
    return [known[cell] for cell in cells]


def _number(cell: str | None) -> float | str | None:
    value = math.nan if cell is None else float(cell)
    if not math.isfinite(value):
        return cell
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
