"""A model's predictions, and how good they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from baregrad.nn.losses import Loss, loss_named
from baregrad.nn.module import Module
from baregrad.tensor.graph import no_grad
from baregrad.tensor.tensor import Tensor, as_tensor
from baregrad.training.metrics import Metric, measured, metric_named
from baregrad.training.samples import Samples, checked_samples

BATCH = 256  # samples predicted at a time, to bound memory


@contextmanager
def predicting(model: Module) -> Iterator[None]:
    """A block in which the model predicts and no graph is kept; its mode is restored after."""
    training = model.training
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        model.train(training)


def predict(model: Module, x: Any, batch_size: int = BATCH) -> Tensor:
    """The output for every sample, without dropout and without a graph.

    Args:
        model: from (samples, ...) to (samples, ...).
        x: (samples, ...).
        batch_size: how many samples at a time.
    """
    inputs = as_tensor(x)
    with predicting(model):
        starts = range(0, max(len(inputs), 1), batch_size)
        return Tensor.concat([model(inputs[i : i + batch_size]) for i in starts])


def evaluate(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Loss = "mse",
    metrics: tuple[str | Metric, ...] = (),
    sample_weight: Any = None,
) -> dict[str, float]:
    """The loss and metrics of a model on some samples, by name.

    Raises:
        DataError, ShapeError, ArgumentError: as `fit`.
    """
    samples = checked_samples(x, y, sample_weight, what="evaluation data")
    return assess(model, samples, loss_named(loss), dict(map(metric_named, metrics)))


def assess(
    model: Module, samples: Samples, loss: Loss, metrics: Mapping[str, Metric]
) -> dict[str, float]:
    """As `evaluate`, for what has been checked and named already."""
    prediction = predict(model, samples.x)
    with no_grad():
        value = loss_of(loss, prediction, samples).item()
    return {"loss": value, **measured(metrics, [prediction], [samples.y])}


def loss_of(loss: Loss, prediction: Tensor, samples: Samples) -> Tensor:
    """The loss of predictions for some samples, weighted if they are."""
    if samples.weight is None:
        return loss(prediction, samples.y)
    return loss(prediction, samples.y, sample_weight=samples.weight)
