"""Metrics of classification: how often, and of which classes, the predicted class is right."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby

from baregrad.errors import ArgumentError, ShapeError
from baregrad.tensor.tensor import Tensor


def accuracy(prediction: Tensor, target: Tensor) -> float:
    """The share of samples whose class is right.

    Args:
        prediction: (samples, classes) scores, of which the largest counts; or logits of two
            classes, of the target's shape or (samples, 1), where above 0 means class 1.
        target: (samples,) class numbers, (samples, classes) probabilities, or zeros and ones.

    Raises:
        ShapeError: the shapes fit neither case.
        ArgumentError: probabilities that do not add up to one.
    """
    predicted, true = _classes(prediction, target, "accuracy")
    return float((predicted == true).mean().item())


def balanced_accuracy(prediction: Tensor, target: Tensor) -> float:
    """As `accuracy`, but each class counts the same, however rare: the mean of their recalls.

    The recall of a class is the share of its samples that are found (K. Brodersen et al., "The
    balanced accuracy and its posterior distribution", 2010).
    """
    right, _, true = _counts(prediction, target, "balanced_accuracy")
    return math.fsum(right[c] / true[c] for c in true) / len(true)


def f1_macro(prediction: Tensor, target: Tensor) -> float:
    """The mean of the F1 scores of all classes, each of which counts the same.

    F1 = 2 · right / (predicted + true), the harmonic mean of precision and recall (C. van
    Rijsbergen, "Information retrieval", 1979). Arguments and errors are those of `accuracy`.
    """
    right, predicted, true = _counts(prediction, target, "f1_macro")
    classes = predicted.keys() | true.keys()
    return math.fsum(2 * right[c] / (predicted[c] + true[c]) for c in classes) / len(classes)


def roc_auc(prediction: Tensor, target: Tensor) -> float:
    """The area under the ROC curve: how often a sample of class 1 has the larger score.

    Of all pairs of a sample of class 1 and one of class 0; equal scores count half. It depends on
    the order of the scores alone (T. Fawcett, "An introduction to ROC analysis", 2006).

    Args:
        prediction: (samples,) or (samples, 1) scores of any kind; or (samples, 2), of which the
            second less the first counts.
        target: one class, 0 or 1, for each sample.

    Returns:
        From 0 to 1; 0.5 is no better than chance. NaN if there is one class only, or a score that
        is NaN.

    Raises:
        ShapeError: more than two classes, or not as many scores as classes.
        ArgumentError: a class that is neither 0 nor 1.
    """
    samples = len(target)
    if prediction.shape == (samples, 2):
        prediction = prediction[:, 1] - prediction[:, 0]
    if prediction.size != samples or target.size != samples:
        raise ShapeError(
            f"roc_auc: predictions of shape {prediction.shape} do not fit targets of shape "
            f"{target.shape}; it is of two classes: give ({samples},) scores and classes"
        )
    classes = target.flatten().tolist()
    if not set(classes) <= {0, 1}:
        raise ArgumentError(f"roc_auc: the classes must be 0 and 1, not {sorted(set(classes))}")
    if (prediction != prediction).any():
        return math.nan
    positive, rank_sum, below = sum(classes), 0.0, 0
    ordered = sorted(zip(prediction.flatten().tolist(), classes, strict=True))
    for _, equal in groupby(ordered, key=lambda pair: pair[0]):
        ties = [of_class for _, of_class in equal]
        rank_sum += sum(ties) * (below + (len(ties) - 1) / 2)  # how many are below, on average
        below += len(ties)
    pairs = positive * (samples - positive)
    return (rank_sum - positive * (positive - 1) / 2) / pairs if pairs else math.nan


def _counts(
    prediction: Tensor, target: Tensor, metric: str
) -> tuple[Counter[int], Counter[int], Counter[int]]:
    """Of each class, how many samples are rightly predicted, predicted, and true."""
    predicted, true = (x.flatten().tolist() for x in _classes(prediction, target, metric))
    right = (p for p, t in zip(predicted, true, strict=True) if p == t)
    return Counter(right), Counter(predicted), Counter(true)


def _classes(prediction: Tensor, target: Tensor, metric: str) -> tuple[Tensor, Tensor]:
    """The predicted and the true class of each sample; see `accuracy`."""
    if prediction.shape == (*target.shape, 1):
        prediction = prediction.reshape(target.shape)
    if prediction.shape == target.shape and (prediction.ndim < 2 or prediction.shape[-1] == 1):
        return prediction > 0, target > 0.5
    if prediction.shape == target.shape:
        if ((target.sum(-1) - 1).abs() > 1e-3).any():
            raise ArgumentError(
                f"{metric}: a sample has one class, and the probabilities of some targets of shape "
                f"{target.shape} do not add up to one; for several classes at once, pass a "
                "function of your own"
            )
        return prediction.argmax(-1), target.argmax(-1)
    if prediction.shape[:-1] == target.shape:
        return prediction.argmax(-1), target
    raise ShapeError(
        f"{metric}: predictions of shape {prediction.shape} do not fit targets of shape "
        f"{target.shape}; give (samples, classes) scores and (samples,) class numbers"
    )
