"""`fit`: what training is asked for, checked and resolved, and then done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baregrad.arguments import checked_count, checked_number
from baregrad.data.source import FilePath
from baregrad.errors import ArgumentError
from baregrad.nn.losses import Loss, loss_named
from baregrad.nn.module import Module
from baregrad.optim.named import optimizer_named
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.schedules import Rule, Schedule
from baregrad.tensor import random
from baregrad.training.callbacks import Progress
from baregrad.training.finite import StopOnNonFinite
from baregrad.training.history import History
from baregrad.training.logits import check_logits, check_threshold
from baregrad.training.loop import Training
from baregrad.training.metrics import Metric, named_metrics
from baregrad.training.run import Callback
from baregrad.training.samples import checked_samples, validation_samples
from baregrad.training.task import Task


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
    compiled: bool | None = None,
    shuffle: bool = True,
    checkpoint: FilePath | None = None,
    checkpoint_every: float = 10.0,
    clip_norm: float | None = None,
) -> History:
    """Trains a model: minimises a loss over samples by stepping on its gradients.

    Steps run as machine code if there is enough to do (see `compiled`), and as Python otherwise.
    What is compiled is what the model and the loss do with tensors when they are called once; other
    Python code in them is not run again at each step.

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
        compiled: whether steps, and validation, run as machine code: by default if there is more
            than half a second's work for pure Python, False for never, True for always. Where it
            is not possible they run as Python, and the history's `fallback` says why.
        shuffle: whether the samples are in another order in each epoch; else it is always theirs.
        checkpoint: a folder for checkpoints of all that training depends on. If there is one in it,
            training goes on from there, and ends with the same weights, to the last bit, as if it
            had never been stopped, Python or processor killed; so call `fit` as then.
        checkpoint_every: seconds from one checkpoint to the next, at least; there is always one at
            the end, and after Ctrl-C.
        clip_norm: if given, the gradients of each step are scaled by one factor so that their norm
            is at most this, above 0; see `clip_grad_norm`.

    Returns:
        Losses and metrics, epoch by epoch. Those of training are averages over the epoch, while
        the model changed.

    Raises:
        DataError: no samples, x and y of different length, or NaN among them.
        ShapeError: predictions and targets do not fit.
        ArgumentError: a number out of range, an unknown name, a model that ends in a sigmoid or
            softmax for a loss or metric that wants logits, or an optimizer of another model.
        NonFiniteError: the loss became infinite or NaN.
        FileWriteError: a checkpoint cannot be written, or another process trains with its folder;
            the checkpoints there are as they were.
        ModelFileError: there are checkpoints, and none of them can be read.

    Ctrl-C ends training after the present batch, with the weights it has.
    """
    epochs = checked_count(epochs, "epochs", 0)
    batch_size = checked_count(batch_size, "batch_size")
    if not isinstance(model, Module):
        raise ArgumentError(f"the model must be a Module, such as an MLP, not {model!r}")
    checked_loss = loss_named(loss)
    measured = named_metrics(metrics)
    check_logits(model, checked_loss)
    check_threshold(model, measured)
    samples, validation = validation_samples(
        checked_samples(x, y, sample_weight, what="training data"),
        validation_data,
        validation_split,
    )
    optimizer = _optimizer_of(model, optimizer)
    task = Task(
        model=model,
        loss=checked_loss,
        optimizer=optimizer,
        schedule=_schedule_of(optimizer, schedule),
        metrics=measured,
        callbacks=[StopOnNonFinite(), *([Progress()] if verbose else []), *_checked(callbacks)],
        seed=random.default.bits(1)[0] if seed is None else seed,
        compiled=compiled,
        shuffle=shuffle,
        clip_norm=None if clip_norm is None else checked_number(clip_norm, "clip_norm", above=0),
    )
    training = Training(task, samples, epochs, batch_size)
    if checkpoint is None:
        return training.train(validation)
    # most trainings are short, and need not load this
    from baregrad.training.checkpoint import Checkpoints
    from baregrad.training.fingerprint import fingerprint

    settings = fingerprint(
        *(task, samples, validation), epochs=epochs, batch_size=batch_size, seed=seed
    )
    with Checkpoints(checkpoint, checkpoint_every, settings) as checkpoints:
        training.resume(checkpoints)
        return training.train(validation)


def _optimizer_of(model: Module, optimizer: str | type[Optimizer] | Optimizer) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        return optimizer_named(optimizer)(model.parameters())
    if set(model.parameters()).isdisjoint(optimizer.parameters()):
        raise ArgumentError(
            "the optimizer has none of the model's parameters, and would train something else; "
            "make it with model.parameters()"
        )
    return optimizer


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
    listed = isinstance(callbacks, list | tuple)
    if not listed or not all(isinstance(callback, Callback) for callback in callbacks):
        raise ArgumentError(
            f"callbacks must be a list of Callback objects, not {callbacks!r}; for a function, "
            "there is LambdaCallback(function)"
        )
    return callbacks
