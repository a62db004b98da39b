"""The training loop: forward, loss, zero the gradients, backward, step."""

from __future__ import annotations

from array import array
from math import isfinite
from typing import TYPE_CHECKING

from baregrad.data.batches import epoch_order
from baregrad.optim.schedules import ReduceOnPlateau
from baregrad.tensor.tensor import Tensor
from baregrad.training.compiling import training_pays
from baregrad.training.evaluation import training_loss, validated
from baregrad.training.history import History, Trained
from baregrad.training.interrupt import Interrupt
from baregrad.training.metrics import Averages
from baregrad.training.run import Run, Steps
from baregrad.training.samples import Samples
from baregrad.training.task import Task

if TYPE_CHECKING:
    from baregrad.training.checkpoint import Checkpoints
    from baregrad.training.native_steps import NativeSteps


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
                    self._save(run.epoch, at_once=True)
                    break
                run.values = self._epoch(interrupt)
                if validation is not None:
                    run.values |= validated(task, validation, run.epochs)
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
        order = memoryview(self._order())[averages.count :]  # its slices are no copies
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

    def _one(self, numbers: memoryview[int]) -> Steps:
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

        The optimizer asks for the gradients; most ask once. L-BFGS goes on to ask at places that
        it tries, and turns back by itself where the loss is not finite.
        """
        run, task = self.run, self.task
        is_first = True

        def gradients() -> Tensor:
            nonlocal is_first
            prediction = task.model(batch.x)
            loss = training_loss(task.loss, prediction, batch)
            if is_first or isfinite(loss.item()):
                run.prediction, run.loss = prediction, loss
            if is_first:
                is_first = False
                self._tell("on_loss")
            task.backward(loss)
            return loss

        task.optimizer.step(gradients)

    def _many(self, order: memoryview[int]) -> Steps | None:
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
