"""The training loop: forward, loss, zero the gradients, backward, step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from baregrad.data.batches import batches
from baregrad.errors import ArgumentError
from baregrad.nn.losses import Loss, loss_named
from baregrad.nn.module import Module
from baregrad.optim.named import optimizer_named
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.schedules import ReduceOnPlateau, Rule, Schedule
from baregrad.tensor import random
from baregrad.tensor.tensor import Tensor
from baregrad.training.callbacks import Progress, StopOnNonFinite
from baregrad.training.evaluation import assess, training_loss
from baregrad.training.history import History
from baregrad.training.interrupt import Interrupt
from baregrad.training.metrics import Averages, Metric, named_metrics
from baregrad.training.run import Callback, Run
from baregrad.training.samples import Samples, checked_samples, validation_samples


def fit(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Loss = "mse",
    optimizer: str | type[Optimizer] | Optimizer = "adam",
    epochs: int = 100,
    batch_size: int = 32,
    validation_data: Sequence[Any] | None = None,
    validation_split: float = 0.0,
    metrics: Sequence[str | Metric] = (),
    callbacks: Sequence[Callback] = (),
    schedule: Schedule | Rule | None = None,
    sample_weight: Any = None,
    seed: int | None = None,
    verbose: bool = False,
) -> History:
    """Trains a model: minimises a loss over samples by stepping on its gradients.

    Args:
        model: from (samples, ...) to predictions. It is left in prediction mode.
        x: (samples, ...), a tensor, nested lists or a buffer.
        y: (samples, ...), of the shape of the predictions or as the loss wants it.
        loss: the name of a loss, or a function of predictions and targets.
        optimizer: the name or class of an optimizer, for its default settings, or one made with
            the model's parameters.
        epochs: how many times to go through all samples.
        batch_size: how many samples to a step; the last batch of an epoch may be smaller.
        validation_data: (x, y) or (x, y, sample_weight) to assess after each epoch.
        validation_split: instead, the share of the samples to keep back for that: the last ones.
        metrics: names or functions, in the history beside the loss.
        callbacks: what to tell of the progress; see `Callback`.
        schedule: of the learning rate: a rule, or a Schedule made with `optimizer`. A rule counts
            steps, that is batches; `ReduceOnPlateau` looks at the (validation) loss of each epoch.
        sample_weight: (samples,), how much each sample counts, 0 or more: a sample of weight 2
            pulls as two samples of weight 1 do.
        seed: of the order of the samples, which depends on nothing else.
        verbose: print a line some twenty times.

    Returns:
        Losses and metrics, epoch by epoch. Those of training are averages over the epoch, while
        the model changed.

    Raises:
        DataError: no samples, x and y of different length, or NaN among them.
        ShapeError: predictions and targets do not fit.
        ArgumentError: a number out of range or an unknown name.
        NonFiniteError: the loss became infinite or NaN.

    Ctrl-C ends training after the present batch, with the weights it has.
    """
    _check_count("epochs", epochs, 0)
    _check_count("batch_size", batch_size, 1)
    samples, validation = validation_samples(
        checked_samples(x, y, sample_weight, what="training data"),
        validation_data,
        validation_split,
    )
    if not isinstance(optimizer, Optimizer):
        optimizer = optimizer_named(optimizer)(model.parameters())
    training = Training(
        model=model,
        loss=loss_named(loss),
        optimizer=optimizer,
        schedule=_schedule_of(optimizer, schedule),
        metrics=named_metrics(metrics),
        callbacks=[StopOnNonFinite(), *([Progress()] if verbose else []), *_checked(callbacks)],
        seed=random.default.bits(1)[0] if seed is None else seed,
    )
    return training.train(samples, validation, epochs, batch_size)


def _schedule_of(optimizer: Optimizer, schedule: Schedule | Rule | None) -> Schedule | None:
    if schedule is None:
        return None
    if not isinstance(schedule, Schedule):
        return Schedule(optimizer, schedule)
    if schedule.optimizer is not optimizer:
        raise ArgumentError(
            "the schedule was made for another optimizer than the one that trains; pass both, or "
            "pass the schedule's rule alone"
        )
    return schedule


def _checked(callbacks: Sequence[Callback]) -> Sequence[Callback]:
    given = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    for callback in given:
        if not isinstance(callback, Callback) or given is not callbacks:
            raise ArgumentError(
                f"callbacks must be a list of Callback objects, not {callbacks!r}; for a function, "
                "there is LambdaCallback(function)"
            )
    return callbacks


def _check_count(name: str, value: int, least: int) -> None:
    if not isinstance(value, int) or value < least:
        raise ArgumentError(f"{name} must be an integer of at least {least}, not {value!r}")


class Training:
    """What `fit` was asked to do, with every name resolved."""

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        schedule: Schedule | None,
        metrics: Mapping[str, Metric],
        callbacks: Sequence[Callback],
        seed: int,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule
        self.metrics = metrics
        self.callbacks = callbacks
        self.seed = seed

    def train(
        self, samples: Samples, validation: Samples | None, epochs: int, batch_size: int
    ) -> History:
        """Goes through the samples `epochs` times, or until something stops it."""
        run = Run(self.model, self.optimizer, epochs, -(-len(samples) // batch_size))
        self._tell("on_train_begin", run)
        with Interrupt() as interrupt:
            for run.epoch in range(epochs):
                self._tell("on_epoch_begin", run)
                order = batches(len(samples), batch_size, self.seed, run.epoch)
                run.values = self._epoch(run, map(samples.take, order), interrupt)
                if validation is not None:
                    found = assess(self.model, validation, self.loss, self.metrics)
                    run.values |= {f"val_{name}": value for name, value in found.items()}
                if isinstance(self.schedule, ReduceOnPlateau):
                    self.schedule.step(run.values.get("val_loss", run.values["loss"]))
                run.history.add(run.epoch, run.values)
                run.history.steps = run.step
                self._tell("on_epoch_end", run)
                self._heed(interrupt, run)  # it may have come during validation
                if run.stopped:
                    break
        self._tell("on_train_end", run)
        self.model.eval()
        return run.history

    def _epoch(self, run: Run, order: Iterable[Samples], interrupt: Interrupt) -> dict[str, float]:
        """Goes through the batches once; the epoch's loss and metrics."""
        self.model.train()
        averages = Averages(self.metrics)
        for batch in order:
            lr = self.optimizer.lr
            self._step(run, batch)
            averages.add(run.loss.item(), run.prediction, batch.y)
            run.step += 1
            if self.schedule and not isinstance(self.schedule, ReduceOnPlateau):
                self.schedule.step()
            self._tell("on_batch_end", run)
            self._heed(interrupt, run)
            if run.stopped:
                break
        return averages.values() | {"lr": lr}

    def _step(self, run: Run, batch: Samples) -> None:
        """Forward, loss, zero the gradients, backward, step.

        The optimizer asks for the gradients; most ask once, L-BFGS several times.
        """

        def gradients() -> Tensor:
            run.prediction = self.model(batch.x)
            run.loss = training_loss(self.loss, run.prediction, batch)
            self._tell("on_loss", run)
            self.optimizer.zero_grad()
            run.loss.backward()
            return run.loss

        self.optimizer.step(gradients)

    def _heed(self, interrupt: Interrupt, run: Run) -> None:
        if interrupt.requested:
            run.history.interrupted = True
            run.stop("interrupted by Ctrl-C")

    def _tell(self, event: str, run: Run) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(run)
