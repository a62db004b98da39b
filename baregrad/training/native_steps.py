"""Training steps as machine code, many in one call.

The step of `loop.py` is compiled with the samples' numbers as its argument: the rows of a batch are
gathered in native code, where samples, weights and the optimizer's state stay from call to call.
Learning rates, the optimizer's count and random numbers are laid out for all steps of a call.

If a loss is not finite, the steps of before are made again from what was kept, and the one that
went wrong is left to Python, which says where.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection
from math import inf, isfinite
from time import perf_counter
from typing import Final, NamedTuple

from baregrad.compiler.step import CompiledStep
from baregrad.engines.array import Array
from baregrad.errors import CaptureError
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.schedules import Schedule
from baregrad.tensor.tensor import Tensor
from baregrad.training.compiling import narrowed, options_of_groups, setting_of, settings_of
from baregrad.training.evaluation import training_loss
from baregrad.training.finite import may_watch
from baregrad.training.run import Run, Steps
from baregrad.training.samples import Samples
from baregrad.training.task import Task

CALL: Final = 0.03  # seconds: a call is to take about this long, and Python has control after it
GROWTH: Final = 8  # times as many steps in a call, at most, as in the one before
REPLAYED: Final = 0.5  # seconds of steps that may have to be made again


class _Call(NamedTuple):
    """A native call that may have to be made again.

    Attributes:
        rows: (steps, samples of a batch), int64.
        rates: for each group of the optimizer its learning rate at each step.
    """

    rows: Tensor
    rates: list[list[float]]

    def first(self, steps: int) -> _Call:
        """The first steps of it."""
        size = self.rows.shape[1]
        rows = Array(self.rows.array.data[: steps * size], (steps, size), "int64")
        return _Call(Tensor.leaf(rows), [rates[:steps] for rates in self.rates])


class NativeSteps:
    """The steps of a training, compiled.

    Args:
        task: what is trained, and how.
        samples: on what.
        batch_size: how many samples to a step; the last of an epoch may have fewer.
        sizes: of batches for which compiling is worth it.

    Attributes:
        fallback: why no steps run as machine code; None as long as they may.
    """

    def __init__(
        self, task: Task, samples: Samples, batch_size: int, sizes: Collection[int]
    ) -> None:
        self.fallback = _unplannable(task)
        self._task = task
        self._samples = samples.each(lambda values: narrowed(values, task.model))
        self._batch_size = batch_size
        self._sizes = sizes
        self._watchers = [callback for callback in task.callbacks if may_watch(callback)]
        self._compiled = CompiledStep(self._step)
        self._compiled_for: object = None
        self._most = 1  # steps in a call
        self._saved: dict[Tensor, Array] = {}
        self._since: list[_Call] = []  # calls since it was saved
        self._seconds = 0.0  # that they took
        self._changed = 0  # when a tensor was last assigned to, on the clock of tensors
        self._is_suspect = False  # whether the next step had a loss that is not finite

    def _step(self, rows: Tensor) -> list[Tensor]:
        """Forward, loss, zero the gradients, backward, step."""
        task, batch = self._task, self._samples.rows(rows)
        prediction = task.model(batch.x)
        loss = training_loss(task.loss, prediction, batch)
        task.backward(loss)
        task.optimizer.step()
        return [loss, prediction, batch.y] if task.metrics else [loss]

    def begin_epoch(self) -> None:
        """Notices what is built into the step and was changed by somebody: it is compiled anew."""
        task = self._task
        built_in = settings_of(task.model), setting_of(task.loss), options_of_groups(task.optimizer)
        if built_in != self._compiled_for:
            self._compiled, self._compiled_for = CompiledStep(self._step), built_in
            self._saved = {}

    def run(self, run: Run, order: memoryview[int]) -> Steps | None:
        """Some of the next steps, for about a thirtieth of a second.

        Args:
            run: the training.
            order: the numbers of the samples to come.

        Returns:
            What they gave, up to the first whose loss is not finite; None if the next step is for
            Python, because of that, or as somebody watches it, or it cannot be compiled.
        """
        size = min(self._batch_size, len(order))
        steps = self._possible(run, size, len(order) // size)
        if not steps:
            return None
        rows = Array(array("q", order[: steps * size]), (steps, size), "int64")
        call = _Call(Tensor.leaf(rows), self._rates(steps))
        results = self._results(call) if self._prepare(call) else None
        if results is None:
            return None
        losses: list[float] = results[0].array.data.tolist()
        done = len(losses)
        run.step += done
        run.loss = Tensor(losses[-1])
        if self._task.step_schedule is not None:
            self._task.step_schedule.advance(done)
        flat = [x.reshape(-1, *x.shape[2:]) for x in results[1:]]
        return Steps(losses, size, call.rates[0][done - 1], *flat)

    def _possible(self, run: Run, size: int, left: int) -> int:
        """How many of the steps that are left may run in one call; 0 if the next is for Python."""
        if self._is_suspect or self.fallback is not None or size not in self._sizes:
            self._is_suspect = False
            return 0
        stop = min((callback.next_stop(run) for callback in self._task.callbacks), default=inf)
        steps = int(min(self._most, left, max(1, stop - run.step)))
        if not self._watchers:
            return steps
        numbers = range(run.step, run.step + steps)
        watched = (
            i for i, n in enumerate(numbers) if any(c.watches(run, n) for c in self._watchers)
        )
        return next(watched, steps)

    def _rates(self, steps: int) -> list[list[float]]:
        """For each group of the optimizer its learning rate at each of the next steps."""
        if self._task.step_schedule is not None:
            return self._task.step_schedule.planned(steps)
        return [[float(group["lr"])] * steps for group in self._task.optimizer.groups]

    def _results(self, call: _Call) -> list[Tensor] | None:
        """What the steps of a call return, up to the first whose loss is not finite."""
        self._save(call)
        try:
            results = self._timed(call)
        except CaptureError as error:  # something built into it was changed within the epoch
            self.fallback = str(error)
            return None
        losses = results[0].array.data
        if isfinite(sum(losses)):
            return results
        bad = next(i for i, loss in enumerate(losses) if not isfinite(loss))
        return self._go_back(call, bad)

    def _prepare(self, call: _Call) -> bool:
        """Compiles the step for the size of these batches, if that has not been done."""
        try:
            self.fallback = self._compiled.prepare(_example(call))
        except Exception as error:  # Python says it if it is wrong with numbers, too
            self.fallback = f"{type(error).__name__}: {error}"
        return self.fallback is None

    def _timed(self, call: _Call) -> list[Tensor]:
        """The steps of a call, and from their time how many may be in the next."""
        begin = perf_counter()
        results = self._make(call)
        seconds = perf_counter() - begin
        steps = call.rows.shape[0]
        if steps == self._most or seconds > CALL:
            self._most = max(1, min(GROWTH * steps, int(CALL / seconds * steps)))
        self._seconds += seconds
        return results

    def _make(self, call: _Call) -> list[Tensor]:
        self._task.optimizer.plan = call.rates
        try:
            results: list[Tensor] = self._compiled.many(call.rows.shape[0], call.rows)
        finally:
            self._task.optimizer.plan = None
        self._since.append(call)
        self._changed = max((tensor.assigned for tensor in self._saved), default=0)
        return results

    # --- going back ---------------------------------------------------------------------------

    def _save(self, call: _Call) -> None:
        """Keeps what the steps change, unless it is known how it came about since the last time."""
        changed = any(tensor.assigned > self._changed for tensor in self._saved)
        if not self._saved or changed or self._seconds > REPLAYED:
            tensors = self._compiled.writes(_example(call))
            self._saved = {tensor: tensor.array for tensor in tensors}
            self._since, self._seconds = [], 0.0

    def _go_back(self, call: _Call, steps: int) -> list[Tensor] | None:
        """To before the step of a call that went wrong; what the good ones gave, if there are."""
        before = self._since[:-1]
        for made in reversed(self._since):
            self._compiled.rewind(made.rows.shape[0], _example(made))
        for tensor, value in self._saved.items():
            tensor.replace(value)
        self._since = []
        self._is_suspect = True
        for made in before:
            self._make(made)
        return self._make(call.first(steps)) if steps else None


def _example(call: _Call) -> Tensor:
    """The argument of the first step."""
    return call.first(1).rows.reshape(-1)


def _unplannable(task: Task) -> str | None:
    """Why it cannot be said beforehand what many steps do, if it cannot."""
    optimizer, schedule = task.optimizer, task.step_schedule
    if type(optimizer).step is not Optimizer.step:
        return f"{type(optimizer).__name__} looks at losses and gradients to decide on its steps"
    if schedule is not None and type(schedule).step is not Schedule.step:
        return f"{type(schedule).__name__} has a step() of its own, which may look at anything"
    return None
