"""What `fit` was asked to do, with every name resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from baregrad.nn.losses import Loss
from baregrad.nn.module import Module
from baregrad.optim.clip import clip_grad_norm
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.schedules import ReduceOnPlateau, Schedule
from baregrad.tensor.tensor import Tensor
from baregrad.training.metrics import Metric
from baregrad.training.run import Callback


class Task(NamedTuple):
    """What is trained, and how.

    Attributes:
        model: what is trained.
        loss: what is minimised.
        optimizer: what updates the model's parameters.
        schedule: of the learning rate, if there is one.
        metrics: by their names.
        callbacks: what is told of the progress.
        seed: of the order of the samples.
        compiled: whether steps run as machine code; None if their number and size decides.
        shuffle: whether there is another order in each epoch.
        clip_norm: the largest norm of the gradients of a step; None for any.
    """

    model: Module
    loss: Loss
    optimizer: Optimizer
    schedule: Schedule | None
    metrics: Mapping[str, Metric]
    callbacks: Sequence[Callback]
    seed: int
    compiled: bool | None
    shuffle: bool = True
    clip_norm: float | None = None

    def backward(self, loss: Tensor) -> None:
        """Zeroes the gradients, and computes those of a loss."""
        self.optimizer.zero_grad()
        loss.backward()
        if self.clip_norm is not None:
            clip_grad_norm(self.optimizer.parameters(), self.clip_norm)

    @property
    def step_schedule(self) -> Schedule | None:
        """The schedule, if it counts steps and not epochs."""
        return None if isinstance(self.schedule, ReduceOnPlateau) else self.schedule
