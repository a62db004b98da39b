"""Losses: how far predictions are from targets, as one number to make smaller.

Every loss takes a prediction, a target and these two arguments:

    sample_weight: (samples,), or the shape of the prediction: how much each counts, 0 or more.
    reduction: ``"mean"`` is Σ wᵢ lossᵢ / Σ wᵢ over all elements, ``"sum"`` is Σ wᵢ lossᵢ, and
        ``"none"`` is the tensor of all wᵢ lossᵢ.

Targets may be lists; they take on the data type of the prediction. All losses raise ShapeError
where shapes do not fit, ArgumentError where a number is out of range or a name unknown, and
DTypeError for data that is not numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, TypeAlias

from baregrad.arguments import checked_number
from baregrad.engines.array import Shape
from baregrad.errors import DTypeError, OutOfRangeError, ShapeError, checked_name
from baregrad.nn.reduction import alike, check_logits, check_range, floating, reduced
from baregrad.tensor.tensor import Tensor, as_tensor

Loss: TypeAlias = Callable[..., Tensor]

# --- numbers ------------------------------------------------------------------------------------


def mse(prediction: Any, target: Any, sample_weight: Any = None, reduction: str = "mean") -> Tensor:
    """Squared error, (p - t)². Prediction and target have the same shape, whatever it is."""
    prediction, target = alike(prediction, target, "mse")
    error = prediction - target
    return reduced(error * error, sample_weight, reduction, "mse")


def mae(prediction: Any, target: Any, sample_weight: Any = None, reduction: str = "mean") -> Tensor:
    """Absolute error, |p - t|; its gradient is 0 where they are equal."""
    prediction, target = alike(prediction, target, "mae")
    return reduced((prediction - target).abs(), sample_weight, reduction, "mae")


def huber(
    prediction: Any,
    target: Any,
    delta: float = 1.0,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Half the squared error up to a distance δ, and linear beyond, so that outliers pull less.

    ½ e² where e = |p - t| ≤ δ, and δ (e - ½ δ) elsewhere (P. Huber, "Robust estimation of a
    location parameter", 1964).
    """
    checked_number(delta, "huber: delta", above=0, below=inf)
    prediction, target = alike(prediction, target, "huber")
    error = (prediction - target).abs()
    losses = (error <= delta).where(0.5 * error * error, delta * (error - 0.5 * delta))
    return reduced(losses, sample_weight, reduction, "huber")


def quantile(
    prediction: Any,
    target: Any,
    quantile: float = 0.5,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The pinball loss, least where a share `quantile` of the targets is below the prediction.

    max(q (t - p), (q - 1)(t - p)) (R. Koenker and G. Bassett, "Regression quantiles", 1978); with
    q = ½, half the absolute error.
    """
    checked_number(quantile, "quantile: the quantile", above=0, below=1)
    prediction, target = alike(prediction, target, "quantile")
    error = target - prediction
    losses = (quantile * error).maximum((quantile - 1) * error)
    return reduced(losses, sample_weight, reduction, "quantile")


def poisson(
    prediction: Any, target: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """Of counts: eᵖ - t p, where the prediction p is the **logarithm** of the expected count.

    The negative log-likelihood of a Poisson distribution, less log(t!), which does not depend on
    the prediction. The targets are 0 or more.
    """
    prediction, target = alike(prediction, target, "poisson")
    check_range(target, 0, inf, "poisson: a target is a count; it")
    return reduced(prediction.exp() - target * prediction, sample_weight, reduction, "poisson")


# --- classes ------------------------------------------------------------------------------------


def binary_cross_entropy(
    prediction: Any,
    target: Any,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Of yes-or-no answers: -w₁ t log σ(p) - w₀ (1 - t) log(1 - σ(p)), with σ the sigmoid.

    The prediction is a **logit**, any number; the result of a sigmoid is refused. As -log σ(p) is
    softplus(-p), and -log(1 - σ(p)) is softplus(p), nothing overflows.

    Args:
        prediction: logits, any shape.
        target: of the same shape, from 0 to 1: the class, or the probability of class 1.
        class_weight: (2,), the weights w₀ of class 0 and w₁ of class 1; or (2, outputs) for
            weights of their own in each column. PyTorch's ``pos_weight=p`` is ``[1, p]``. As
            there, the mean does not divide by these weights.
        label_smoothing: ε of replacing t by (1 - ε) t + ε/2, from 0 up to but without 1.
        sample_weight: see the module.
        reduction: see the module.
    """
    name = "binary_cross_entropy"
    logits, target = alike(prediction, target, name)
    check_logits(logits, name)
    check_range(target, 0, 1, f"{name}: a target")
    target = _smoothed(target, 2, label_smoothing, name)
    positive, negative = target * (-logits).softplus(), (1 - target) * logits.softplus()
    if class_weight is not None:
        weight = _class_weight(class_weight, logits, (2, *logits.shape[1:]), name)
        positive, negative = weight[1] * positive, weight[0] * negative
    return reduced(positive + negative, sample_weight, reduction, name)


def cross_entropy(
    prediction: Any,
    target: Any,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Of one class among several: -Σ w_c q_c log softmax(p)_c, with q the target's distribution.

    The prediction are **logits**, any numbers; the result of a softmax is refused.

    Args:
        prediction: (samples, classes), logits.
        target: (samples,) integers, the number of the class of each sample; or (samples, classes)
            with the probability of each class.
        class_weight: (classes,), the weights w. As in PyTorch, the mean divides by the sum of the
            weights of the targets' classes, but not if targets are probabilities.
        label_smoothing: ε of replacing q by (1 - ε) q + ε/classes, from 0 up to but without 1
            (C. Szegedy et al., "Rethinking the Inception architecture", 2016, section 7).
        sample_weight: (samples,), see the module.
        reduction: see the module; ``"none"`` gives (samples,).

    Raises:
        OutOfRangeError: a number that is no class.
        DTypeError: class numbers that are not integers.
    """
    name = "cross_entropy"
    logits, numbers = floating(prediction), as_tensor(target)
    soft = logits.ndim > 0 and numbers.shape == logits.shape
    check_logits(logits, name)
    if logits.ndim and logits.shape[-1] < 2:
        raise ShapeError(
            f"{name}: the prediction has shape {logits.shape}, and there must be 2 classes or more "
            "along the last axis; for one yes-or-no output use binary_cross_entropy"
        )
    q = _probabilities(as_tensor(target, logits.dtype)) if soft else _one_hot(numbers, logits)
    q = _smoothed(q, logits.shape[-1], label_smoothing, name)
    terms = (q == 0).where(0, -q * logits.log_softmax())  # 0 log 0 is 0, not NaN
    counts = None
    if class_weight is not None:
        weight = _class_weight(class_weight, logits, logits.shape[-1:], name)
        terms = weight * terms
        if not soft:
            counts = weight.take(numbers)
    return reduced(terms.sum(-1), sample_weight, reduction, name, counts)


def _probabilities(target: Tensor) -> Tensor:
    """Targets that are the probabilities of all classes, checked."""
    check_range(target, 0, 1, "cross_entropy: a target probability")
    totals = target.sum(-1)
    check_range(totals, 0.999, 1.001, "cross_entropy: the sum of a sample's target probabilities")
    return target


def _one_hot(target: Tensor, logits: Tensor) -> Tensor:
    """Targets that are the numbers of classes, as probabilities."""
    if not logits.ndim or target.shape != logits.shape[:-1]:
        raise ShapeError(
            f"cross_entropy: the prediction has shape {logits.shape} and the target {target.shape};"
            f" it must be {logits.shape[:-1]} with class numbers, or {logits.shape} with "
            "probabilities"
        )
    if target.dtype != "int64":
        raise DTypeError(
            f'cross_entropy: class numbers must be int64, not {target.dtype}; use astype("int64")'
        )
    classes = logits.shape[-1]
    check_range(target, 0, classes - 1, "cross_entropy: a target class", OutOfRangeError)
    return target.one_hot(classes, logits.dtype)


def _smoothed(target: Tensor, classes: int, amount: float, name: str) -> Tensor:
    """Targets moved a little towards the even distribution."""
    checked_number(amount, f"{name}: label_smoothing", least=0, below=1)
    return (1 - amount) * target + amount / classes if amount else target


def _class_weight(given: Any, logits: Tensor, shape: Shape, name: str) -> Tensor:
    """Weights with one row or element for each class."""
    weight = as_tensor(given, logits.dtype)
    if weight.shape not in (shape, shape[:1]):
        raise ShapeError(
            f"{name}: class_weight has shape {weight.shape} and must have {shape[:1]}, a weight "
            "for each class"
        )
    check_range(weight, 0, inf, f"{name}: a class weight")
    return weight


# --- by name ------------------------------------------------------------------------------------

LOSSES: dict[str, Loss] = {
    "mse": mse,
    "mae": mae,
    "huber": huber,
    "quantile": quantile,
    "poisson": poisson,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
}


def loss_named(loss: str | Loss) -> Loss:
    """The loss of a name; a function is returned as it is.

    Raises:
        ArgumentError: no loss has this name.
    """
    if callable(loss):
        return loss
    return LOSSES[checked_name("loss", loss, LOSSES)]
