"""The learning-rate finder: a short training with an ever larger rate."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from baregrad.errors import ArgumentError, NonFiniteError
from baregrad.nn.losses import Loss
from baregrad.nn.module import Module
from baregrad.optim.optimizer import Optimizer
from baregrad.training.loop import fit
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


class _Sweep(Callback):
    """Multiplies the rate after each batch, and ends training when the loss grows or it is over."""

    def __init__(self, rates: list[float]) -> None:
        self.rates = rates
        self.losses: list[float] = []
        self.average = 0.0

    def on_train_begin(self, run: Run) -> None:
        """Sets the first rate."""
        run.optimizer.lr = self.rates[0]

    def on_batch_end(self, run: Run) -> None:
        """Notes the loss that the rate gave, and sets the next rate."""
        self.average = SMOOTHING * self.average + (1 - SMOOTHING) * run.loss.item()
        smoothed = self.average / (1 - SMOOTHING**run.step)
        self.losses.append(smoothed)
        if smoothed > DIVERGED * min(self.losses):
            run.stop("the loss grows")
        elif run.step == len(self.rates):
            run.stop("all rates have been tried")
        else:
            run.optimizer.lr = self.rates[run.step]


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
    if not 0 < low < high or steps < 2:
        raise ArgumentError(
            f"find_learning_rate needs 0 < low < high and two steps or more, not low={low}, "
            f"high={high}, steps={steps}"
        )
    sweep = _Sweep([low * (high / low) ** (i / (steps - 1)) for i in range(steps)])
    before = model.state_dict()
    training = model.training
    try:
        fit(model, x, y, loss, optimizer, steps, batch_size, callbacks=[sweep], seed=seed)
    except NonFiniteError:
        pass  # the rate before was already far too high
    finally:
        model.load_state_dict(before)
        model.train(training)
    rates = sweep.rates[: len(sweep.losses)]
    return LearningRates(rates, sweep.losses, _steepest(rates, sweep.losses))


def _steepest(rates: list[float], losses: list[float]) -> float:
    """The rate where the loss falls most, over equal steps of the logarithm of the rate."""
    falls = [before - after for before, after in pairwise(losses)]
    return rates[falls.index(max(falls))] if falls else rates[0]
