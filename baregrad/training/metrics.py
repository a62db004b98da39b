"""Metrics by name: numbers that people understand better than the loss; errors of regression."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from baregrad.errors import ArgumentError, ShapeError, checked_name
from baregrad.tensor.graph import no_grad
from baregrad.tensor.tensor import Tensor
from baregrad.training.class_metrics import accuracy, balanced_accuracy, f1_macro, roc_auc
from baregrad.training.run import Steps

# (all predictions, all targets) -> a number
Metric: TypeAlias = Callable[[Tensor, Tensor], float]


def _difference(prediction: Tensor, target: Tensor, metric: str) -> Tensor:
    if prediction.shape != target.shape:
        raise ShapeError(
            f"{metric}: predictions of shape {prediction.shape} and targets of shape "
            f"{target.shape} must have the same shape"
        )
    return prediction.astype("float64") - target.astype("float64")


def mae(prediction: Tensor, target: Tensor) -> float:
    """The mean absolute error, in the units of the target."""
    return float(_difference(prediction, target, "mae").abs().mean().item())


def mse(prediction: Tensor, target: Tensor) -> float:
    """The mean squared error, in the squared units of the target."""
    return float((_difference(prediction, target, "mse") ** 2).mean().item())


def rmse(prediction: Tensor, target: Tensor) -> float:
    """The root of the mean squared error, in the units of the target."""
    return float((_difference(prediction, target, "rmse") ** 2).mean().sqrt().item())


def r2(prediction: Tensor, target: Tensor) -> float:
    """The share of the target's variance that is explained: 1 is perfect, 0 as good as the mean.

    NaN if the target is constant.
    """
    error = (_difference(prediction, target, "r2") ** 2).mean(0)
    variance = target.astype("float64").var(0)
    return float((1 - (variance == 0).where(math.nan, error / variance)).mean().item())


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1_macro": f1_macro,
    "roc_auc": roc_auc,
    "mae": mae,
    "mse": mse,
    "rmse": rmse,
    "r2": r2,
}
MORE_IS_BETTER = ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "r2")
RESERVED = ("loss", "lr")  # names of what the history has besides


def metric_named(metric: str | Metric) -> tuple[str, Metric]:
    """The name and function of a metric, given either.

    Raises:
        ArgumentError: no metric has this name.
    """
    if callable(metric):
        return getattr(metric, "__name__", "metric"), metric
    name = checked_name("metric", metric, METRICS)
    return name, METRICS[name]


def named_metrics(metrics: Sequence[str | Metric]) -> dict[str, Metric]:
    """The functions of some metrics by their names.

    Raises:
        ArgumentError: not a list, a name that is not known, or one that is taken.
    """
    if not isinstance(metrics, list | tuple):
        raise ArgumentError(f"metrics must be a list, such as ['mae'], not {metrics!r}")
    found: dict[str, Metric] = {}
    for name, metric in map(metric_named, metrics):
        if name in found or name in RESERVED:
            raise ArgumentError(
                f"two quantities would be called {name!r}; give each metric function a name of its "
                "own (its __name__)"
            )
        found[name] = metric
    return found


class Averages:
    """The loss and metrics over an epoch, gathered batch by batch."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics = metrics
        self.total = 0.0
        self.count = 0
        self.predictions: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, steps: Steps) -> None:
        """Takes some batches into account; each sample counts the same."""
        for loss in steps.losses:  # one by one, so that it does not matter how many there are
            self.total += loss * steps.size
        self.count += len(steps.losses) * steps.size
        if self.metrics and steps.prediction is not None and steps.target is not None:
            self.predictions.append(steps.prediction)
            self.targets.append(steps.target)

    def state_dict(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        outputs = zip(("predictions", "targets"), (self.predictions, self.targets), strict=True)
        with no_grad():
            gathered = {name: Tensor.concat(tensors) for name, tensors in outputs if tensors}
        return {"total": self.total, "count": self.count, **gathered}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned."""
        self.total, self.count = saved["total"], saved["count"]
        if "predictions" in saved:
            self.predictions, self.targets = [saved["predictions"]], [saved["targets"]]

    def values(self) -> dict[str, float]:
        """The mean loss, and each metric of all predictions together."""
        return {
            "loss": self.total / self.count,
            **measured(self.metrics, self.predictions, self.targets),
        }


def measured(
    metrics: Mapping[str, Metric], predictions: Sequence[Tensor], targets: Sequence[Tensor]
) -> dict[str, float]:
    """The value of each metric for all predictions and targets together."""
    if not metrics:
        return {}
    with no_grad():
        prediction, target = Tensor.concat(predictions), Tensor.concat(targets)
        return {name: float(metric(prediction, target)) for name, metric in metrics.items()}
