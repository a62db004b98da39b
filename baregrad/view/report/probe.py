"""Looking at a model by a few samples, and leaving no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from baregrad.nn.module import Module
from baregrad.tensor.graph import recording
from baregrad.training.samples import Samples


def probe(samples: Samples, count: int) -> Samples:
    """Some samples, spread evenly over all and named for pictures."""
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
