"""What the graph of the loss had at the moments of a training: values, gradients, warnings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from baregrad.nn.module import Module
from baregrad.tensor.autograd import topological_order
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import loss_of
from baregrad.training.history import Trained
from baregrad.view.report.flags import flags, gradient_norms
from baregrad.view.report.probe import probe, undisturbed
from baregrad.view.report.recorder import Moment
from baregrad.view.report.structure import Structure, signature
from baregrad.view.report.summary import corner, summary


class Records(NamedTuple):
    """A graph, and what was in it at each moment.

    Attributes:
        structure: what stays the same.
        each: for each moment its numbers, oldest first.
        note: which moments are not there, in words.
    """

    structure: Structure
    each: list[dict[str, Any]]
    note: str


def records_of(trained: Trained, moments: Sequence[Moment], samples: int) -> Records:
    """The graph of the loss of some training samples at moments of a training.

    The model is in prediction mode. It gets its present weights and gradients back.

    Args:
        trained: what was trained, and on what.
        moments: one at least.
        samples: how many to look at.
    """
    few, model = probe(trained.samples, samples), trained.model
    structure, each, note = None, [], ""
    with undisturbed(model), _weights_put_back(model):
        for moment in moments:
            for path, tensor in model.named_tensors():
                tensor.replace(moment.tensors[path].array)
                tensor.grad = None
            loss = loss_of(trained.loss, model(few.x), few)
            loss.backward()
            order = topological_order([loss])
            structure = structure or Structure(loss, model)
            if signature(order) == structure.signature:
                each.append(_record(structure, order, moment))
            else:
                note = "Steps whose graph has another form than the first are left out."
    assert structure is not None
    return Records(structure, each, note)


@contextmanager
def _weights_put_back(model: Module) -> Iterator[None]:
    present = [(tensor, tensor.array) for _, tensor in model.named_tensors()]
    try:
        yield
    finally:
        for tensor, value in present:
            tensor.replace(value)


def _record(structure: Structure, order: list[Tensor], moment: Moment) -> dict[str, Any]:
    def both(place: int, look: Callable[[Tensor], list[Any]]) -> list[list[Any] | None]:
        """Of the value, and of the gradient if there is one."""
        return [None if t is None else look(t) for t in (order[place], order[place].grad)]

    norms = gradient_norms(order)
    return {
        "step": moment.step,
        "epoch": moment.epoch,
        "loss": order[-1].item(),
        "norm": math.hypot(*norms.values()),
        "tensors": {
            place: both(place, partial(summary, bins=bins))
            for place, bins in structure.summarised.items()
        },
        "numbers": {
            place: both(place, partial(corner, side=structure.side, rows=rows))
            for place, rows in structure.numbered.items()
        },
        "flags": list(flags(order, structure.outputs(), norms)),
    }
