"""What an estimator is given, as samples to train on or to predict; and results as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baregrad.data.split import train_test_split
from baregrad.errors import ArgumentError, DataError
from baregrad.estimators.arrays import (
    check_length,
    check_names,
    checked_weights,
    feature_names,
    matrix,
    numpy_array,
    to_numpy,
)
from baregrad.estimators.conventions import not_fitted
from baregrad.estimators.parameters import Parameters
from baregrad.nn.layers import checked_float
from baregrad.tensor.tensor import Tensor


class Prepared(Parameters):
    """An estimator that knows of its samples, but not yet of its network."""

    n_features_in_: int
    _seed: int

    def _targets(self, y: Any, again: bool, classes: Any) -> tuple[Tensor, list[float] | None]:
        """What the network is to give, (samples, ...), and a weight for each sample, if any.

        Notes what was not known before: `n_outputs_`, and which classes there are.
        """
        raise NotImplementedError

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
        if weights is None:
            return [x, target]
        counted = [i for i, weight in enumerate(weights.array.data) if weight]
        return [part.take(counted) for part in (x, target, weights)]

    def _validation(self, data: Sequence[Any] | None) -> list[Tensor] | None:
        """Samples that are there to validate with, as `_samples` gives them."""
        if data is None:
            return None
        if not isinstance(data, list | tuple) or len(data) not in (2, 3):
            raise ArgumentError("validation_data must be (X, y) or (X, y, sample_weight)")
        return self._samples(data[0], data[1], data[2] if data[2:] else None, True, None)

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

    def _split(self, samples: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Samples to train on and to validate with; in each, classes have their shares."""
        target = samples[1]
        is_class = self._estimator_type == "classifier" and target.size == len(target)
        try:
            parts = train_test_split(
                *samples,
                test_size=self.validation_fraction,
                seed=self._seed,
                stratify=target.reshape(-1) if is_class else None,
            )
        except DataError as error:
            raise DataError(
                f"early_stopping: validation_fraction={self.validation_fraction} of {len(target)} "
                "samples cannot have each class in it, and leave some of each; give another, or "
                "validation_data"
            ) from error
        return parts[::2], parts[1::2]

    def _given(self, values: Any, like: Any = None, dtype: Any = None) -> Any:
        """Results as a NumPy array if `fit` or this call was given one, as they are if not."""
        if self._is_numpy or numpy_array(like) is not None:
            return to_numpy(values, dtype)
        return values.detach() if isinstance(values, Tensor) else values
