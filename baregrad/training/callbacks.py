"""Callbacks that most trainings can use."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import IO, Any

from baregrad.arguments import checked_count, checked_number
from baregrad.data.source import FilePath, checked_path
from baregrad.errors import FileWriteError, checked_name, counted
from baregrad.tensor.tensor import Tensor
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
        self.monitor = monitor
        self.patience = max(checked_count(patience, "patience", 0), 1)
        self.min_delta = checked_number(min_delta, "min_delta", least=0, below=math.inf)
        self.mode = mode if mode is None else checked_name("mode", mode, ["min", "max"])
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
        checked_name("quantity to monitor", monitor, run.values)
        mode = self.mode or ("max" if monitor.removeprefix("val_") in MORE_IS_BETTER else "min")
        value = run.values[monitor] if mode == "min" else -run.values[monitor]
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, run.epoch
            if self.restore_best:
                self.best_state = run.model.state_dict()
        elif run.epoch - (-1 if self.best_epoch is None else self.best_epoch) >= self.patience:
            run.stop(f"{monitor} has not improved for {counted(self.patience, 'epoch')}")

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
        self.path = checked_path(path)

    def on_train_begin(self, run: Run) -> None:
        """Empties the file, but for epochs that have been."""
        self._write("w", run.history.table() if run.history.epoch else [])

    def on_epoch_end(self, run: Run) -> None:
        """Adds a row, and before the first a header."""
        self._write("a", run.history.table(len(run.history.epoch) - 1))

    def _write(self, mode: str, rows: list[list[str]]) -> None:
        import csv  # not everybody keeps a log

        try:
            with open(self.path, mode, encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
        except OSError as error:
            raise FileWriteError(f"{self.path} cannot be written: {error.strerror}") from error


class TimeLimit(Callback):
    """Ends training when it has taken so long; a checkpoint made then goes on from there.

    Args:
        seconds: of this call of `fit`. The last step and validation come on top of them.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = checked_number(seconds, "a time limit in seconds", above=0, below=math.inf)

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
