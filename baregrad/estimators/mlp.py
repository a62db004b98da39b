"""`MLPRegressor` and `MLPClassifier`, which work as those of scikit-learn and inside its tools."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

from baregrad.engines.array import DType
from baregrad.errors import ArgumentError, DataError, ShapeError
from baregrad.estimators.arrays import check_length, checked_weights, numbers
from baregrad.estimators.labels import Labels
from baregrad.estimators.network import MLPEstimator
from baregrad.estimators.solving import REGRESSION, loss_from
from baregrad.nn import losses
from baregrad.nn.losses import Loss
from baregrad.optim.schedules import Rule
from baregrad.tensor.tensor import Tensor
from baregrad.training.metrics import Metric
from baregrad.training.run import Callback


class MLPRegressor(MLPEstimator):
    """A multi-layer perceptron that predicts numbers.

    Parameters have the names and meanings of scikit-learn's estimator of this name; those marked +
    are baregrad's own. Some defaults are others, chosen by measurement on real tables.

    Args:
        hidden_layer_sizes: how many neurons each hidden layer has; () for a linear model.
        activation: ``"relu"``, ``"tanh"``, ``"logistic"``, ``"identity"``, + any other of
            baregrad's, a function, or a list with one for each hidden layer.
        loss: ``"squared_error"`` (halved), ``"poisson"`` (the network gives the logarithm of the
            count), + ``"absolute_error"``, ``"huber"``, ``"quantile"`` (the median), or a function
            of predictions and targets (samples, outputs), and of `sample_weight` if there are any.
        solver: ``"adam"``, ``"sgd"``, ``"lbfgs"``, + the name of another optimizer, or a function
            of parameters and `lr` that makes one, such as its class.
        alpha: the weight of the penalty α / (2 n) · Σ w² over all weights but biases.
        batch_size: samples to a step; ``"auto"`` is 200, or all if there are fewer.
        learning_rate: ``"constant"``, ``"invscaling"``, ``"adaptive"``, + a rule from `schedules`,
            which counts steps, or ``"one_cycle"``: `schedules.one_cycle` over the `max_iter` epochs
            of a `fit`, and constant in `partial_fit`. No solver but ``"lbfgs"`` is without it.
        learning_rate_init: at first; of ``"one_cycle"``, at its peak.
        power_t: the exponent of ``"invscaling"``, lr / (samples seen + 1)ᵖ.
        max_iter: epochs, at most; of ``"lbfgs"``, iterations.
        shuffle: whether each epoch has an order of its own.
        random_state: a seed, a generator, or None for baregrad's default generator.
        tol: what counts as progress; ``"one_cycle"`` goes on without any in the training loss.
        verbose: print losses some twenty times.
        warm_start: `fit` goes on with the weights that are there.
        momentum: of ``"sgd"``.
        nesterovs_momentum: of ``"sgd"``.
        early_stopping: keep samples back, watch the score on them, put back the best weights.
        validation_fraction: the share of samples to keep back.
        beta_1: of ``"adam"``.
        beta_2: of ``"adam"``.
        epsilon: of ``"adam"``.
        n_iter_no_change: training ends after more epochs than these without progress.
        dropout: + the probability with which training drops a hidden neuron; none with ``"lbfgs"``,
            which needs a loss that is the same each time.
        norm: + ``"batch"`` or ``"layer"`` normalisation in hidden layers, or None.
        initializer: + of the weights, a name or function; None for one that suits the activation.
        callbacks: + what to tell of the progress; see `Callback`.
        dtype: + of weights and arithmetic. ``"float64"`` runs as Python code only.

    Attributes:
        model_: the network, a baregrad `MLP`.
        coefs_: its weights, a matrix (inputs, outputs) for each layer.
        intercepts_: its biases.
        n_features_in_: features of a sample.
        feature_names_in_: names of the features, if `fit` was given a data frame.
        n_outputs_: outputs of the network.
        n_layers_: layers, of inputs, hidden and outputs.
        out_activation_: what is applied to the outputs: ``"identity"``, or ``"exp"``.
        n_iter_: epochs of the last `fit`, or of all calls of `partial_fit`.
        t_: samples seen in all epochs.
        history_: for each quantity of `History` its values, epoch by epoch.
        loss_curve_: the losses of the epochs, with the penalty.
        loss_: the last.
        best_loss_: the least; None with early stopping.
        validation_scores_: with early stopping, the score after each epoch.
        best_validation_score_: the best of these.
    """

    _estimator_type = "regressor"
    _score_name = "r2"

    def __init__(
        self,
        hidden_layer_sizes: Any = (100, 100),
        activation: Any = "relu",
        *,
        loss: str | Loss = "squared_error",
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Rule = "one_cycle",
        learning_rate_init: float = 0.01,
        power_t: float = 0.5,
        max_iter: int = 100,
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
        dropout: float = 0.2,
        norm: str | None = None,
        initializer: Any = "glorot_uniform",
        callbacks: Sequence[Callback] = (),
        dtype: DType = "float32",
    ) -> None:
        self._store(locals())

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains for one epoch more; arguments and errors as those of `fit`."""
        return self._partial_fit(X, y, sample_weight)

    def _targets(self, y: Any, again: bool, classes: Any) -> tuple[Tensor, None]:
        target = numbers(y, self.dtype, "y")
        if target.ndim == 1:
            target = target.reshape(-1, 1)
        if target.ndim != 2 or not target.size:
            raise ShapeError(f"y must be (samples,) or (samples, outputs), not {target.shape}")
        if not again:
            self.n_outputs_ = target.shape[1]
            self.out_activation_ = "exp" if self._loss() is losses.poisson else "identity"
        elif target.shape[1] != self.n_outputs_:
            raise ShapeError(f"y has {target.shape[1]} outputs, and had {self.n_outputs_} before")
        return target, None

    def _loss(self) -> Loss:
        return loss_from(self.loss, REGRESSION)

    def _metric(self) -> Metric:
        def r2(output: Tensor, target: Tensor) -> float:
            return _r2(self._from_output(output), target, None)

        return r2

    def _from_output(self, output: Tensor) -> Tensor:
        return output.exp() if self.out_activation_ == "exp" else output

    def predict(self, X: Any) -> Any:
        """(samples,), or (samples, outputs) if `y` had more than one column; float64.

        Raises:
            NotFittedError: before `fit`.
            DataError: other columns than those of `fit`, or values that are not finite.
        """
        prediction = self._from_output(self._output(X))
        return self._given(prediction if self.n_outputs_ > 1 else prediction.reshape(-1), X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², the share of the variance of `y` that is explained; of several outputs, the mean."""
        prediction = self._from_output(self._output(X))
        target = self._targets(y, True, None)[0].astype("float64")
        check_length(len(prediction), y=target)
        return _r2(prediction, target, checked_weights(sample_weight, len(target)))


def _r2(p: Tensor, t: Tensor, weights: Tensor | None) -> float:
    """1 - Σ w (t - p)² / Σ w (t - mean)², the mean over outputs.

    An output that is the same in all samples has 1 if it is predicted exactly, and 0 if not.
    """
    w = Tensor([[1.0]], t.dtype) if weights is None else weights.reshape(-1, 1)
    mean = t.mean(0) if weights is None else (w * t).sum(0) / w.sum()
    error, distance = t - p, t - mean
    errors, spread = (w * error * error).sum(0), (w * distance * distance).sum(0)
    pairs = zip(errors.tolist(), spread.tolist(), strict=True)
    scores = [1 - e / s if s else float(not e) for e, s in pairs]
    return sum(scores) / len(scores)


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
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: str | Loss = "log_loss",
        solver: Any = "adam",
        alpha: float = 0.3,
        batch_size: int | str = "auto",
        learning_rate: str | Rule = "one_cycle",
        learning_rate_init: float = 0.01,
        power_t: float = 0.5,
        max_iter: int = 100,
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
        dropout: float = 0.3,
        norm: str | None = None,
        initializer: Any = "glorot_uniform",
        callbacks: Sequence[Callback] = (),
        dtype: DType = "float32",
        class_weight: Any = None,
        label_smoothing: float = 0.05,
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
        target = labels.encoded(self._classes)
        if target.dtype == "float32":
            target = target.astype(self.dtype)
        return target, labels.weights(self.class_weight)

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
