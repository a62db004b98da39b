"""Callbacks that most trainings can use."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import IO, Any

from baregrad.data.source import FilePath
from baregrad.errors import ArgumentError, FileWriteError, unknown_name
from baregrad.nn.layers import checked_count
from baregrad.tensor.tensor import Tensor
from baregrad.training.history import cell
from baregrad.training.metrics import MORE_IS_BETTER
from baregrad.training.run import Callback, Run


class EarlyStopping(Callback):
    """Ends training when a quantity has not improved for some epochs.

    Args:
        monitor: the quantity; by default ``"val_loss"`` if there is validation, else ``"loss"``.
        patience: training ends when it has failed to improve for so many epochs, one at least.
        min_delta: the least change that counts as an improvement.
        mode: ``"min"`` if less is better, ``"max"`` if more is; None finds out by the name: more is
            better of r2 and of the library's metrics of classes, and less of anything else.
        restore_best: put back the weights of the best epoch when training ends.
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore_best: bool = True,
    ) -> None:
        if mode not in (None, "min", "max"):
            raise unknown_name("mode", mode, ["min", "max"])
        if patience < 0 or min_delta < 0:
            raise ArgumentError(
                f"patience and min_delta must not be negative: {patience}, {min_delta}"
            )
        self.monitor = monitor
        self.patience = max(patience, 1)
        self.min_delta = min_delta
        self.mode = mode
        self.restore_best = restore_best

    def on_train_begin(self, run: Run) -> None:
        """Forgets an earlier training."""
        self.best = math.inf
        self.best_epoch: int | None = None
        self.best_state: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """The best so far."""
        return {"best": self.best, "epoch": self.best_epoch, "state": self.best_state}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned."""
        self.best, self.best_epoch, self.best_state = (saved[n] for n in ("best", "epoch", "state"))

    def on_epoch_end(self, run: Run) -> None:
        """Compares the epoch with the best so far."""
        monitor = self.monitor or ("val_loss" if "val_loss" in run.values else "loss")
        if monitor not in run.values:
            raise unknown_name("quantity to monitor", monitor, list(run.values))
        mode = self.mode or ("max" if monitor.removeprefix("val_") in MORE_IS_BETTER else "min")
        value = run.values[monitor] if mode == "min" else -run.values[monitor]
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, run.epoch
            if self.restore_best:
                self.best_state = run.model.state_dict()
        elif run.epoch - (-1 if self.best_epoch is None else self.best_epoch) >= self.patience:
            run.stop(f"{monitor} has not improved for {self.patience} epochs")

    def on_train_end(self, run: Run) -> None:
        """Puts back the best weights."""
        if self.best_state:
            run.model.load_state_dict(self.best_state)


class CSVLog(Callback):
    """Writes a row of losses and metrics for each epoch to a file, as training goes.

    Args:
        path: the file; it is written anew, with the epochs of before if training is taken up.
    """

    def __init__(self, path: FilePath) -> None:
        self.path = path

    def on_train_begin(self, run: Run) -> None:
        """Empties the file, but for epochs that have been."""
        history = run.history
        try:
            open(self.path, "w", encoding="utf-8").close()
        except OSError as error:
            raise FileWriteError(f"{self.path} cannot be written: {error.strerror}") from error
        for epoch, *values in zip(history.epoch, *history.history.values(), strict=True):
            self._add(history.history, epoch, values)

    def on_epoch_end(self, run: Run) -> None:
        """Adds a row, and before the first a header."""
        self._add(run.values, run.epoch, run.values.values())

    def _add(self, names: Iterable[str], epoch: int, values: Iterable[float]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            if file.tell() == 0:
                file.write(",".join(["epoch", *names]) + "\n")
            file.write(",".join([str(epoch), *map(cell, values)]) + "\n")


class TimeLimit(Callback):
    """Ends training when it has taken so long; a checkpoint made then goes on from there.

    Args:
        seconds: of this call of `fit`. The last step and validation come on top of them.
    """

    def __init__(self, seconds: float) -> None:
        if not 0 < seconds < math.inf:
            raise ArgumentError(f"a time limit must be seconds, more than 0, not {seconds!r}")
        self.seconds = seconds

    def on_train_begin(self, run: Run) -> None:
        """Looks at the clock."""
        self.begin = perf_counter()

    def on_steps(self, run: Run) -> None:
        """Looks again."""
        if perf_counter() - self.begin >= self.seconds:
            run.stop(f"the time limit of {self.seconds:g} s is reached", resumable=True)


class Progress(Callback):
    """Prints a line with losses and metrics, some twenty times in a training.

    Before the first, it says why a large training does not run as machine code, if it does not.

    Args:
        lines: about how many lines.
        file: where to; standard output by default.
    """

    def __init__(self, lines: int = 20, file: IO[str] | None = None) -> None:
        self.lines = checked_count(lines, "the number of lines")
        self.file = file

    def on_epoch_end(self, run: Run) -> None:
        """Prints the line, if it is time for one."""
        if run.epoch == 0 and run.history.fallback is not None:
            print(f"runs as Python: {run.history.fallback}", file=self.file)
        every = max(1, run.epochs // self.lines)
        if (run.epoch + 1) % every == 0 or run.epoch in (0, run.epochs - 1) or run.stopped:
            print(progress_line(run), file=self.file, flush=True)


def progress_line(run: Run) -> str:
    """For example ``epoch  10/100  loss 0.1234  val_loss 0.2345``."""
    width = len(str(run.epochs))
    values = "  ".join(f"{name} {value:.4g}" for name, value in run.values.items())
    return f"epoch {run.epoch + 1:>{width}}/{run.epochs}  {values}"


class LambdaCallback(Callback):
    """Calls a function after each epoch: ``LambdaCallback(lambda run: print(run.values))``."""

    def __init__(self, on_epoch_end: Callable[[Run], None]) -> None:
        self.function = on_epoch_end

    def on_epoch_end(self, run: Run) -> None:
        """Calls it."""
        self.function(run)
