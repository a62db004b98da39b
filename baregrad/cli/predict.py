"""``baregrad predict``: the rows of a table, with what a model predicts for them."""

from __future__ import annotations

import csv
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import IO

from baregrad.cli.model_file import saved_model
from baregrad.cli.table_file import table_of
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import DataError, ModelFileError
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import predict


def run(arguments: Namespace) -> int:
    """Writes the table, with its new columns last."""
    saved = saved_model(arguments.model)
    if saved.preprocessor is None:
        raise ModelFileError(
            f"{arguments.model} was saved without a preprocessor, so it cannot read tables; load "
            "it in Python with load_model"
        )
    needed = [column.name for column in saved.preprocessor.columns]
    table = table_of(arguments, needed, text=True)
    output = predict(saved.model, saved.preprocessor.transform(table))
    header, rows = with_predictions(table, saved.preprocessor, output)
    if arguments.out is None:
        write(sys.stdout, header, rows)
    else:
        with open(arguments.out, "w", newline="", encoding="utf-8") as file:
            write(file, header, rows)
    return 0


def with_predictions(
    table: Table, preprocessor: Preprocessor, output: Tensor
) -> tuple[list[str], list[list[str]]]:
    """The names of all columns, and the rows of the table with what is predicted for each.

    Raises:
        DataError: the table has a column of the name of a new one already.
    """
    new = {"prediction": [_text(p) for p in preprocessor.predictions(output)]}
    if preprocessor.classes:
        chances = zip(*preprocessor.probabilities(output), strict=True)
        for name, column in zip(preprocessor.classes, chances, strict=True):
            new[f"probability_{name}"] = [f"{p:.6g}" for p in column]
    for name in new:
        if name in table:
            raise DataError(f"{table.source} has a column {name!r} already; rename or remove it")
    given = [table.given(name) for name in table.names]
    rows = [list(row) for row in zip(*given, *new.values(), strict=True)]
    return [*table.names, *new], rows


def _text(prediction: float | str) -> str:
    """A class by its name; a number with the seven digits that float32 has."""
    return prediction if isinstance(prediction, str) else f"{prediction:.7g}"


def write(file: IO[str], header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a table as CSV."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
