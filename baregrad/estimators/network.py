"""What `MLPRegressor` and `MLPClassifier` share: training, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self
from warnings import warn

from baregrad.data.split import train_test_split
from baregrad.errors import ArgumentError, DataError
from baregrad.estimators.arrays import (
    check_length,
    check_names,
    checked_weights,
    feature_names,
    integer,
    matrix,
    numpy_array,
    to_numpy,
)
from baregrad.estimators.conventions import not_fitted, sklearn_class
from baregrad.estimators.parameters import Parameters
from baregrad.estimators.solving import (
    Convergence,
    Objective,
    is_one_cycle,
    network_activation,
    optimizer_of,
    rule_of,
    seed_of,
)
from baregrad.nn.layers import checked_count, checked_float
from baregrad.nn.losses import Loss
from baregrad.nn.mlp import MLP
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import predict
from baregrad.training.fit import fit
from baregrad.training.history import History
from baregrad.training.metrics import Metric

BATCH = 200  # samples in a batch, if it is not said


class MLPEstimator(Parameters):
    """What regressor and classifier share: training, and what is learned."""

    model_: MLP
    n_features_in_: int
    n_outputs_: int
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    best_loss_: float | None
    _score_name: ClassVar[str]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains the network; anew, unless `warm_start` says to go on.

        Args:
            X: (samples, features), an array, data frame, sparse matrix, tensor or list.
            y: (samples,), or a row for each sample; see the class.
            sample_weight: (samples,), how much each counts, 0 or more.

        Raises:
            DataError: data that cannot be learned from: empty, NaN, of different lengths.
            ArgumentError: a parameter out of range, or an unknown name.
            NonFiniteError: the loss became infinite or NaN.
        """
        epochs = checked_count(integer(self.max_iter), "max_iter")
        again = bool(self.warm_start) and hasattr(self, "model_")
        stopped = self._learn(X, y, sample_weight, None, again, epochs)
        if stopped is None and not (callable(self.learning_rate) or is_one_cycle(self)):
            warn(
                f"max_iter={epochs} epochs are done, and the loss still improved; more may help",
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
    ) -> str | None:
        """Trains, and says why that ended before its last epoch.

        Args:
            X: see `fit`.
            y: see `fit`.
            sample_weight: see `fit`.
            classes: that there will be; None for those of `y`.
            again: go on with the weights that are there.
            epochs: how many, with a new optimizer; None for one with the optimizer that is there.
        """
        try:
            samples = self._samples(X, y, sample_weight, again, classes)
            if epochs is not None or not again:
                self._optimizer, self.n_iter_ = optimizer_of(self, self.model_.parameters()), 0
            return self._train(samples, epochs)
        except Exception:
            if not again:
                vars(self).pop("model_", None)  # what is half trained is not fitted
            raise

    # --- what each of the two does in its own way -------------------------------------------------

    def _targets(self, y: Any, again: bool, classes: Any) -> tuple[Tensor, list[float] | None]:
        """What the network is to give, (samples, ...), and a weight for each sample, if any.

        Notes what was not known before: `n_outputs_`, and which classes there are.
        """
        raise NotImplementedError

    def _loss(self) -> Loss:
        raise NotImplementedError

    def _metric(self) -> Metric:
        """The score, of the network's output; its name is that in the history."""
        raise NotImplementedError

    # --- samples ----------------------------------------------------------------------------------

    def _samples(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        again: bool,
        classes: Any,
    ) -> list[Tensor]:
        """Inputs, targets and, if they differ, weights; without samples of weight 0."""
        if y is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        x = self._checked_inputs(X) if again else self._new_inputs(X)
        target, by_class = self._targets(y, again, classes)
        check_length(len(x), y=target)
        weights = checked_weights(sample_weight, len(x))
        if by_class is not None:
            weights = Tensor(by_class, "float64") * (1.0 if weights is None else weights)
        if not again:
            self._begin(x.shape[1])
        elif [layer.outputs for layer in self.model_.layers[:-1]] != self._hidden():
            raise ArgumentError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} are not those of the network that "
                "was trained; set warm_start=False, or clone the estimator"
            )
        if weights is None:
            return [x, target]
        counted = [i for i, weight in enumerate(weights.array.data) if weight]
        return [part.take(counted) for part in (x, target, weights)]

    def _new_inputs(self, X: Any) -> Tensor:
        """(samples, features), of columns that are noted."""
        x = matrix(X, checked_float(self.dtype))
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)  # what another training has left
        self.n_features_in_ = x.shape[1]
        self._is_numpy = numpy_array(X) is not None
        names = feature_names(X)
        if names is not None:
            self.feature_names_in_ = self._given(names, dtype=object)
        return x

    def _checked_inputs(self, X: Any) -> Tensor:
        """(samples, features), of the columns that were there before."""
        if not hasattr(self, "model_"):
            raise not_fitted(self)
        owner = type(self).__name__
        check_names(owner, feature_names(X), getattr(self, "feature_names_in_", None))
        x = matrix(X, self.dtype)
        if x.shape[1] != self.n_features_in_:
            raise DataError(
                f"X has {x.shape[1]} features, but {owner} is expecting {self.n_features_in_} "
                "features as input"
            )
        return x

    # --- training ---------------------------------------------------------------------------------

    def _hidden(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        return [integer(n) for n in (sizes if hasattr(sizes, "__len__") else [sizes])]

    def _begin(self, features: int) -> None:
        """A new network, and empty records."""
        self._seed = seed_of(self.random_state)
        self.model_ = MLP(
            features,
            [*self._hidden(), self.n_outputs_],
            activation=network_activation(self.activation),
            dropout=0.0 if self.solver == "lbfgs" else self.dropout,
            norm=self.norm,
            initializer=self.initializer,
            seed=self._seed,
            dtype=self.dtype,
        )
        self.n_layers_ = len(self.model_.layers) + 1
        self.n_iter_ = self.t_ = self._steps = self._epochs = 0
        self.loss_curve_: list[float] = []
        self.history_: dict[str, list[float]] = {}
        self.validation_scores_ = self.best_validation_score_ = self.best_loss_ = None

    def _train(self, samples: list[Tensor], epochs: int | None) -> str | None:
        """Trains for so many epochs; None for one of a number that is not known."""
        mean_weight = samples[2].mean().item() if samples[2:] else 1.0
        held_out = None
        if self.early_stopping:
            samples, held_out = self._split(samples)
        x, target, *weights = samples
        size, optimizer = self._batch_size(len(x)), self._optimizer
        if self.solver != "lbfgs":
            optimizer.lr = self.learning_rate_init
        matrices = [parameter for parameter in self.model_.parameters() if parameter.ndim == 2]
        history = fit(
            self.model_,
            x,
            target,
            loss=Objective(self._loss(), self.alpha / mean_weight, matrices),
            optimizer=optimizer,
            epochs=epochs or 1,
            batch_size=size,
            validation_data=held_out,
            metrics=[self._metric()] if held_out else [],
            callbacks=[Convergence(self, self._score_name if held_out else None), *self.callbacks],
            schedule=rule_of(self, len(x), size, self._steps, epochs),
            sample_weight=weights[0] if weights else None,
            seed=(self._seed + self._epochs) % 2**64,
            verbose=bool(self.verbose),
            shuffle=bool(self.shuffle),
        )
        optimizer.zero_grad()
        self._record(history, len(x))
        return history.stopped

    def _batch_size(self, samples: int) -> int:
        if self.solver == "lbfgs":
            return samples
        size = BATCH if self.batch_size == "auto" else integer(self.batch_size)
        return min(checked_count(size, "batch_size"), samples)

    def _split(self, samples: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Samples to train on and to validate with; in each, classes have their shares."""
        target = samples[1]
        is_class = self._estimator_type == "classifier" and target.size == len(target)
        parts = train_test_split(
            *samples,
            test_size=self.validation_fraction,
            seed=self._seed,
            stratify=target.reshape(-1) if is_class else None,
        )
        return parts[::2], parts[1::2]

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
        else:
            self.best_loss_ = min(self.loss_curve_)

    # --- what was learned -------------------------------------------------------------------------

    def _output(self, X: Any) -> Tensor:
        """What the network gives, (samples, outputs), float64."""
        x = self._checked_inputs(X)
        return predict(self.model_, x).astype("float64")

    def _given(self, values: Any, like: Any = None, dtype: Any = None) -> Any:
        """Results as a NumPy array if `fit` or this call was given one, as they are if not."""
        if self._is_numpy or numpy_array(like) is not None:
            return to_numpy(values, dtype)
        return values.detach() if isinstance(values, Tensor) else values

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
