"""The files of a run: the model, its history, its graph, and a report of all."""

from __future__ import annotations

import math
from pathlib import Path

from baregrad.cli.model_file import MODEL_FILE
from baregrad.cli.outcome import Outcome
from baregrad.cli.report import facts
from baregrad.cli.run_folder import CONFIG, DOT, HISTORY, REPORT, SVG
from baregrad.cli.settings import loss_for, targets_for
from baregrad.data.targets import NumberTarget
from baregrad.errors import BaregradError, MissingExtraError, counted
from baregrad.files.model import save_model
from baregrad.view.drawing import Drawing
from baregrad.view.graph import draw_graph
from baregrad.view.report.results import Labels

DRAWN_ROWS = 4  # few enough for every number to be shown


def write_run(folder: Path, outcome: Outcome, report: bool) -> dict[str, str]:
    """Writes the files of a run; with the `report`, if its moments were recorded.

    Returns:
        For each file, by its name, what is in it; or why it is not there.
    """
    # JSON has no NaN, which is what r2 of equal targets is.
    final = {name: None if math.isnan(v) else v for name, v in outcome.values().items()}
    save_model(
        folder / MODEL_FILE,
        outcome.network,
        outcome.problem.preprocessor,
        {**outcome.settings._asdict(), "data": outcome.problem.source, "final": final},
    )
    outcome.history.to_csv(folder / HISTORY)
    drawing = loss_graph(outcome)
    drawing.save(folder / DOT)
    what = "the graph of the loss of a small batch, with values and gradients"
    if drawing.folded:
        what = f"{what}, {drawing.folded}"
    files = {
        MODEL_FILE: "the network, and how to read tables for it",
        CONFIG: "the settings; train --config repeats the run",
        HISTORY: "losses and metrics of each epoch",
        DOT: what,
        SVG: _save_svg(drawing, folder / SVG),
    }
    if report:
        # loaded only where there is to be one
        from baregrad.view.report.page import write_report

        write_report(outcome.history, folder / REPORT, _labels(outcome))
        files[REPORT] = "all of this as a page: curves, results, the graph as it learned"
    return files


def _labels(outcome: Outcome) -> Labels:
    """What things are called in the data."""
    preprocessor = outcome.problem.preprocessor
    target = preprocessor.target_column
    units = (target.mean, target.scale) if isinstance(target, NumberTarget) else (0.0, 1.0)
    said = facts(outcome)
    if outcome.best_epoch is not None:
        said.append(("weights", f"of epoch {outcome.best_epoch + 1}, the best in validation"))
    names = preprocessor.feature_names, target.name, preprocessor.classes
    return Labels(f"{outcome.problem.name}: training report", said, *names, *units)


def _save_svg(drawing: Drawing, path: Path) -> str:
    """Saves the picture; if there is no Graphviz, or it fails, a run is complete without."""
    try:
        drawing.save(path)
    except MissingExtraError:
        return f"not drawn: pip install 'baregrad[view]'; {DOT} has the text"
    except BaregradError as error:
        return f"not drawn: {error}"
    return "the same as a picture"


def loss_graph(outcome: Outcome) -> Drawing:
    """The graph of the loss of a few training rows, with the gradients of all that leads to it."""
    network, settings = outcome.network, outcome.settings
    rows = outcome.problem.training
    x, y = (t[:DRAWN_ROWS].detach() for t in (rows.x, targets_for(rows, settings)))
    x.name, y.name = "x", "y"
    for parameter in network.parameters():
        parameter.grad = None
    loss = loss_for(settings)(network(x), y)
    loss.name = "loss"
    loss.backward()
    title = f"{outcome.problem.name}: {settings.loss} of {counted(len(x), 'row')}"
    return draw_graph(loss, title=title)
