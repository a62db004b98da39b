"""Recording the graph of a model as it learns."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from baregrad.errors import ArgumentError
from baregrad.nn.module import Module
from baregrad.tensor.autograd import topological_order
from baregrad.tensor.graph import recording
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import loss_of
from baregrad.training.history import Trained
from baregrad.training.run import Callback, Run
from baregrad.training.samples import Samples
from baregrad.view.report.flags import flags
from baregrad.view.report.structure import Structure, signature
from baregrad.view.report.summary import corner, summary

SHARE = 0.1  # of the time of the training itself
FREE = 0.7  # seconds that recording may take in any case, beside its first step


class Recorder(Callback):
    """Keeps what a report shows: values and gradients in the graph, as training goes.

    At each recorded step it computes the loss of the same few training samples, with the model in
    prediction mode, and its gradients. What is trained is not touched: the weights are the same to
    the last bit with a recorder and without. Gradients that were there are put back.

    The cost is bounded: recording takes at most a tenth of the time of the training itself, or if
    that is more, seven tenths of a second beside the first record; a step that would exceed it is
    left out. The size is, too: of large tensors only statistics are kept, and a graph of many nodes
    is folded.

    Args:
        records: how many steps to record, at most, spread evenly over the training.
        samples: how many training samples to look at, spread evenly over all.

    Attributes:
        records: what was recorded, oldest first.
        structure: of the graph; None before the first record.
        note: why steps are not there, in words.
        seconds: how long the training has taken, recording included.
        spent: how long recording has.

    Raises:
        ArgumentError: a count below 1.
    """

    def __init__(self, records: int = 100, samples: int = 32) -> None:
        if records < 1 or samples < 1:
            raise ArgumentError(
                f"a recorder needs one record and one sample at least, not {records} and {samples}"
            )
        self.most = records
        self.samples = samples
        self._forget()

    def _forget(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.structure: Structure | None = None
        self.note = ""
        self.seconds = self.spent = 0.0
        self._begin = time.perf_counter()
        self._first = self._next = 0.0

    def on_train_begin(self, run: Run) -> None:
        """Forgets an earlier training, and records how the model is before the first step."""
        self._forget()
        run.history.recorder = self
        self._every = run.epochs * run.steps_per_epoch / self.most
        self._record(run, 0)
        self._first = self.spent

    def on_steps(self, run: Run) -> None:
        """Records the model, if it is time for it and there is time."""
        if run.step >= self._next:
            if self._is_affordable(run.step / (run.epochs * run.steps_per_epoch)):
                self._record(run, run.step)
            else:
                self.note = (
                    "Some steps were left out, as recording them would have taken more than "
                    f"{SHARE:.0%} of the time."
                )
            self._next = run.step + self._every

    def on_train_end(self, run: Run) -> None:
        """Records the model as it is at the end."""
        if not self.records or self.records[-1]["step"] != run.step:
            self._record(run, run.step)
        self.seconds = time.perf_counter() - self._begin

    def _is_affordable(self, progress: float) -> bool:
        """Whether there is time for one more record, when so large a share of the steps is made."""
        training = time.perf_counter() - self._begin - self.spent
        further = self.spent - self._first  # the first compiles what the others run
        one = further / max(1, len(self.records) - 1)
        return self.spent + one <= SHARE * training or further + one <= FREE * progress

    def _record(self, run: Run, step: int) -> None:
        begin = time.perf_counter()
        assert run.history.trained is not None
        self.record(run.history.trained, step, run.epoch)
        self.spent += time.perf_counter() - begin

    def record(self, trained: Trained, step: int, epoch: int) -> None:
        """Records a model as it is now."""
        samples = probe(trained.samples, self.samples)
        with undisturbed(trained.model):
            loss = loss_of(trained.loss, trained.model(samples.x), samples)
            loss.backward()
            order = topological_order([loss])
            structure = self.structure = self.structure or Structure(loss, trained.model)
            if signature(order) != structure.signature:
                self.note = "Steps whose graph has another form than the first are left out."
                return
            self.records.append(_snapshot(structure, order, step, epoch))


def probe(samples: Samples, count: int) -> Samples:
    """Some samples, named for pictures."""
    few = samples.spread(count)
    few.x.name, few.y.name = "x", "y"
    return few


@contextmanager
def undisturbed(model: Module) -> Iterator[None]:
    """A block that may use a model and its gradients, in prediction mode: all is put back after."""
    training, parameters = model.training, model.parameters()
    gradients = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    model.eval()
    try:
        with recording(True):
            yield
    finally:
        model.train(training)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient


def _snapshot(structure: Structure, order: list[Tensor], step: int, epoch: int) -> dict[str, Any]:
    def both(place: int, look: Callable[[Tensor], list[Any]]) -> list[list[Any] | None]:
        """Of the value, and of the gradient if there is one."""
        return [None if t is None else look(t) for t in (order[place], order[place].grad)]

    gradients = [t.grad for t in order if t.op is None and t.requires_grad and t.grad is not None]
    return {
        "step": step,
        "epoch": epoch,
        "loss": order[-1].item(),
        "norm": math.hypot(*(math.hypot(*g.array.data) for g in gradients)),
        "tensors": {
            place: both(place, partial(summary, bins=bins))
            for place, bins in structure.summarised.items()
        },
        "numbers": {
            place: both(place, partial(corner, side=structure.side, rows=rows))
            for place, rows in structure.numbered.items()
        },
        "flags": list(flags(order, structure.outputs())),
    }
