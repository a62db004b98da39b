"""`MLPClassifier`, which works as that of scikit-learn and inside its tools."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

from baregrad.engines.array import DType
from baregrad.errors import ArgumentError, DataError
from baregrad.estimators.arrays import check_length, checked_weights
from baregrad.estimators.labels import Labels
from baregrad.estimators.network import MLPEstimator
from baregrad.estimators.solving import loss_from
from baregrad.nn import losses
from baregrad.nn.losses import Loss
from baregrad.optim.schedules import Rule
from baregrad.tensor.tensor import Tensor
from baregrad.training import recipe
from baregrad.training.metrics import Metric
from baregrad.training.run import Callback


class MLPClassifier(MLPEstimator):
    """A multi-layer perceptron that predicts classes.

    `y` has a label for each sample, or a row of zeros and ones with a column for each of several
    labels that a sample may have or not. Parameters and attributes are those of `MLPRegressor`, and
    those below.

    Args:
        loss: ``"log_loss"``, + or a function of logits and targets: (samples, classes) and class
            numbers (samples,); or zeros and ones (samples, outputs) for both if there are two
            classes, with one output, or several labels.
        class_weight: + weights of classes by label, ``"balanced"``, or None.
        label_smoothing: + how much of a target is spread evenly over all classes, for
            ``"log_loss"``.

    Attributes:
        classes_: the labels in order; of several labels, the numbers of their columns.
        out_activation_: ``"logistic"`` or ``"softmax"``.
    """

    class_weight: Any
    label_smoothing: float
    _estimator_type = "classifier"
    _score_name = "accuracy"

    def __init__(
        self,
        hidden_layer_sizes: Any = recipe.CLASSIFICATION.hidden,
        activation: Any = recipe.CLASSIFICATION.activation,
        *,
        loss: str | Loss = "log_loss",
        solver: Any = "adam",
        alpha: float = recipe.CLASSIFICATION.alpha,
        batch_size: int | str = "auto",
        learning_rate: str | Rule = recipe.CLASSIFICATION.schedule,
        learning_rate_init: float = recipe.CLASSIFICATION.lr,
        power_t: float = 0.5,
        max_iter: int = recipe.CLASSIFICATION.epochs,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        dropout: float = recipe.CLASSIFICATION.dropout,
        norm: str | None = None,
        initializer: Any = recipe.CLASSIFICATION.initializer,
        callbacks: Sequence[Callback] = (),
        dtype: DType = "float32",
        class_weight: Any = None,
        label_smoothing: float = recipe.CLASSIFICATION.label_smoothing,
    ) -> None:
        self._store(locals())

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        """Trains for one epoch more.

        Args:
            X: as in `fit`.
            y: as in `fit`; not all classes need be there.
            classes: all that there will be; needed in the first call.
            sample_weight: as in `fit`.

        Raises:
            ArgumentError: no classes in the first call, or others in a later one.
        """
        if classes is None and not hasattr(self, "model_"):
            raise ArgumentError("classes must be passed on the first call to partial_fit")
        return self._partial_fit(X, y, sample_weight, classes)

    def _targets(self, y: Any, again: bool, classes: Any) -> tuple[Tensor, list[float] | None]:
        labels = Labels(y)
        if classes is not None:
            classes = Labels(classes).classes()
        if not again:
            self._note_classes(labels, classes or labels.classes())
        elif classes not in (None, self._classes):
            raise ArgumentError(f"classes are {classes}, and were {self._classes} before")
        elif labels.multilabel != self._is_multilabel:
            raise DataError("y must have one label for each sample, or a row, as it had before")
        return labels.encoded(self._classes), labels.weights(self.class_weight, self._classes)

    def _note_classes(self, labels: Labels, classes: list[Any]) -> None:
        self._classes, self._kind, self._is_multilabel = classes, labels.kind, labels.multilabel
        self.classes_ = self._given(classes, dtype=None if labels.multilabel else labels.kind)
        is_binary = len(classes) == 2 and not labels.multilabel
        self.n_outputs_ = 1 if is_binary else len(classes)
        self.out_activation_ = "logistic" if is_binary or labels.multilabel else "softmax"

    def _loss(self) -> Loss:
        is_softmax = self.out_activation_ == "softmax"
        loss = losses.cross_entropy if is_softmax else losses.binary_cross_entropy
        known = {"log_loss": partial(loss, label_smoothing=self.label_smoothing)}
        return loss_from(self.loss, known)

    def _metric(self) -> Metric:
        def accuracy(output: Tensor, target: Tensor) -> float:
            if self.out_activation_ == "softmax":
                return float((output.argmax(-1) == target).mean().item())
            right = ((output > 0) == (target > 0.5)).sum(-1)
            return float((right == self.n_outputs_).mean().item())

        return accuracy

    def _labels(self, X: Any) -> list[Any]:
        """The labels, or rows of zeros and ones, of samples."""
        output = self._output(X)
        if self.out_activation_ == "softmax":
            return [self._classes[i] for i in output.argmax(-1).tolist()]
        rows: list[list[int]] = (output > 0).astype("int64").tolist()
        return rows if self._is_multilabel else [self._classes[i] for (i,) in rows]

    def predict(self, X: Any) -> Any:
        """(samples,) labels; or (samples, labels) zeros and ones, a 1 from probability ½ on.

        Raises:
            NotFittedError: before `fit`.
            DataError: other columns than those of `fit`, or values that are not finite.
        """
        return self._given(self._labels(X), X, self._kind)

    def predict_proba(self, X: Any) -> Any:
        """(samples, classes), the probability of each class; of several labels, of each; float64.

        Raises:
            NotFittedError, DataError: as `predict`.
        """
        return self._given(self._log_probabilities(X).exp(), X)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of `predict_proba`, exact where that is all but 0 or 1."""
        return self._given(self._log_probabilities(X), X)

    def _log_probabilities(self, X: Any) -> Tensor:
        logits = self._output(X)
        if self.out_activation_ == "softmax":
            return logits.log_softmax()
        positive = -(-logits).softplus()  # log σ(z)
        return positive if self._is_multilabel else Tensor.concat([-logits.softplus(), positive], 1)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of samples whose label, or whole row of labels, is right."""
        predicted, labels = self._labels(X), Labels(y)
        check_length(len(predicted), y=labels)
        weights = checked_weights(sample_weight, len(labels))
        counts = [1.0] * len(labels) if weights is None else weights.tolist()
        triples = zip(predicted, labels, counts, strict=True)
        return float(sum(w for p, t, w in triples if p == t) / sum(counts))
