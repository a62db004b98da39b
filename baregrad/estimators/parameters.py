"""The parameters that regressor and classifier share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baregrad.engines.array import DType
from baregrad.estimators.conventions import Estimator
from baregrad.nn.losses import Loss
from baregrad.optim.schedules import Rule
from baregrad.training.run import Callback


class Parameters(Estimator):
    """Their types; what they mean is said at `MLPRegressor`."""

    activation: Any
    alpha: float
    batch_size: int | str
    beta_1: float
    beta_2: float
    callbacks: Sequence[Callback]
    dropout: float
    dtype: DType
    early_stopping: bool
    epsilon: float
    hidden_layer_sizes: Any
    initializer: Any
    learning_rate: str | Rule
    learning_rate_init: float
    loss: str | Loss
    max_iter: int
    momentum: float
    n_iter_no_change: int
    nesterovs_momentum: bool
    norm: str | None
    power_t: float
    random_state: Any
    shuffle: bool
    solver: Any
    tol: float
    validation_fraction: float
    verbose: bool
    warm_start: bool
