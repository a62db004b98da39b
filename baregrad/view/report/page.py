"""The report: one HTML file that needs no other, no network and no server."""

from __future__ import annotations

import json
import platform
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from baregrad.data.source import FilePath
from baregrad.engines import selection
from baregrad.errors import BaregradError, counted
from baregrad.files.atomic import write_atomically
from baregrad.tensor.graph import recording, tracing
from baregrad.training.evaluation import loss_of
from baregrad.training.history import History, Trained
from baregrad.version import __version__
from baregrad.view.labels import shape_text
from baregrad.view.report.layout import drawn
from baregrad.view.report.probe import probe, undisturbed
from baregrad.view.report.recorder import Moment, Recorder
from baregrad.view.report.records import Records, records_of
from baregrad.view.report.results import Labels, results
from baregrad.view.report.structure import Structure
from baregrad.view.report.summary import rounded
from baregrad.view.report.verdict import verdict
from baregrad.view.stepper import stepper

SAMPLES = 32  # that are looked at, where no recorder says how many
LARGEST = 1_500_000  # characters of recorded steps; of more, every second one is left out
ROWS = 200  # of the table of epochs
NAMED, LONGEST = 16, 80  # inputs that have names, and characters of each
STEPS = 150  # operations of the backward pass
WALKED = 2000  # tensors in a graph whose backward pass is walked through, at most
ROOMS = "elements", "charts", "results", "moments", "network", "histograms", "backward", "main"
MOVING = (
    "Graph, network and histograms below show the recorded step chosen with the slider: values and "
    "gradients of the loss of the same few training samples. Arrow keys move it."
)
STILL = (
    "There was no recorder in the training: graph, network and histograms below show its end, "
    "values and gradients of the loss of a few training samples."
)

Row = Sequence[object]


def write_report(history: History, path: FilePath, labels: Labels) -> None:
    """Writes the report of a training, see `History.report`.

    Args:
        history: of a `fit`.
        path: the file; one that was there is replaced.
        labels: what to call things.

    Raises:
        FileWriteError: the file cannot be written.
    """
    write_atomically(path, [html(history, labels).encode()])


def html(history: History, labels: Labels) -> str:
    """The page."""
    trained = history.trained
    assert trained is not None
    records = _records(history, trained)
    structure = records.structure
    graphs, missing = _graphs(structure)
    steps = _steps(trained, structure)
    found = results(trained, labels)
    data = {
        "history": rounded(history.history),
        "records": _thinned(records.each),
        "structure": structure.data(),
        "features": [name[:LONGEST] for name in labels.features[:NAMED]],
        "results": rounded(found),
        "steps": steps,
    }
    parts = {
        "TITLE": escape(labels.title),
        "VERDICT": escape(verdict(history.history, found)),
        "SUMMARY": table(_facts(history, labels), headers=0),
        "EPOCHS": table(_epochs(history), headers=1),
        "GRAPHS": graphs,
        "MISSING": "".join(f"<p class='note'>{escape(note)}</p>" for note in missing),
        "TIME": STILL if history.recorder is None else MOVING,
        "NOTE": escape(records.note),
        "MADE": table(_made(history), headers=0),
        "DATA": json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"),
        "STYLE": _file("report.css"),
        "SCRIPT": "".join(_file(f"{room}.js") for room in ROOMS),
    }
    parts["HASH"] = b64encode(sha256(parts["SCRIPT"].encode()).digest()).decode()
    # in one go, so that nothing in a part is taken for another part's place
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: parts[match[1]], _file("report.html"))


def _records(history: History, trained: Trained) -> Records:
    """What was in the graph at the moments that were kept; without a recorder, at the end."""
    recorder: Recorder | None = history.recorder
    if recorder is None:
        now = Moment(history.steps, len(history.epoch), trained.model.state_dict())
        return records_of(trained, [now], SAMPLES)
    return records_of(trained, recorder.moments, recorder.samples)


def _file(name: str) -> str:
    return (files("baregrad.view.report") / "static" / name).read_text(encoding="utf-8")


def table(rows: Iterable[Row], headers: int) -> str:
    """Rows as an HTML table; the first `headers` are headings, and so is the first cell of each."""
    lines = []
    for i, (first, *others) in enumerate(rows):
        mark, scope = ("th", " scope='col'") if i < headers else ("td", "")
        name = f"<th scope='{'col' if i < headers else 'row'}'>{escape(str(first))}</th>"
        cells = (f"<{mark}{scope}>{escape(str(cell))}</{mark}>" for cell in others)
        lines.append(f"<tr>{name}{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _facts(history: History, labels: Labels) -> list[Row]:
    trained = history.trained
    assert trained is not None
    model, count = trained.model, sum(p.size for p in trained.model.parameters())
    kept = len(trained.validation) if trained.validation else 0
    facts: list[Row] = [
        ("samples", f"{len(trained.samples):,} to train, {kept:,} to validate"),
        ("network", f"{type(model).__name__}({model.describe()}), {counted(count, 'parameter')}"),
        ("optimizer", f"{type(trained.optimizer).__name__}, batches of {trained.batch_size}"),
        ("training", f"{counted(len(history.epoch), 'epoch')}, {counted(history.steps, 'step')}"),
        *([("ended", history.stopped)] if history.stopped else []),
    ]
    shape = trained.samples.x.shape[1:]
    each = counted(shape[0], "number") if len(shape) == 1 else shape_text(shape)
    return [
        *(labels.facts or facts),
        ("inputs", _inputs(labels) or f"{each} for each sample"),
        ("loss", _loss_text(trained.loss)),
    ]


def _loss_text(loss: Any) -> str:
    """Its name, and the options of a `functools.partial`."""
    function, options = getattr(loss, "func", loss), getattr(loss, "keywords", {})
    name = getattr(function, "__name__", str(function))
    return ", ".join([name, *(f"{key}={value}" for key, value in options.items())])


def _inputs(labels: Labels) -> str:
    """The names of the features, as far as there is room."""
    count, some = len(labels.features), ", ".join(labels.features[:NAMED])
    return f"{count:,}: {some}{', …' if count > NAMED else ''}" if count else ""


def _epochs(history: History) -> list[Row]:
    """A row for each epoch; of many, for some."""
    every = -(-len(history.epoch) // ROWS) or 1
    values = zip(history.epoch, *history.history.values(), strict=True)
    rows = [[e + 1, *(f"{v:.4g}" for v in others)] for e, *others in values]
    return [["epoch", *history.history], *rows[::every]]


def _made(history: History) -> list[Row]:
    """Where the numbers come from, so that they can be made again."""
    trained = history.trained
    assert trained is not None
    engine = "machine code" if history.compiled else "Python"
    rows: list[Row] = [
        ("order of the samples", f"seed {trained.seed}"),
        ("baregrad", __version__),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("machine", f"{platform.system()} {platform.machine()}, engine {selection.engine()}"),
        ("steps ran as", engine + (f" ({history.fallback})" if history.fallback else "")),
        ("written", time.strftime("%Y-%m-%d %H:%M:%S %z")),
    ]
    if (recorder := history.recorder) is not None:
        spent = f"{recorder.seconds:.2f} s, of which recording took {recorder.spent:.3f} s"
        rows.append(("training took", spent))
    return rows


def _thinned(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records, or every second, fourth, ... of them if they are too large; always the last."""
    short: list[dict[str, Any]] = rounded(records)
    while len(short) > 2 and len(json.dumps(short, separators=(",", ":"))) > LARGEST:
        short = short[::-1][::2][::-1]
    return short


def _graphs(structure: Structure) -> tuple[str, list[str]]:
    """The drawing at each zoom, and in words what is missing."""
    parts, notes = [], [f"Zoom {zoom}: {n}." for zoom, ns in structure.notes.items() for n in ns]
    for zoom in structure.views:
        try:
            svg = drawn(structure, zoom)
        except BaregradError as error:
            return "", [*notes, f"The graph is not drawn: {error}. The table below has its nodes."]
        parts.append(
            f"<div class='drawing' data-zoom='{zoom}' hidden tabindex='0' role='region' "
            f"aria-label='Graph of {zoom}, scrolls'>{svg}</div>"
        )
    return "".join(parts), notes


def _steps(trained: Trained, structure: Structure) -> list[dict[str, Any]]:
    """The backward pass of one sample, as far as there is room."""
    if len(structure.trace.order) > WALKED:
        return []
    sample = probe(trained.samples, 1)
    with undisturbed(trained.model), recording(True), tracing():
        loss = loss_of(trained.loss, trained.model(sample.x), sample)
        walk = stepper(loss)
        return [walk.goto(i + 1).data() for i in range(min(len(walk), STEPS))]
