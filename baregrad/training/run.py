"""A training in progress: what callbacks see, and may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from baregrad.nn.module import Module
from baregrad.optim.optimizer import Optimizer
from baregrad.tensor.tensor import Tensor
from baregrad.training.history import History


class Steps(NamedTuple):
    """What some steps, of batches of one size, have given.

    Attributes:
        losses: of each.
        size: how many samples were in each batch.
        lr: the learning rate of the last.
        prediction: (samples of all batches, ...); None where nobody needs it.
        target: as the prediction.
    """

    losses: Sequence[float]
    size: int
    lr: float
    prediction: Tensor | None = None
    target: Tensor | None = None


class Run:
    """The state of a training in progress.

    Attributes:
        model: what is trained.
        optimizer: what updates its parameters.
        epochs: how many epochs are planned.
        steps_per_epoch: how many batches there are in an epoch.
        history: what has been recorded.
        epoch: the number of the present epoch, from 0.
        step: how many batches have been begun before the present one, in all epochs.
        prediction: the output for the present batch, from `on_loss` on, if the step is watched.
        loss: its loss, a scalar; with its graph if the step was watched, see `Callback`.
        losses: in `on_steps`, the losses of the steps since the last call.
        values: in `on_epoch_end`, this epoch's losses and metrics by name.
    """

    prediction: Tensor
    loss: Tensor

    def __init__(
        self, model: Module, optimizer: Optimizer, epochs: int, steps_per_epoch: int
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.history = History()
        self.epoch = 0
        self.step = 0
        self.losses: Sequence[float] = ()
        self.values: dict[str, float] = {}

    def stop(self, reason: str, resumable: bool = False) -> None:
        """Ends training after the present batch or epoch.

        Args:
            reason: in words, for the history.
            resumable: whether training is to go on from here when it is taken up again from a
                checkpoint, as after Ctrl-C. A reason to end for good comes before one to pause.
        """
        if resumable and self.stopped:
            return
        self.history.stopped, self.history.resumable = reason, resumable

    @property
    def stopped(self) -> bool:
        """Whether training is to end."""
        return self.history.stopped is not None


class Callback:
    """Something to be told how a training goes; override what is of interest.

    Large trainings run as machine code, many steps in one call, after which `on_steps` has their
    losses. A step that is *watched* runs as Python, with a graph and gradients to look at:
    `on_loss` comes after its forward pass and before its backward pass; `on_batch_end` after its
    gradients have been used, and are still there.
    """

    def watches(self, run: Run, step: int) -> bool:
        """Whether a step, numbered from 0, is to be watched.

        All are if `on_loss` or `on_batch_end` is overridden; say which, so that others are fast.
        """
        kind = type(self)
        return (
            kind.on_loss is not Callback.on_loss or kind.on_batch_end is not Callback.on_batch_end
        )

    def next_stop(self, run: Run) -> float:
        """After how many steps, counted as `run.step`, `on_steps` must be called; inf for any."""
        return inf

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it: numbers, texts and tensors, in dicts and lists."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned; called after `on_train_begin`."""

    def on_train_begin(self, run: Run) -> None:
        """Before the first epoch, or when a training is taken up: then `run` has its history."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of an epoch."""

    def on_loss(self, run: Run) -> None:
        """When the loss of a batch is known; of each step that somebody watches."""

    def on_batch_end(self, run: Run) -> None:
        """After the optimizer's step; of each step that somebody watches."""

    def on_steps(self, run: Run) -> None:
        """After some steps, at least some twenty times in a second; `run.losses` are theirs.

        If that must be after a certain step, override `next_stop`, too.
        """

    def on_epoch_end(self, run: Run) -> None:
        """After an epoch and its validation; `run.values` has the results."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch, however it ended, unless with an exception."""
