"""What `MLPRegressor` and `MLPClassifier` share: training, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, ClassVar, Self
from warnings import warn

from baregrad.arguments import checked_count
from baregrad.errors import ArgumentError
from baregrad.estimators.arrays import integer
from baregrad.estimators.conventions import not_fitted, sklearn_class
from baregrad.estimators.samples import Prepared
from baregrad.estimators.solving import (
    Convergence,
    Objective,
    is_one_cycle,
    network_activation,
    optimizer_of,
    rule_of,
    seed_of,
)
from baregrad.estimators.target_scaling import TargetScaling
from baregrad.nn.losses import Loss
from baregrad.nn.mlp import MLP
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import predict
from baregrad.training.fit import fit
from baregrad.training.history import History
from baregrad.training.metrics import Metric
from baregrad.training.recipe import BATCH


class MLPEstimator(Prepared):
    """What regressor and classifier share: training, and what is learned."""

    model_: MLP
    n_outputs_: int
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    best_loss_: float | None
    _score_name: ClassVar[str]

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: Sequence[Any] | None = None,
    ) -> Self:
        """Trains the network; anew, unless `warm_start` says to go on.

        Args:
            X: (samples, features), an array, data frame, sparse matrix, tensor or list.
            y: (samples,), or a row for each sample; see the class.
            sample_weight: (samples,), how much each counts, 0 or more.
            validation_data: (X, y) or (X, y, sample_weight), not to be trained on, whose loss and
                score go into `history_` after each epoch. `early_stopping` watches it, where there
                is any, in place of samples kept back.

        Raises:
            DataError: data that cannot be learned from: empty, NaN, of different lengths.
            ArgumentError: a parameter out of range, or an unknown name.
            NonFiniteError: the loss became infinite or NaN.
        """
        epochs = checked_count(integer(self.max_iter), "max_iter")
        again = bool(self.warm_start) and hasattr(self, "model_")
        stopped = self._learn(X, y, sample_weight, None, again, epochs, validation_data)
        if stopped is None and not (callable(self.learning_rate) or is_one_cycle(self)):
            warn(
                f"max_iter={epochs}: all epochs are done; the loss still improved: more may help",
                sklearn_class("ConvergenceWarning", UserWarning),
                stacklevel=2,
            )
        return self

    def _partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        classes: Any = None,
    ) -> Self:
        """One epoch more, with the optimizer of the epochs before."""
        if self.solver == "lbfgs" or self.early_stopping:
            raise ArgumentError(
                "partial_fit does not support solver='lbfgs' or early_stopping=True; use fit"
            )
        self._learn(X, y, sample_weight, classes, hasattr(self, "model_"), None)
        return self

    def _learn(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        classes: Any,
        again: bool,
        epochs: int | None,
        validation_data: Sequence[Any] | None = None,
    ) -> str | None:
        """Trains, and says why that ended before its last epoch.

        Args:
            X: see `fit`.
            y: see `fit`.
            sample_weight: see `fit`.
            classes: that there will be; None for those of `y`.
            again: go on with the weights that are there.
            epochs: how many, with a new optimizer; None for one with the optimizer that is there.
            validation_data: see `fit`.
        """
        try:
            samples = self._samples(X, y, sample_weight, again, classes)
            if again:
                self._check_sizes()
            else:
                self._begin(samples)
            held_out = self._validation(validation_data)
            if epochs is not None or not again:
                self._optimizer, self.n_iter_ = optimizer_of(self, self.model_.parameters()), 0
            return self._train(samples, held_out, epochs)
        except Exception:
            if not again:
                vars(self).pop("model_", None)  # what is half trained is not fitted
            raise

    # --- what each of the two does in its own way -------------------------------------------------

    def _fitted_scaling(
        self, target: Tensor, weights: Tensor | None = None
    ) -> TargetScaling | None:
        """How targets are scaled for training; None if they are not."""
        return None

    def _loss(self) -> Loss:
        raise NotImplementedError

    def _metric(self) -> Metric:
        """The score, of the network's output; its name is that in the history."""
        raise NotImplementedError

    # --- training ---------------------------------------------------------------------------------

    def _hidden(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        return [integer(n) for n in (sizes if hasattr(sizes, "__len__") else [sizes])]

    def _check_sizes(self) -> None:
        """Refuses to go on with a network of other sizes."""
        if [layer.outputs for layer in self.model_.layers[:-1]] != self._hidden():
            raise ArgumentError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} are not those of the network that "
                "was trained; set warm_start=False, or clone the estimator"
            )

    def _begin(self, samples: list[Tensor]) -> None:
        """A new network, and empty records."""
        self._seed = seed_of(self.random_state)
        self.model_ = MLP(
            samples[0].shape[1],
            [*self._hidden(), self.n_outputs_],
            activation=network_activation(self.activation),
            dropout=0.0 if self.solver == "lbfgs" else self.dropout,
            norm=self.norm,
            initializer=self.initializer,
            seed=self._seed,
            dtype=self.dtype,
        )
        self._scaling = self._fitted_scaling(*samples[1:])
        if self._scaling is not None:
            self._scaling.put_in(self.model_.layers[-1])
        self.n_layers_ = len(self.model_.layers) + 1
        self.n_iter_ = self.t_ = self._steps = self._epochs = 0
        self.loss_curve_: list[float] = []
        self.history_: dict[str, list[float]] = {}
        self.validation_scores_ = self.best_validation_score_ = self.best_loss_ = None

    def _train(
        self, samples: list[Tensor], held_out: list[Tensor] | None, epochs: int | None
    ) -> str | None:
        """Trains for so many epochs; None for one of a number that is not known."""
        mean_weight = samples[2].mean().item() if samples[2:] else 1.0
        if self.early_stopping and held_out is None:
            samples, held_out = self._split(samples)
        x, target, *weights = self._for_network(samples)
        size, optimizer = self._batch_size(len(x)), self._optimizer
        if self.solver != "lbfgs":
            optimizer.lr = self.learning_rate_init
        matrices = [parameter for parameter in self.model_.parameters() if parameter.ndim == 2]
        watched = self._score_name if self.early_stopping else None
        with self._scaling.taken_out(self.model_.layers[-1]) if self._scaling else nullcontext():
            history = fit(
                self.model_,
                x,
                target,
                loss=Objective(self._loss(), self.alpha / mean_weight, matrices),
                optimizer=optimizer,
                epochs=epochs or 1,
                batch_size=size,
                validation_data=self._for_network(held_out) if held_out else None,
                metrics=[self._metric()] if held_out else [],
                callbacks=[Convergence(self, watched), *self.callbacks],
                schedule=rule_of(self, len(x), size, self._steps, epochs),
                sample_weight=weights[0] if weights else None,
                seed=(self._seed + self._epochs) % 2**64,
                verbose=bool(self.verbose),
                shuffle=bool(self.shuffle),
            )
        optimizer.zero_grad()
        self._record(history, len(x))
        return history.stopped

    def _for_network(self, samples: Sequence[Tensor]) -> list[Tensor]:
        """Samples with targets as the network is to give them while it trains."""
        x, target, *weights = samples
        if self._scaling is not None:
            target = self._scaling.encoded(target)
        return [x, target if target.dtype == "int64" else target.astype(self.dtype), *weights]

    def _batch_size(self, samples: int) -> int:
        if self.solver == "lbfgs":
            return samples
        size = BATCH if self.batch_size == "auto" else integer(self.batch_size)
        return min(checked_count(size, "batch_size"), samples)

    def _record(self, history: History, samples: int) -> None:
        """Adds what a training gave to what those before gave."""
        for name, values in history.history.items():
            self.history_.setdefault(name, []).extend(values)
        self._steps += history.steps
        self._epochs += len(history.epoch)
        self.n_iter_ += len(history.epoch)
        self.t_ += len(history.epoch) * samples
        self.loss_curve_ = self.history_["loss"]
        self.loss_ = self.loss_curve_[-1]
        scores = self.history_.get(f"val_{self._score_name}")
        if scores:
            self.validation_scores_, self.best_validation_score_ = scores, max(scores)
        if not self.early_stopping:
            self.best_loss_ = min(self.loss_curve_)

    # --- what was learned -------------------------------------------------------------------------

    def _output(self, X: Any) -> Tensor:
        """What the network gives, (samples, outputs), float64."""
        x = self._checked_inputs(X)
        return predict(self.model_, x).astype("float64")

    def _parameters(self, name: str) -> list[Any]:
        if not hasattr(self, "model_"):
            raise not_fitted(self)
        tensors = [getattr(layer, name).detach() for layer in self.model_.layers]
        return [self._given(tensor.T if tensor.ndim == 2 else tensor) for tensor in tensors]

    @property
    def coefs_(self) -> list[Any]:
        """The weights of each layer, (inputs, outputs): copies, read from `model_`."""
        return self._parameters("weight")

    @property
    def intercepts_(self) -> list[Any]:
        """The biases of each layer, (outputs,): copies, read from `model_`."""
        return self._parameters("bias")
