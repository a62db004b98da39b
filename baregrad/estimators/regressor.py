"""`MLPRegressor`, which works as that of scikit-learn and inside its tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from baregrad.engines.array import DType
from baregrad.errors import ShapeError
from baregrad.estimators.arrays import check_length, checked_weights, numbers
from baregrad.estimators.network import MLPEstimator
from baregrad.estimators.solving import REGRESSION, loss_from
from baregrad.estimators.target_scaling import TargetScaling
from baregrad.nn import losses
from baregrad.nn.losses import Loss
from baregrad.optim.schedules import Rule
from baregrad.tensor.tensor import Tensor
from baregrad.training import recipe
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
        scale_target: + train on the targets less their mean, over their standard deviation, and put
            both into the last layer's weights in the end. Losses are those of such targets. Not for
            ``"poisson"`` and functions, whose values depend on the unit.

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

    scale_target: bool
    _estimator_type = "regressor"
    _score_name = "r2"

    def __init__(
        self,
        hidden_layer_sizes: Any = recipe.REGRESSION.hidden,
        activation: Any = recipe.REGRESSION.activation,
        *,
        loss: str | Loss = "squared_error",
        solver: Any = "adam",
        alpha: float = recipe.REGRESSION.alpha,
        batch_size: int | str = "auto",
        learning_rate: str | Rule = recipe.REGRESSION.schedule,
        learning_rate_init: float = recipe.REGRESSION.lr,
        power_t: float = 0.5,
        max_iter: int = recipe.REGRESSION.epochs,
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
        dropout: float = recipe.REGRESSION.dropout,
        norm: str | None = None,
        initializer: Any = recipe.REGRESSION.initializer,
        callbacks: Sequence[Callback] = (),
        dtype: DType = "float32",
        scale_target: bool = True,
    ) -> None:
        self._store(locals())

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains for one epoch more; arguments and errors as those of `fit`."""
        return self._partial_fit(X, y, sample_weight)

    def _targets(self, y: Any, again: bool, classes: Any) -> tuple[Tensor, None]:
        target = numbers(y, self.dtype, "y").astype("float64")
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

    def _fitted_scaling(
        self, target: Tensor, weights: Tensor | None = None
    ) -> TargetScaling | None:
        is_named = isinstance(self.loss, str) and self.loss != "poisson"
        return TargetScaling.of(target, weights) if self.scale_target and is_named else None

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
        target = self._targets(y, True, None)[0]
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
