"""The learning-rate finder: a short training with an ever larger rate."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import pairwise
from typing import Any, NamedTuple

from baregrad.arguments import checked_count, checked_number
from baregrad.errors import NonFiniteError
from baregrad.nn.losses import Loss
from baregrad.nn.module import Module
from baregrad.optim.optimizer import Optimizer
from baregrad.tensor.tensor import as_tensor
from baregrad.training.evaluation import modes_of, set_modes
from baregrad.training.fit import fit
from baregrad.training.run import Callback, Run

SMOOTHING = 0.9  # how much of the running average of the losses is kept at each step
DIVERGED = 4.0  # the search ends when the loss is this many times the least so far


class LearningRates(NamedTuple):
    """The losses found at each learning rate, and the rate that they suggest.

    Attributes:
        rates: growing geometrically.
        losses: the loss at each, smoothed.
        suggestion: the rate at which the loss fell most steeply over the logarithm of the rate.
    """

    rates: list[float]
    losses: list[float]
    suggestion: float

    def __repr__(self) -> str:
        return f"LearningRates(suggestion={self.suggestion:.4g}, {len(self.rates)} rates tried)"


class _Sweep(Callback):
    """Notes the loss that each rate gives; ends training when it grows or the rates are over."""

    def __init__(self, rates: list[float]) -> None:
        self.rates = rates
        self.losses: list[float] = []
        self.average = 0.0

    def rule(self, step: int, rate: float) -> float:
        """The schedule: one rate after another; the last is kept until training has ended."""
        return self.rates[min(step, len(self.rates) - 1)]

    def on_steps(self, run: Run) -> None:
        """Notes the losses, up to where there is nothing more to learn from them."""
        for loss in run.losses:
            self.average = SMOOTHING * self.average + (1 - SMOOTHING) * loss
            smoothed = self.average / (1 - SMOOTHING ** (len(self.losses) + 1))
            self.losses.append(smoothed)
            if smoothed > DIVERGED * min(self.losses):
                run.stop("the loss grows")
                return
            if len(self.losses) == len(self.rates):
                run.stop("all rates have been tried")
                return


def find_learning_rate(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Loss = "mse",
    optimizer: str | Optimizer = "adam",
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int | None = None,
) -> LearningRates:
    """Trains for some batches with a growing learning rate, and says which rate is a good one.

    L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3.
    The model's weights are put back afterwards; an optimizer that is given is changed.

    Args:
        model: as for `fit`.
        x: as for `fit`.
        y: as for `fit`.
        loss: as for `fit`.
        optimizer: as for `fit`.
        low: the first rate.
        high: the last rate, unless the loss grows before.
        steps: how many rates.
        batch_size: as for `fit`.
        seed: as for `fit`.

    Raises:
        ArgumentError: rates not in order, or fewer than two steps; and as `fit`.
    """
    checked_number(low, "find_learning_rate: low", above=0)
    checked_number(high, "find_learning_rate: high", above=low, below=math.inf)
    checked_count(steps, "find_learning_rate: steps", 2)
    sweep = _Sweep([low * (high / low) ** (i / (steps - 1)) for i in range(steps)])
    before, modes = model.state_dict(), modes_of(model)
    inputs = as_tensor(x)
    samples = inputs.shape[0] if inputs.ndim else 0
    batch_size = checked_count(batch_size, "batch_size")
    epochs = math.ceil(steps / max(1, math.ceil(samples / batch_size)))
    try:
        with suppress(NonFiniteError):  # the rate before was already far too high
            fit(
                *(model, inputs, y, loss, optimizer, epochs, batch_size),
                callbacks=[sweep],
                schedule=sweep.rule,
                seed=seed,
            )
    finally:
        model.load_state_dict(before)
        set_modes(modes)
    rates = sweep.rates[: len(sweep.losses)]
    return LearningRates(rates, sweep.losses, _steepest(rates, sweep.losses))


def _steepest(rates: list[float], losses: list[float]) -> float:
    """The rate where the loss falls most, over equal steps of the logarithm of the rate."""
    falls = [before - after for before, after in pairwise(losses)]
    return rates[falls.index(max(falls))] if falls else rates[0]
