"""How good a model is: what it predicts beside what is true, and its curve or surface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from baregrad.errors import BaregradError, counted
from baregrad.nn import losses
from baregrad.tensor.tensor import Tensor
from baregrad.training import metrics
from baregrad.training.evaluation import predict
from baregrad.training.history import Trained

ROWS = 5000  # that are assessed, at most
POINTS = 400  # that are drawn
CLASSES = 30  # in a confusion matrix
CURVE, SURFACE = 120, 48  # points along an axis
MARGIN = 0.1  # beyond the samples, as a share of their range


class Labels(NamedTuple):
    """What to call things, and in which units numbers are.

    Attributes:
        title: of the report.
        facts: of data, network and training, as pairs of a word and what it is; in place of the
            page's own.
        features: names of the inputs.
        target: name of what is predicted.
        classes: their names, if it is one of them.
        mean: what was subtracted from the target.
        scale: what it was divided by then.
    """

    title: str = "Training report"
    facts: Sequence[tuple[str, str]] = ()
    features: Sequence[str] = ()
    target: str = "target"
    classes: Sequence[str] = ()
    mean: float = 0.0
    scale: float = 1.0

    def feature(self, i: int) -> str:
        """The name of an input."""
        return self.features[i] if i < len(self.features) else f"input {i}"

    def in_units(self, values: Tensor) -> list[float]:
        """Of the first column, in the units of the target."""
        first = values.reshape(len(values), -1)[:, 0]
        return [v * self.scale + self.mean for v in first.array.data]


def results(trained: Trained, labels: Labels) -> dict[str, Any]:
    """Predictions of the validation samples, or else of those trained on, beside the truth."""
    which = "validation" if trained.validation else "training"
    data = (trained.validation or trained.samples).spread(ROWS)
    output = predict(trained.model, data.x)
    pairs = _classes(trained, output, data.y)
    found = _numbers(output, data.y, labels) if pairs is None else _confusion(*pairs, labels)
    picture = _picture(trained, labels, pairs is not None)
    return {**found, "of": counted(len(data), f"{which} sample"), "picture": picture}


def _classes(trained: Trained, output: Tensor, y: Tensor) -> tuple[Tensor, Tensor] | None:
    """The predicted and the true class of each sample; None if it is no classification."""
    loss = getattr(trained.loss, "func", trained.loss)  # the loss itself, of one with options
    if loss is losses.binary_cross_entropy:
        return (output > 0).flatten().astype("int64"), (y > 0.5).flatten().astype("int64")
    if output.ndim != 2 or (loss is not losses.cross_entropy and y.dtype != "int64"):
        return None
    if y.shape == output.shape:
        return output.argmax(-1), y.argmax(-1)
    return (output.argmax(-1), y) if y.ndim == 1 else None


def _confusion(predicted: Tensor, true: Tensor, labels: Labels) -> dict[str, Any]:
    pairs = list(zip(true.array.data, predicted.array.data, strict=True))
    count = max(2, 1 + max(max(pair) for pair in pairs), len(labels.classes))
    names = [*labels.classes, *map(str, range(len(labels.classes), count))]
    shown = min(count, CLASSES)
    matrix = [[0] * shown for _ in range(shown)]
    for t, p in pairs:
        if t < shown and p < shown:
            matrix[t][p] += 1
    scores = [[names[i], *_scores(pairs, i)] for i in range(shown)]
    accuracy = sum(t == p for t, p in pairs) / len(pairs)
    return {
        "kind": "classes",
        "classes": names[:shown],
        "matrix": matrix,
        "each": scores,
        "scores": [["accuracy", accuracy]],
        "usual": max(Counter(t for t, _ in pairs).values()) / len(pairs),
        "hidden": count - shown,
    }


def _scores(pairs: list[tuple[int, int]], i: int) -> list[Any]:
    """Precision, recall, F1 and the number of samples of a class; None where 0 is divided by 0."""
    hits = sum(t == p == i for t, p in pairs)
    found, there = sum(p == i for _, p in pairs), sum(t == i for t, _ in pairs)
    f1 = 2 * hits / (found + there) if found + there else None
    shares = (hits / found if found else None, hits / there if there else None, f1)
    return [*shares, there]


def _numbers(output: Tensor, y: Tensor, labels: Labels) -> dict[str, Any]:
    if output.size != y.size:
        return {"kind": "other", "scores": []}
    prediction, truth = output.reshape(len(y), -1), y.reshape(len(y), -1)
    scores = [
        ["r2", metrics.r2(prediction, truth)],
        ["rmse", labels.scale * metrics.rmse(prediction, truth)],
        ["mae", labels.scale * metrics.mae(prediction, truth)],
    ]
    every = -(-len(y) // POINTS)
    pairs = zip(labels.in_units(truth), labels.in_units(prediction), strict=True)
    return {
        "kind": "numbers",
        "target": labels.target,
        "scores": scores,
        "pairs": [list(pair) for pair in pairs][::every],
        "outputs": prediction.shape[1],
    }


def _picture(trained: Trained, labels: Labels, classes: bool) -> dict[str, Any] | None:
    """What the model gives for all values of one or two inputs; None if there are more."""
    x = trained.samples.x
    if x.ndim != 2 or x.shape[1] > 2:
        return None
    few = trained.samples.spread(POINTS)
    axes = [_axis(few.x[:, i], CURVE if x.shape[1] == 1 else SURFACE) for i in range(x.shape[1])]
    places = (
        [[a] for a in axes[0]] if len(axes) == 1 else [[a, b] for b in axes[1] for a in axes[0]]
    )
    try:
        output = predict(trained.model, Tensor(places, x.dtype), len(places))
    except BaregradError:  # such as numbers of categories between those that there are
        return None
    found = _classes(trained, predict(trained.model, few.x), few.y) if classes else None
    binary = classes and (output.size == len(places) or output.shape[1] == 2)
    return {
        "axes": axes,
        "features": [labels.feature(i) for i in range(len(axes))],
        "target": f"probability of class {[*labels.classes, '0', '1'][1]}"
        if binary
        else labels.target,
        "values": _heights(output, labels, classes),
        "chosen": output.argmax(-1).tolist() if classes and not binary else None,
        "points": few.x.tolist(),
        "truth": found[1].tolist() if found else labels.in_units(few.y),
    }


def _heights(output: Tensor, labels: Labels, classes: bool) -> list[float]:
    """Predictions; of classes the probability of the second of two, or of the likeliest."""
    if not classes:
        return labels.in_units(output)
    if output.size == len(output):
        chances = output.sigmoid().flatten()
    else:
        likely = output.softmax(-1)
        chances = likely[:, 1] if output.shape[1] == 2 else likely.max(-1)
    return list(chances.array.data)


def _axis(values: Tensor, count: int) -> list[float]:
    least, most = values.min().item(), values.max().item()
    margin = MARGIN * (most - least) or 1.0
    step = (most - least + 2 * margin) / (count - 1)
    return [least - margin + i * step for i in range(count)]
