"""What training leaves behind: losses and metrics, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from baregrad.data.source import FilePath
from baregrad.errors import ArgumentError, checked_name, counted
from baregrad.files.atomic import write_atomically
from baregrad.nn.losses import Loss
from baregrad.nn.module import Module
from baregrad.optim.optimizer import Optimizer
from baregrad.training.samples import Samples


class Trained(NamedTuple):
    """What was trained, and how, for a report.

    Attributes:
        model: with the weights that it has now.
        loss: what was minimised.
        optimizer: how.
        samples: on what.
        validation: what the model was assessed with after each epoch, if anything.
        batch_size: how many samples to a step.
        seed: of the order of the samples.
    """

    model: Module
    loss: Loss
    optimizer: Optimizer
    samples: Samples
    validation: Samples | None
    batch_size: int
    seed: int


class History:
    """The record of a training, in the manner of Keras.

    Attributes:
        history: for each quantity (``"loss"``, ``"val_loss"``, metrics, ``"lr"``) its values, one
            for each epoch.
        epoch: the numbers of these epochs, from 0.
        steps: how many times the optimizer stepped.
        stopped: why training ended before its last epoch, in words; None if it did not.
        interrupted: whether Ctrl-C ended it.
        resumable: whether it ended so that a checkpoint goes on from there: by Ctrl-C or for time.
        resumed: from which checkpoint it was taken up, in words; None if it was not.
        compiled: whether steps ran as machine code.
        fallback: why they did not, though it would have been worth it; else None.
        advice: words on a loss that has risen, and what to do; None if it has not.
        trained: what was trained.
        recorder: the `Recorder` among the callbacks, if there was one.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.steps = 0
        self.stopped: str | None = None
        self.interrupted = False
        self.resumable = False
        self.resumed: str | None = None
        self.compiled = False
        self.fallback: str | None = None
        self.advice: str | None = None
        self.trained: Trained | None = None
        self.recorder: Any = None

    def add(self, epoch: int, values: Mapping[str, float]) -> None:
        """Records the values of an epoch."""
        self.epoch.append(epoch)
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> list[float]:
        """The values of one quantity.

        Raises:
            ArgumentError: nothing of this name was recorded.
        """
        return self.history[checked_name("quantity", name, self.history)]

    def __contains__(self, name: object) -> bool:
        return name in self.history

    def last(self) -> dict[str, float]:
        """The values of the last epoch."""
        return {name: values[-1] for name, values in self.history.items()}

    def table(self, first: int = 0) -> list[list[str]]:
        """A row for each epoch from a place on, the first one being below a header.

        NaN, such as r2 of equal targets, is left empty.
        """
        columns = (
            ["" if value != value else str(value) for value in values[first:]]
            for values in self.history.values()
        )
        rows = [list(row) for row in zip(map(str, self.epoch[first:]), *columns, strict=True)]
        return rows if first else [["epoch", *self.history], *rows]

    def to_csv(self, path: FilePath) -> None:
        """Writes a table with a row for each epoch.

        Raises:
            FileWriteError: the file cannot be written.
        """
        import csv  # not everybody saves a table
        from io import StringIO

        text = StringIO()
        csv.writer(text).writerows(self.table())
        write_atomically(path, [text.getvalue().encode()])

    def report(
        self,
        path: FilePath,
        title: str = "Training report",
        features: Sequence[str] = (),
        classes: Sequence[str] = (),
        target: str = "target",
    ) -> None:
        """Writes a page that shows the training: curves, results, the graph, the network.

        With a `Recorder` among the callbacks of `fit` it shows them through time, else as they are
        now. It is one HTML file, which needs nothing else and opens from disk.

        Args:
            path: the file; one that was there is replaced.
            title: of the page.
            features: names of the inputs, such as `Preprocessor.feature_names`.
            classes: names of the classes, if one of them is predicted.
            target: name of what is predicted.

        Raises:
            ArgumentError: this is not the history of a `fit`.
            FileWriteError: the file cannot be written.
        """
        if self.trained is None:
            raise ArgumentError("there is nothing to report: this history is not that of a fit")
        # pictures are a floor above, and loaded only when somebody wants one
        page = import_module("baregrad.view.report.page")
        page.write_report(self, path, page.Labels(title, (), features, target, classes))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from baregrad.training import curves  # only notebooks need them

        return curves.shown(repr(self), self.history)

    def __getstate__(self) -> dict[str, Any]:
        """To pickle and copy: the record alone, without the model and what it learned from."""
        return {**vars(self), "trained": None, "recorder": None}

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={value:.4g}" for name, value in self.last().items())
        advice = f"; {self.advice}" if self.advice else ""
        epochs = counted(len(self.epoch), "epoch")
        return f"History({epochs}{': ' if last else ''}{last}{advice})"
