"""What a training came to."""

from __future__ import annotations

from typing import NamedTuple

from baregrad.cli.problem import Problem
from baregrad.cli.settings import Settings
from baregrad.nn.mlp import MLP
from baregrad.training.history import History


class Outcome(NamedTuple):
    """A trained network, and all that is known of it.

    Attributes:
        problem: what it learned.
        settings: how.
        network: with the weights of the best epoch.
        history: losses and metrics of all epochs.
        best_epoch: the number of the epoch with the least validation loss, from 0; None if no
            rows were kept back.
        seconds: how long it took.
    """

    problem: Problem
    settings: Settings
    network: MLP
    history: History
    best_epoch: int | None
    seconds: float

    def values(self) -> dict[str, float]:
        """The losses and metrics of the epoch whose weights the network has."""
        epoch = -1 if self.best_epoch is None else self.best_epoch
        return {name: values[epoch] for name, values in self.history.history.items()}
