"""``baregrad train``: from data to a trained network, its history and its graph in a folder."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from baregrad.cli import INTERRUPTED
from baregrad.cli.config import write_config
from baregrad.cli.outcome import Outcome
from baregrad.cli.problem import Problem, problem_of
from baregrad.cli.progress import shown_progress
from baregrad.cli.report import summary
from baregrad.cli.run_files import write_run
from baregrad.cli.run_folder import CHECKPOINT, CONFIG, run_folder
from baregrad.cli.settings import (
    Settings,
    loss_for,
    network_for,
    optimizer_for,
    schedule_for,
    settings_for,
    targets_for,
)
from baregrad.data.preprocess import Preprocessor
from baregrad.data.targets import NumberTarget
from baregrad.errors import BaregradError, FileWriteError
from baregrad.tensor.tensor import Tensor
from baregrad.training import metrics
from baregrad.training.callbacks import EarlyStopping, TimeLimit
from baregrad.training.fit import fit
from baregrad.training.metrics import Metric
from baregrad.training.run import Callback
from baregrad.view.report.recorder import Recorder


def run(arguments: Namespace) -> int:
    """Trains, writes and reports."""
    problem = problem_of(arguments)
    settings = settings_for(problem, arguments)
    arguments.report = _is_reported(arguments.report)
    with run_folder(arguments.out, problem.name, arguments.resume) as folder:
        if arguments.resume is None:
            write_config(folder / CONFIG, arguments, problem, settings)
        with shown_progress(arguments.quiet) as callbacks, _kept(folder, arguments):
            more = _recording(arguments)
            outcome = trained(problem, settings, [*callbacks, *more], folder / CHECKPOINT)
        files = write_run(folder, outcome, arguments.report)
        if not outcome.history.resumable:
            shutil.rmtree(folder / CHECKPOINT)
    if not arguments.quiet:
        print(summary(outcome, folder, files))
    return INTERRUPTED if outcome.history.interrupted else 0


def _is_reported(asked: bool | None) -> bool:
    """Whether a report is to be written: by default where there is something to draw graphs."""
    return importlib.util.find_spec("pygraphviz") is not None if asked is None else asked


def _recording(arguments: Namespace) -> list[Callback]:
    """Callbacks for what was asked for."""
    limit = arguments.time_limit
    # a run that is gone on with may have the state of a recorder, which is given back to one
    records = arguments.report or arguments.resume is not None
    return [
        *([Recorder()] if records else []),
        *([TimeLimit(limit)] if limit is not None else []),
    ]


@contextmanager
def _kept(folder: Path, arguments: Namespace) -> Iterator[None]:
    """A block whose end by Ctrl-C or by error leaves what can be gone on with, and no more."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "taken up at step")  # the summary has a note of it
        try:
            yield
        except KeyboardInterrupt:
            print(f"baregrad train --resume {folder} goes on with this run", file=sys.stderr)
            raise
        except BaregradError as error:
            # the same error would come again, unless there is space on the disk then
            if arguments.resume is None and not isinstance(error, FileWriteError):
                shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
                (folder / CONFIG).unlink()
            raise


def trained(
    problem: Problem,
    settings: Settings,
    callbacks: Sequence[Callback],
    checkpoint: Path | None = None,
) -> Outcome:
    """A network trained on a problem, with the weights that it had when validation was best."""
    network = network_for(problem, settings)
    training, validation = problem.training, problem.validation
    # it keeps the best weights, too
    stopper = EarlyStopping(patience=settings.patience or settings.epochs)
    start = time.perf_counter()
    history = fit(
        network,
        training.x,
        targets_for(training, settings),
        loss_for(settings),
        optimizer_for(network, settings),
        settings.epochs,
        settings.batch_size,
        validation_data=(
            None if validation is None else (validation.x, targets_for(validation, settings))
        ),
        metrics=_metrics(problem.preprocessor),
        callbacks=[*callbacks, *([stopper] if validation else [])],
        schedule=schedule_for(settings, len(training)),
        seed=settings.seed,
        checkpoint=checkpoint,
    )
    seconds = time.perf_counter() - start
    best = stopper.best_epoch if validation else None
    return Outcome(problem, settings, network, history, best, seconds)


def _metrics(preprocessor: Preprocessor) -> list[str | Metric]:
    """Accuracy for classes; for numbers r2, and the absolute error in their own units."""
    target = preprocessor.target_column
    if not isinstance(target, NumberTarget):
        return ["accuracy"]

    def mae(prediction: Tensor, truth: Tensor) -> float:
        return target.scale * metrics.mae(prediction, truth)

    return ["r2", mae]
