"""What training leaves behind: losses and metrics, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping

from baregrad.data.source import FilePath
from baregrad.errors import unknown_name


def cell(value: float) -> str:
    """A number in a CSV file; NaN, such as r2 of equal targets, is left empty."""
    return "" if value != value else str(value)


class History:
    """The record of a training, in the manner of Keras.

    Attributes:
        history: for each quantity (``"loss"``, ``"val_loss"``, metrics, ``"lr"``) its values, one
            for each epoch.
        epoch: the numbers of these epochs, from 0.
        steps: how many times the optimizer stepped.
        stopped: why training ended before its last epoch, in words; None if it did not.
        interrupted: whether Ctrl-C ended it.
        compiled: whether steps ran as machine code.
        fallback: why they did not, though it would have been worth it; else None.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.steps = 0
        self.stopped: str | None = None
        self.interrupted = False
        self.compiled = False
        self.fallback: str | None = None

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
        if name not in self.history:
            raise unknown_name("quantity", name, list(self.history))
        return self.history[name]

    def __contains__(self, name: object) -> bool:
        return name in self.history

    def last(self) -> dict[str, float]:
        """The values of the last epoch."""
        return {name: values[-1] for name, values in self.history.items()}

    def to_csv(self, path: FilePath) -> None:
        """Writes a table with a row for each epoch."""
        import csv  # not everybody saves a table

        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *self.history])
            columns = (map(cell, values) for values in self.history.values())
            writer.writerows(zip(self.epoch, *columns, strict=True))

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={value:.4g}" for name, value in self.last().items())
        return f"History({len(self.epoch)} epochs{': ' if last else ''}{last})"
