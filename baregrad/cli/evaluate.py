"""``baregrad evaluate``: how good a model's predictions are for a table that has the answers."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections import Counter
from math import isnan
from typing import Any

from baregrad.cli.model_file import model_for_tables
from baregrad.cli.printable import aligned, printable
from baregrad.cli.table_file import show_notes, table_of
from baregrad.cli.unseen import warn_of_unseen
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import DataError, counted
from baregrad.nn.losses import binary_cross_entropy, cross_entropy
from baregrad.tensor.graph import no_grad
from baregrad.tensor.tensor import Tensor
from baregrad.training import metrics
from baregrad.training.evaluation import predict

SHOWN = 12  # classes whose confusions are shown as text


def run(arguments: Namespace) -> int:
    """Prints the figures."""
    model, preprocessor = model_for_tables(arguments.model)
    target = preprocessor.target_column.name
    table = table_of(arguments, [*preprocessor.kinds, target], text=True)
    if target not in table:
        raise DataError(
            f"{table.source} lacks the target {target!r}, which predictions are compared with; "
            "predict needs none"
        )
    known = table.drop_missing(target)
    if missing := len(table) - len(known):
        rows = counted(missing, "row")
        print(f"baregrad: {rows} without {target!r} left out", file=sys.stderr)
    show_notes([f"{table.source}: {note}" for note in table.notes])
    warn_of_unseen(preprocessor.unseen(known))
    output = predict(model, preprocessor.transform(known))
    figures = assessed(known, preprocessor, output)
    print(json.dumps(figures) if arguments.json else as_text(figures))
    return 0


def assessed(table: Table, preprocessor: Preprocessor, output: Tensor) -> dict[str, Any]:
    """The figures by name: for numbers in the units of the target, None for what is not defined."""
    truth, found = preprocessor.target(table), preprocessor.predictions(output)
    task = {"rows": len(table), "target": preprocessor.target_column.name}
    if preprocessor.classes:
        names = [preprocessor.classes[number] for number in truth.tolist()]
        right = sum(map(str.__eq__, names, found)) / len(names)
        confusion = Counter(zip(names, found, strict=True))
        counts = {
            name: {other: confusion[name, other] for other in preprocessor.classes}
            for name in preprocessor.classes
        }
        loss = _cross_entropy(output, truth)
        return {**task, "accuracy": right, "cross_entropy": loss, "confusion": counts}
    answers = table.numbers(preprocessor.target_column.name, "number")
    pair = (Tensor(found, "float64"), Tensor(list(answers), "float64"))
    values = {name: metrics.METRICS[name](*pair) for name in ("r2", "mae", "rmse")}
    return {**task, **{name: None if isnan(v) else v for name, v in values.items()}}


def _cross_entropy(output: Tensor, truth: Tensor) -> float:
    with no_grad():
        scores = output.astype("float64")
        if scores.shape[1] == 1:
            return float(binary_cross_entropy(scores, truth.reshape(-1, 1)).item())
        return float(cross_entropy(scores, truth).item())


def as_text(figures: dict[str, Any]) -> str:
    """A line for each figure, and a table of which classes were taken for which."""
    lines = [
        (name, f"{value:,.6g}" if isinstance(value, float | int) else printable(str(value or "-")))
        for name, value in figures.items()
        if name != "confusion"
    ]
    text = aligned(lines)
    counts = figures.get("confusion", {})
    if not 0 < len(counts) <= SHOWN:
        return text
    names = {name: printable(name) for name in counts}
    rows = [("truth \\ prediction", *names.values())]
    rows += [(names[name], *map(str, row.values())) for name, row in counts.items()]
    return f"{text}\n\n{aligned(rows)}"
