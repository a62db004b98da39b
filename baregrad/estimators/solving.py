"""How estimators learn: losses, optimizers and stopping, by the names that scikit-learn gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from baregrad.errors import ArgumentError, checked_name, counted
from baregrad.estimators.parameters import Parameters
from baregrad.nn import losses
from baregrad.nn.losses import Loss
from baregrad.optim.adam import Adam
from baregrad.optim.lbfgs import LBFGS
from baregrad.optim.named import optimizer_named
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.schedules import Rule, one_cycle
from baregrad.optim.sgd import SGD
from baregrad.tensor import random
from baregrad.tensor.tensor import Tensor
from baregrad.training.run import Callback, Run

LEAST_RATE = 1e-6  # an adaptive learning rate does not go on below this
EVALUATIONS = 20  # of the loss in an iteration of L-BFGS, at most


def seed_of(random_state: Any) -> int:
    """A seed from what scikit-learn calls a random state: None, an integer, or a generator.

    Raises:
        ArgumentError: something else, or a negative integer.
    """
    if random_state is None:
        return random.default.bits(1)[0]
    draw = getattr(random_state, "randint", None) or getattr(random_state, "integers", None)
    try:
        seed = int(draw(2**31 - 1)) if draw else random_state.__index__()
    except AttributeError:
        seed = -1
    if seed < 0:
        raise ArgumentError(
            f"random_state must be None, an integer from 0 on or a generator, not {random_state!r}"
        )
    return int(seed)


def network_activation(activation: Any) -> Any:
    """One name or function, or one for each layer, as baregrad calls them."""
    if isinstance(activation, list | tuple):
        return [network_activation(one) for one in activation]
    return "sigmoid" if activation == "logistic" else activation


# --- losses ---------------------------------------------------------------------------------------


def squared_error(prediction: Tensor, target: Tensor, sample_weight: Any = None) -> Tensor:
    """Half the mean squared error, as scikit-learn has it."""
    return 0.5 * losses.mse(prediction, target, sample_weight)


REGRESSION: dict[str, Loss] = {
    "squared_error": squared_error,
    "absolute_error": losses.mae,
    **{name: losses.LOSSES[name] for name in ("mse", "mae", "huber", "quantile", "poisson")},
}


def loss_from(loss: str | Loss, known: Mapping[str, Loss]) -> Loss:
    """The loss of a name; a function is returned as it is."""
    if callable(loss):
        return loss
    return known[checked_name("loss", loss, known)]


class Objective:
    """A loss with a penalty for large weights: loss + α / (2 n) · Σ w², for n samples.

    Args:
        loss: what predictions cost.
        alpha: α, for samples of weight 1.
        weights: the matrices; biases are not penalised.
    """

    def __init__(self, loss: Loss, alpha: float, weights: Sequence[Tensor]) -> None:
        if not 0 <= alpha < math.inf:
            raise ArgumentError(f"alpha must be a number of at least 0, not {alpha!r}")
        self.loss, self.alpha, self.weights = loss, alpha, weights

    def __call__(self, prediction: Tensor, target: Tensor, sample_weight: Any = None) -> Tensor:
        """The mean over samples; in training, which asks for gradients, with the penalty."""
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        value = self.loss(prediction, target, **weight)
        if not self.alpha or not isinstance(value, Tensor) or not value.requires_grad:
            return value
        for w in self.weights:
            value = value + self.alpha / (2 * len(target)) * (w * w).sum()
        return value


# --- optimizers -----------------------------------------------------------------------------------


def optimizer_of(estimator: Parameters, parameters: Sequence[Tensor]) -> Optimizer:
    """The optimizer that an estimator's `solver` says, with the options that are its parameters."""
    solver, lr, momentum = estimator.solver, estimator.learning_rate_init, estimator.momentum
    known: dict[Any, Callable[..., Optimizer]] = {
        "sgd": partial(
            SGD, lr=lr, momentum=momentum, nesterov=estimator.nesterovs_momentum and momentum > 0
        ),
        "adam": partial(
            Adam, lr=lr, betas=(estimator.beta_1, estimator.beta_2), eps=estimator.epsilon
        ),
        "lbfgs": partial(LBFGS, max_iter=1, max_eval=EVALUATIONS, line_search_fn="strong_wolfe"),
    }
    make = known.get(solver) if isinstance(solver, str) else partial(solver, lr=lr)
    return (make or partial(optimizer_named(solver), lr=lr))(parameters)


def is_one_cycle(estimator: Parameters) -> bool:
    """Whether the learning rate rises and falls once in all epochs of a `fit`."""
    return estimator.solver != "lbfgs" and estimator.learning_rate == "one_cycle"


def rule_of(
    estimator: Parameters, samples: int, batch_size: int, done: int, epochs: int | None
) -> Rule | None:
    """How the learning rate changes from step to step, if it does.

    Args:
        estimator: whose `learning_rate` says it.
        samples: how many there are in an epoch.
        batch_size: how many samples to a step.
        done: how many steps were made before this training.
        epochs: how many there will be, at most; None if that is not known.
    """
    rate, power = estimator.learning_rate, estimator.power_t
    if estimator.solver == "lbfgs":
        return None
    if callable(rate):
        return lambda step, lr: rate(step + done, lr)
    epoch = -(-samples // batch_size)
    if rate == "one_cycle":
        return one_cycle(epochs * epoch) if epochs else None
    if rate == "invscaling":  # by the number of samples seen in the epochs before
        return lambda step, lr: lr / ((step + done) // epoch * samples + 1) ** power
    checked_name("learning_rate", rate, ("constant", "adaptive", "invscaling", "one_cycle"))
    return None


class Convergence(Callback):
    """Ends training when there is no progress, as scikit-learn does.

    Progress is a training loss, or with early stopping a validation score, that is better than the
    best before by `tol`. When there is none for more than `n_iter_no_change` epochs, an adaptive
    learning rate is divided by 5; others end. Early stopping puts back the best weights. No
    training loss ends ``"one_cycle"``, whose last and smallest learning rates improve it most.

    Args:
        estimator: whose parameters say it.
        score: the name of the validation score, None without early stopping.
    """

    def __init__(self, estimator: Parameters, score: str | None) -> None:
        self.estimator = estimator
        self.score = score
        self.best = -math.inf
        self.best_state: dict[str, Tensor] = {}
        self.without = 0

    def on_epoch_end(self, run: Run) -> None:
        """Compares the epoch with the best so far."""
        if self.score is None and is_one_cycle(self.estimator):
            return
        value = -run.values["loss"] if self.score is None else run.values[f"val_{self.score}"]
        self.without = self.without + 1 if value < self.best + self.estimator.tol else 0
        if value > self.best:
            self.best = value
            self.best_state = run.model.state_dict() if self.score else {}
        if self.without <= self.estimator.n_iter_no_change:
            return
        if self.estimator.learning_rate == "adaptive" and run.optimizer.lr > LEAST_RATE:
            run.optimizer.lr /= 5
            self.without = 0
        else:
            what = "the training loss" if self.score is None else f"the validation {self.score}"
            waited = counted(self.without, "epoch")
            run.stop(f"{what} has not improved by {self.estimator.tol:g} for {waited}")

    def on_train_end(self, run: Run) -> None:
        """Puts back the best weights."""
        if self.best_state:
            run.model.load_state_dict(self.best_state)
