"""What losses share: what predictions and targets must be, weights, and many losses made one."""

from __future__ import annotations

from math import inf, isnan
from typing import Any

from baregrad.engines import selection
from baregrad.engines.array import FLOATS
from baregrad.errors import ArgumentError, BaregradError, ShapeError, checked_name
from baregrad.tensor import primitives
from baregrad.tensor.tensor import Tensor, as_tensor

REDUCTIONS = ("mean", "sum", "none")

# Operations whose results are their first input's numbers, in other places or another data type.
MOVES = (
    primitives.reshape,
    primitives.permute,
    primitives.slice_,
    primitives.take,
    primitives.cast,
)


def floating(prediction: Any) -> Tensor:
    """A prediction as a tensor of floats; integers become float32."""
    tensor = as_tensor(prediction)
    return tensor if tensor.dtype in FLOATS else tensor.astype("float32")


def alike(prediction: Any, target: Any, name: str) -> tuple[Tensor, Tensor]:
    """Both as tensors of one shape and data type.

    Shapes that only broadcast are refused: (n,) against (n, 1) would give (n, n) differences.
    """
    prediction = floating(prediction)
    target = as_tensor(target, prediction.dtype)
    if prediction.shape != target.shape:
        advice = "there must be a target for every prediction"
        if prediction.size == target.size:
            advice = f"use target.reshape({prediction.shape})"
        raise ShapeError(
            f"{name}: the prediction has shape {prediction.shape} and the target {target.shape}, "
            f"which must be the same; {advice}"
        )
    return prediction, target


def check_logits(prediction: Tensor, name: str) -> None:
    """Refuses results of sigmoid and softmax, which the loss would apply a second time.

    They are told by the graph, and so only where it is recorded.
    """
    made = prediction
    while made.op in MOVES:
        made = made.parents[0]
    if made.op is primitives.sigmoid or _is_softmax(made):
        activation = "sigmoid" if made.op is primitives.sigmoid else "softmax"
        raise ArgumentError(
            f"{name}: the prediction is the result of {activation}, and must be logits, to which "
            f'no activation was applied: use output_activation="identity" in the model, and '
            f"{activation}() where you need probabilities"
        )


def _is_softmax(x: Tensor) -> bool:
    """Whether it is exponentials divided by their own sum."""
    if x.op is not primitives.divide:
        return False
    e, total = x.parents
    return e.op is primitives.exp and total.op is primitives.sum_ and total.parents[0] is e


def reduced(
    losses: Tensor, sample_weight: Any, reduction: str, name: str, counts: Tensor | None = None
) -> Tensor:
    """The losses weighted, and added up as asked.

    `counts` says how much each element counts in the divisor of the mean, 1 if it is None.
    """
    checked_name("reduction", reduction, REDUCTIONS)
    if sample_weight is not None:
        weight = _sample_weight(sample_weight, losses, name)
        losses = losses * weight
        counts = weight if counts is None else counts * weight
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    nothing = counts is not None and counts.known and not any(counts.array.data)
    if not losses.size or nothing:
        raise ArgumentError(f"{name}: a mean of nothing: no sample, or only such of weight 0")
    return losses.mean() if counts is None else losses.sum() / counts.sum()


def _sample_weight(given: Any, losses: Tensor, name: str) -> Tensor:
    """Weights of the shape of the losses; one for each sample is laid out over its outputs."""
    weight = as_tensor(given, losses.dtype)
    if weight.shape not in (losses.shape, losses.shape[:1]):
        raise ShapeError(
            f"{name}: sample_weight has shape {weight.shape} and must have {losses.shape[:1]}, a "
            "weight for each sample"
        )
    check_range(weight, 0, inf, f"{name}: a sample weight")
    outputs = losses.ndim - weight.ndim
    return weight.reshape((*weight.shape, *(1,) * outputs)).expand(losses.shape)


def check_range(
    x: Tensor, low: float, high: float, what: str, error: type[BaregradError] = ArgumentError
) -> None:
    """Refuses the first element that is not from `low` to `high`."""

    def check(values: Any) -> None:
        is_usual = not values or low <= min(values) <= max(values) <= high
        if is_usual and (x.dtype not in FLOATS or not isnan(sum(values))):
            return  # sooner
        for place, value in enumerate(values):
            if not low <= value <= high:  # of NaN, too
                limit = f"{low} or more" if high == inf else f"from {low} to {high}"
                raise error(f"{what} must be {limit}, and number {place} is {value:g}")

    selection.current().check(x.array, check)
