"""The summary at the end of a training."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from baregrad.cli.outcome import Outcome
from baregrad.cli.printable import aligned
from baregrad.cli.run_folder import SVG
from baregrad.cli.settings import Settings
from baregrad.errors import counted

Pair = tuple[str, str]


def summary(outcome: Outcome, folder: Path, files: Mapping[str, str]) -> str:
    """What was learned from what, how well, what was written, and what to do next."""
    return "\n".join(
        [
            *_in_columns(facts(outcome)),
            "",
            *_results(outcome),
            "",
            f"Written to {folder}:",
            *_in_columns(files.items(), indent="  "),
            "",
            "Next:",
            *_in_columns(_suggestions(outcome, folder), indent="  "),
        ]
    )


def facts(outcome: Outcome) -> list[Pair]:
    """Data, task, network and training, a line for each."""
    problem, settings = outcome.problem, outcome.settings
    preprocessor, layers = problem.preprocessor, outcome.network.layers
    kept = 0 if problem.validation is None else len(problem.validation)
    rows = f"{len(problem.training):,} rows to train, {kept:,} to validate"
    classes = f", {len(preprocessor.classes)} classes" if preprocessor.classes else ""
    sizes = "-".join(str(size) for size in [layers[0].inputs, *(layer.outputs for layer in layers)])
    same = len(set(settings.activation)) == 1
    activation = settings.activation[0] if same else "-".join(settings.activation)
    parameters = sum(parameter.size for parameter in outcome.network.parameters())
    dropout = f", dropout {settings.dropout:g}" if settings.dropout else ""
    return [
        ("data", f"{problem.source}: {rows}"),
        ("task", f"{preprocessor.task} of {preprocessor.target_column.name!r}{classes}"),
        ("network", f"{sizes} neurons, {activation}{dropout}, {parameters:,} parameters"),
        ("training", _training(outcome)),
        *(("note", note) for note in _notes(outcome)),
    ]


def _training(outcome: Outcome) -> str:
    settings, history = outcome.settings, outcome.history
    return (
        f"{counted(len(history.epoch), 'epoch')}, {counted(history.steps, 'step')} of "
        f"{counted(settings.batch_size, 'row')}, "
        f"{settings.optimizer} with lr {settings.lr:g}, seed {settings.seed}; "
        f"{outcome.seconds:.1f} s"
    )


def _notes(outcome: Outcome) -> list[str]:
    notes = list(outcome.problem.notes)
    if outcome.settings.epochs_limited:
        notes.append("fewer epochs than usual, as each takes long; --epochs sets their number")
    notes += filter(None, (outcome.history.resumed, outcome.history.advice))
    if outcome.history.stopped:
        notes.append(
            f"{outcome.history.stopped}, in epoch {len(outcome.history.epoch)} of "
            f"{outcome.settings.epochs}"
        )
    return notes


def _results(outcome: Outcome) -> list[str]:
    """A table of the loss and metrics, in training and in validation."""
    values = outcome.values()
    loss, target = _loss(outcome.settings), outcome.problem.preprocessor.target_column.name
    remarks = {"loss": f"{loss}, the target standardised", "mae": f"in the units of {target!r}"}
    if outcome.problem.preprocessor.classes:
        remarks = {"loss": loss}
    rows = [f"{'':<10}{'train':>10}{'validation':>12}"]
    for name, value in values.items():
        if name != "lr" and not name.startswith("val_"):
            trained, kept = _number(value), _number(values.get(f"val_{name}", math.nan))
            rows.append(f"{name:<10}{trained:>10}{kept:>12}  {remarks.get(name, '')}".rstrip())
    if outcome.best_epoch is not None:
        number = outcome.best_epoch + 1
        rows.append(f"of epoch {number}, whose weights are kept, as it was the best in validation")
    return rows


def _loss(settings: Settings) -> str:
    smoothing = settings.label_smoothing
    return f"{settings.loss}, labels smoothed by {smoothing:g}" if smoothing else settings.loss


def _number(value: float) -> str:
    """A loss or metric; NaN is one that is not there, such as r2 of equal targets."""
    return "-" if math.isnan(value) else f"{value:.4g}"


def _suggestions(outcome: Outcome, folder: Path) -> list[Pair]:
    """Commands that use the model."""
    # In a fresh clone, where nothing is installed, there is no command `baregrad`.
    program = "python3 -m baregrad" if Path(sys.argv[0]).name == "__main__.py" else "baregrad"
    place = shlex.quote(str(folder))
    names = [column.name for column in outcome.problem.preprocessor.columns]
    columns = f"column{'s' * (len(names) > 1)} {', '.join(names)}"
    if len(columns) > 50:
        columns = "columns of the training data"
    picture = "network.svg" if (folder / SVG).exists() else "network.dot"
    again = [(f"{program} train --resume {place}", "to go on with the training")]
    return [
        *(again if outcome.history.resumable else []),
        (f"{program} predict {place} FILE.csv", f"for any table with the {columns}"),
        (f"{program} graph {place} --out {picture}", "to see what the network computes"),
    ]


def _in_columns(pairs: Iterable[Pair], indent: str = "") -> list[str]:
    """Lines with the second parts below each other."""
    return [indent + line for line in aligned(pairs).splitlines()]
