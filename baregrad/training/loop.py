"""The training loop: forward, loss, zero the gradients, backward, step."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from baregrad.data.batches import epoch_order
from baregrad.data.source import FilePath
from baregrad.errors import ArgumentError
from baregrad.nn.losses import Loss, loss_named
from baregrad.nn.module import Module
from baregrad.optim.named import optimizer_named
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.schedules import ReduceOnPlateau, Rule, Schedule
from baregrad.tensor import random
from baregrad.tensor.tensor import Tensor
from baregrad.training.callbacks import Progress
from baregrad.training.compiling import training_pays
from baregrad.training.evaluation import Assessment, training_loss
from baregrad.training.finite import StopOnNonFinite
from baregrad.training.history import History, Trained
from baregrad.training.interrupt import Interrupt
from baregrad.training.logits import check_logits
from baregrad.training.metrics import Averages, Metric, named_metrics
from baregrad.training.run import Callback, Run, Steps
from baregrad.training.samples import Samples, checked_samples, validation_samples
from baregrad.training.task import Task

if TYPE_CHECKING:
    from baregrad.training.checkpoint import Checkpoints
    from baregrad.training.native_steps import NativeSteps


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

    Returns:
        Losses and metrics, epoch by epoch. Those of training are averages over the epoch, while
        the model changed.

    Raises:
        DataError: no samples, x and y of different length, or NaN among them.
        ShapeError: predictions and targets do not fit.
        ArgumentError: a number out of range, an unknown name, or a model that ends in a sigmoid or
            softmax for a loss that applies it itself.
        NonFiniteError: the loss became infinite or NaN.
        FileWriteError: a checkpoint cannot be written, or another process trains with its folder;
            the checkpoints there are as they were.
        ModelFileError: there are checkpoints, and none of them can be read.

    Ctrl-C ends training after the present batch, with the weights it has.
    """
    _check_count("epochs", epochs, 0)
    _check_count("batch_size", batch_size, 1)
    checked_loss = loss_named(loss)
    check_logits(model, checked_loss)
    samples, validation = validation_samples(
        checked_samples(x, y, sample_weight, what="training data"),
        validation_data,
        validation_split,
    )
    if not isinstance(optimizer, Optimizer):
        optimizer = optimizer_named(optimizer)(model.parameters())
    task = Task(
        model=model,
        loss=checked_loss,
        optimizer=optimizer,
        schedule=_schedule_of(optimizer, schedule),
        metrics=named_metrics(metrics),
        callbacks=[StopOnNonFinite(), *([Progress()] if verbose else []), *_checked(callbacks)],
        seed=random.default.bits(1)[0] if seed is None else seed,
        compiled=compiled,
        shuffle=shuffle,
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
    """A training under way.

    Args:
        task: what is trained, and how.
        samples: on what.
        epochs: how many times to go through them.
        batch_size: how many samples to a step.
    """

    def __init__(self, task: Task, samples: Samples, epochs: int, batch_size: int) -> None:
        self.task = task
        self.samples = samples
        self.batch_size = batch_size
        steps_per_epoch = -(-len(samples) // batch_size)
        self.run = Run(task.model, task.optimizer, epochs, steps_per_epoch)
        self.native = self._native_steps() if task.compiled is not False else None
        self.first_epoch = 0
        self.averages = Averages(task.metrics)  # of the present epoch
        self.checkpoints: Checkpoints | None = None
        self._is_broken_off = False  # whether the epoch has steps left for another time

    def resume(self, checkpoints: Checkpoints) -> None:
        """Goes to where the last checkpoint was made, if there is one; makes them from now on."""
        self.checkpoints = checkpoints
        checkpoints.load(self)
        if self.native is not None and self.run.history.fallback is not None:
            self.native.fallback = self.run.history.fallback  # what was Python stays so

    def train(self, validation: Samples | None) -> History:
        """Goes through the samples again and again, until something stops it."""
        run, task = self.run, self.task
        assessment = Assessment(task, validation, run.epochs) if validation is not None else None
        run.history.trained = Trained(
            *(task.model, task.loss, task.optimizer, self.samples, validation),
            *(self.batch_size, task.seed),
        )
        self._tell("on_train_begin")
        if self.checkpoints is not None:
            self.checkpoints.begin(self)
        epochs = range(self.first_epoch, 0 if run.stopped else run.epochs)
        with Interrupt() as interrupt:
            for run.epoch in epochs:
                if not self.averages.count:  # it is not in the midst of an epoch
                    self._tell("on_epoch_begin")
                if run.stopped:
                    break
                run.values = self._epoch(interrupt)
                run.values |= assessment.values() if assessment is not None else {}
                if isinstance(task.schedule, ReduceOnPlateau):
                    task.schedule.step(run.values.get("val_loss", run.values["loss"]))
                run.history.add(run.epoch, run.values)
                run.history.steps = run.step
                self._tell("on_epoch_end")
                self._heed(interrupt)  # it may have come during validation
                if not self._is_broken_off:
                    self._save(run.epoch + 1, at_once=run.stopped or run.epoch == epochs[-1])
                if run.stopped:
                    break
        run.history.resumable |= self._is_broken_off
        self._tell("on_train_end")
        task.model.eval()
        return run.history

    def _epoch(self, interrupt: Interrupt) -> dict[str, float]:
        """Goes through the batches, or those that are left; the epoch's loss and metrics."""
        run = self.run
        self.task.model.train()
        if self.native is not None:
            self.native.begin_epoch()
        averages = self.averages
        order = self._order()[averages.count :]
        while order and not run.stopped:
            steps = self._many(order) or self._one(order[: self.batch_size])
            order = order[len(steps.losses) * steps.size :]
            averages.add(steps)
            run.losses = steps.losses
            self._tell("on_steps")
            self._heed(interrupt)
            self._is_broken_off = bool(order) and run.history.resumable
            if self._is_broken_off or (order and not run.stopped):
                self._save(run.epoch, at_once=self._is_broken_off)
        self.averages = Averages(self.task.metrics)
        return averages.values() | {"lr": steps.lr}

    def _order(self) -> array[int]:
        """The numbers of the samples, as this epoch goes through them."""
        samples = len(self.samples)
        if self.task.shuffle:
            return epoch_order(samples, self.task.seed, self.run.epoch)
        return array("q", range(samples))

    def _one(self, numbers: array[int]) -> Steps:
        """One step, on the samples of these numbers."""
        run, task = self.run, self.task
        batch, lr = self.samples.take(numbers), task.optimizer.lr
        self._step(batch)
        run.step += 1
        if task.step_schedule is not None:
            task.step_schedule.step()
        self._tell("on_batch_end")
        return Steps([run.loss.item()], len(batch), lr, run.prediction.detach(), batch.y)

    def _step(self, batch: Samples) -> None:
        """Forward, loss, zero the gradients, backward, step.

        The optimizer asks for the gradients; most ask once, L-BFGS several times.
        """
        run, task = self.run, self.task

        def gradients() -> Tensor:
            run.prediction = task.model(batch.x)
            run.loss = training_loss(task.loss, run.prediction, batch)
            self._tell("on_loss")
            task.optimizer.zero_grad()
            run.loss.backward()
            return run.loss

        task.optimizer.step(gradients)

    def _many(self, order: array[int]) -> Steps | None:
        """Some of the next steps as machine code; None if the next one is for Python."""
        if self.native is None:
            return None
        steps = self.native.run(self.run, order)
        self.run.history.fallback = self.native.fallback
        self.run.history.compiled |= steps is not None
        return steps

    def _native_steps(self) -> NativeSteps | None:
        """The steps as machine code, if it is worth compiling them for any size of batch."""
        task, count, epochs = self.task, len(self.samples), self.run.epochs
        steps = {self.batch_size: epochs * (count // self.batch_size)}
        steps[count % self.batch_size] = epochs
        sizes = [
            size
            for size, number in steps.items()
            if size * number and (task.compiled or training_pays(task.model, size, number))
        ]
        if not sizes:
            return None
        # small trainings need not load the compiler
        from baregrad.training.native_steps import NativeSteps

        return NativeSteps(task, self.samples, self.batch_size, sizes)

    def _save(self, epoch: int, at_once: bool) -> None:
        """A checkpoint from which training goes on in this epoch, at once or if it is time."""
        if self.checkpoints is not None:
            self.checkpoints.save_if_due(self, epoch, at_once)

    def _heed(self, interrupt: Interrupt) -> None:
        if interrupt.requested:
            self.run.history.interrupted = True
            self.run.stop("interrupted by Ctrl-C", resumable=True)

    def _tell(self, event: str) -> None:
        for callback in self.task.callbacks:
            getattr(callback, event)(self.run)
