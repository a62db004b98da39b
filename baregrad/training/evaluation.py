"""A model's predictions, and how good they are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from reprlib import repr as brief
from threading import RLock
from typing import Any

from baregrad.arguments import checked_count
from baregrad.errors import ArgumentError
from baregrad.nn.losses import Loss, loss_named
from baregrad.nn.module import Module
from baregrad.tensor.graph import no_grad
from baregrad.tensor.tensor import Tensor, shared
from baregrad.training.compiling import prediction_pays
from baregrad.training.logits import check_logits, check_threshold
from baregrad.training.metrics import Metric, measured, named_metrics
from baregrad.training.samples import Samples, checked_samples
from baregrad.training.task import Task

BATCH = 256  # samples predicted at a time, to bound memory


Modes = list[tuple[Module, bool]]  # of a model and its parts, which may have modes of their own

# For each model that predicts just now, how many blocks it does so in, and its modes before them.
_predicting: dict[Module, tuple[int, Modes]] = {}
_changing = RLock()  # held while modes change; a signal's handler may come and predict, too


def modes_of(model: Module) -> Modes:
    """What `set_modes` puts back."""
    return [(module, module.training) for _, module in model.named_modules()]


def set_modes(modes: Modes) -> None:
    """Puts a model and its parts into the modes that they had."""
    for module, training in modes:
        module.training = training


@contextmanager
def predicting(model: Module) -> Iterator[None]:
    """A block in which the model predicts and no graph is kept; its modes are restored after.

    Several threads may be in such blocks at once. The last one to leave restores the modes.
    """
    with _changing:
        blocks, modes = _predicting.get(model) or (0, modes_of(model))
        _predicting[model] = blocks + 1, modes
        model.eval()
    try:
        with no_grad():
            yield
    finally:
        with _changing:
            blocks, modes = _predicting.pop(model)
            if blocks > 1:
                _predicting[model] = blocks - 1, modes
            else:
                set_modes(modes)


def predict(model: Module, x: Any, batch_size: int = BATCH) -> Tensor:
    """The output for every sample, without dropout and without a graph.

    It is computed by machine code if there is enough to do; what is compiled is kept as long as the
    model, and compiled anew if an attribute of it is changed.

    Args:
        model: from (samples, ...) to (samples, ...).
        x: (samples, ...).
        batch_size: how many samples at a time, at most.

    Raises:
        ArgumentError: a batch size below 1.
    """
    checked_count(batch_size, "batch_size")
    return outputs(model, shared(x), batch_size)


def outputs(
    model: Module,
    inputs: Tensor,
    batch_size: int = BATCH,
    compiled: bool | None = None,
    times: int = 1,
) -> Tensor:
    """As `predict`.

    Args:
        model: see `predict`.
        inputs: see `predict`.
        batch_size: see `predict`.
        compiled: whether by machine code; None if the work decides.
        times: how many times it will be asked for, with other weights.
    """
    samples = len(inputs)
    size = min(batch_size, samples)
    if compiled is None:
        compiled = prediction_pays(model, size, times * -(-samples // batch_size))
    with predicting(model):
        if compiled and samples:
            # small predictions need not load the compiler
            from baregrad.training.native_prediction import native_outputs

            found = native_outputs(model, inputs, size)
            if found is not None:
                return found
        starts = range(0, max(samples, 1), batch_size)
        return Tensor.concat([model(inputs[i : i + batch_size]) for i in starts])


def evaluate(
    model: Module,
    x: Any,
    y: Any,
    loss: str | Loss = "mse",
    metrics: Sequence[str | Metric] = (),
    sample_weight: Any = None,
) -> dict[str, float]:
    """The loss and metrics of a model on some samples, by name.

    Raises:
        DataError, ShapeError, ArgumentError: as `fit`.
    """
    samples = checked_samples(x, y, sample_weight, what="evaluation data")
    checked_loss = loss_named(loss)
    asked = named_metrics(metrics)
    check_logits(model, checked_loss)
    check_threshold(model, asked)
    return assessed(outputs(model, samples.x), samples, checked_loss, asked)


def validated(task: Task, samples: Samples, times: int) -> dict[str, float]:
    """The loss and metrics of a model on some samples, by names that begin with ``val_``.

    Args:
        task: the model, the loss and the metrics.
        samples: on which.
        times: how often it will be asked for, at most.
    """
    prediction = outputs(task.model, samples.x, BATCH, task.compiled, times)
    found = assessed(prediction, samples, task.loss, task.metrics)
    return {f"val_{name}": value for name, value in found.items()}


def assessed(
    prediction: Tensor, samples: Samples, loss: Loss, metrics: Mapping[str, Metric]
) -> dict[str, float]:
    """The loss and metrics of predictions."""
    with no_grad():
        value = loss_of(loss, prediction, samples).item()
    return {"loss": value, **measured(metrics, [prediction], [samples.y])}


def loss_of(loss: Loss, prediction: Tensor, samples: Samples) -> Tensor:
    """The mean loss of predictions for some samples, weighted if they are.

    Raises:
        ArgumentError: the model returns something else than a tensor, or the loss function
            something else than a scalar tensor.
    """
    if not isinstance(prediction, Tensor):
        raise ArgumentError(f"the model returned {brief(prediction)}; it must return a tensor")
    if samples.weight is None:
        value = loss(prediction, samples.y)
    else:
        value = loss(prediction, samples.y, sample_weight=samples.weight)
    if not isinstance(value, Tensor) or value.size != 1:
        raise ArgumentError(
            f"the loss function returned {value!r}; it must return a tensor with one element, such "
            "as a mean()"
        )
    if {prediction.shape, samples.y.shape} == {(len(samples),), (len(samples), 1)}:
        _warn_of_broadcast(prediction, samples.y)
    return value


def _warn_of_broadcast(prediction: Tensor, target: Tensor) -> None:
    """A column less a row is a square; the library's own losses refuse these shapes."""
    warnings.warn(
        f"predictions have the shape {prediction.shape} and targets {target.shape}: unless the "
        "loss function changes that, each prediction meets all targets; use "
        f"y.reshape({(-1, *prediction.shape[1:])})",
        stacklevel=2,
    )


def training_loss(loss: Loss, prediction: Tensor, batch: Samples) -> Tensor:
    """The loss of a batch as it counts among others.

    A loss divides by the sum of the weights. Multiplied by their mean, it is divided by the number
    of samples instead, so that a batch of heavy samples counts more than one of light samples.
    """
    value = loss_of(loss, prediction, batch)
    return value if batch.weight is None else value * batch.weight.mean().astype(value.dtype)
