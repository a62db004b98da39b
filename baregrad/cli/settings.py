"""How to train: what was asked for, and where nothing was, what suits the problem."""

from __future__ import annotations

import math
from argparse import ArgumentError, Namespace
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from baregrad.cli.problem import Problem
from baregrad.cli.values import LOSSES_OF_TASK, SCHEDULES
from baregrad.compiler.vector.compile import chosen_target
from baregrad.data.preprocess import Preprocessor
from baregrad.machine.errors import MachineError
from baregrad.nn.losses import Loss, loss_named
from baregrad.nn.mlp import MLP
from baregrad.optim.named import optimizer_named
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.schedules import Rule
from baregrad.tensor.tensor import Tensor
from baregrad.training.recipe import MADE_UP, RECIPES, Recipe
from baregrad.training.samples import Samples

LEARNING_RATES = {"sgd": 0.1, "rmsprop": 0.005, "adagrad": 0.1, "lbfgs": 1.0}  # not Adam's
WEIGHT_DECAYS = {"adamw": 0.01}  # its own, which is no penalty
OPTIONS = {"lbfgs": {"line_search_fn": "strong_wolfe"}}  # where the default does not do
SECONDS = 60.0  # the default is to take a minute or so, at most


class Speed(NamedTuple):
    """Seconds of a training on a common computer of 2026.

    Attributes:
        step: of a step, whatever its size.
        row: of a row in an epoch: shuffling and metrics.
        product: of a weight and the input of one row, forward and backward.
    """

    step: float
    row: float
    product: float


# Measured with networks of two hidden layers of 32 to 64 neurons and 400 to 20,000 rows.
MACHINE_CODE = Speed(step=4e-5, row=1e-5, product=5e-10)
PURE_PYTHON = Speed(step=4e-3, row=1e-5, product=3e-7)
EVALUATIONS = {"lbfgs": 20}  # of the loss in one step, where it is more than one


class Settings(NamedTuple):
    """All that a training needs beside the problem, each under the name of its option.

    `epochs_limited` says whether there are fewer epochs than usual, to save time.
    """

    hidden: list[int]
    activation: list[str]
    initializer: str | None
    dropout: float
    loss: str
    label_smoothing: float
    optimizer: str
    lr: float
    schedule: str
    weight_decay: float
    epochs: int
    epochs_limited: bool
    patience: int | None
    batch_size: int
    validation: float
    seed: int


def settings_for(problem: Problem, arguments: Namespace) -> Settings:
    """The settings, complete and fitting each other.

    Raises:
        argparse.ArgumentError: options that do not fit the task, the optimizer or each other.
    """
    recipe = _recipe(problem, arguments)
    optimizer, rows = arguments.optimizer, len(problem.training)
    # L-BFGS is not made for batches
    usual_size = rows if optimizer == "lbfgs" else recipe.batch_size
    batch_size = min(arguments.batch_size or usual_size, rows)
    hidden = arguments.hidden or list(recipe.hidden)
    usual = recipe.epochs // EVALUATIONS.get(optimizer, 1)
    possible = _possible_epochs(problem, hidden, batch_size, optimizer)
    decay = WEIGHT_DECAYS.get(optimizer, recipe.alpha / batch_size)
    return Settings(
        hidden=hidden,
        activation=_activations(arguments.activation or [recipe.activation], len(hidden)),
        initializer=recipe.initializer,
        dropout=_given_or(arguments.dropout, recipe.dropout),
        loss=_loss(problem.preprocessor, arguments.loss),
        label_smoothing=_given_or(arguments.label_smoothing, recipe.label_smoothing),
        optimizer=optimizer,
        lr=arguments.lr or LEARNING_RATES.get(optimizer, recipe.lr),
        schedule=arguments.schedule or recipe.schedule,
        weight_decay=_given_or(arguments.weight_decay, decay),
        epochs=arguments.epochs or min(usual, possible),
        epochs_limited=not arguments.epochs and possible < usual,
        patience=arguments.patience or recipe.patience,
        batch_size=batch_size,
        validation=arguments.validation,
        seed=arguments.seed,
    )


def _recipe(problem: Problem, arguments: Namespace) -> Recipe:
    """What the options are by default; none of those that the training cannot have.

    Raises:
        argparse.ArgumentError: one of the latter is given.
    """
    task = problem.preprocessor.task
    recipe = RECIPES[task] if arguments.file is not None else MADE_UP
    if task == "regression" and arguments.label_smoothing:
        raise ArgumentError(None, "--label-smoothing is for classes, and the target is a number")
    if arguments.optimizer != "lbfgs":
        return recipe
    # its line search needs a loss that is the same each time
    if arguments.dropout or arguments.weight_decay:
        raise ArgumentError(None, "--optimizer lbfgs has neither --dropout nor --weight-decay")
    return recipe._replace(dropout=0.0, alpha=0.0, schedule="constant")


def _given_or(value: float | None, default: float) -> float:
    return default if value is None else value


def _loss(preprocessor: Preprocessor, asked: str | None) -> str:
    fitting = LOSSES_OF_TASK[preprocessor.task]
    if len(preprocessor.classes) > 2:
        fitting = fitting[:1]
    if asked is not None and asked not in fitting:
        count = len(preprocessor.classes)
        kind = f"one of {count} classes" if count else "a number"
        raise ArgumentError(
            None,
            f"--loss {asked} does not fit the target {preprocessor.target_column.name!r}, which "
            f"is taken for {kind}; use {' or '.join(fitting)}, or another --task",
        )
    return asked or fitting[0]


def _activations(names: list[str], hidden: int) -> list[str]:
    """One activation for each hidden layer."""
    if len(names) not in (1, hidden):
        raise ArgumentError(
            None,
            f"--activation has {len(names)} names and --hidden {hidden} layers; give one name for "
            "all layers, or one for each",
        )
    return names * hidden if len(names) == 1 else names


def _possible_epochs(problem: Problem, hidden: list[int], batch_size: int, optimizer: str) -> int:
    """How many there is time for, at least one."""
    rows = len(problem.training)
    sizes = [problem.preprocessor.inputs, *hidden, problem.preprocessor.outputs]
    products = rows * sum(inputs * outputs for inputs, outputs in pairwise(sizes))
    speed = PURE_PYTHON if optimizer in EVALUATIONS else _speed()
    seconds = (
        math.ceil(rows / batch_size) * speed.step + rows * speed.row + products * speed.product
    )
    return max(1, int(SECONDS / seconds / EVALUATIONS.get(optimizer, 1)))


def _speed() -> Speed:
    """How fast this computer trains: whether it runs machine code."""
    try:
        chosen_target()
    except MachineError:
        return PURE_PYTHON
    return MACHINE_CODE


def network_for(problem: Problem, settings: Settings) -> MLP:
    """The network, with its initial weights."""
    outputs = 1 if _is_binary(settings) else problem.preprocessor.outputs
    return MLP(
        problem.preprocessor.inputs,
        [*settings.hidden, outputs],
        settings.activation,
        dropout=settings.dropout,
        initializer=settings.initializer,
        seed=settings.seed,
    )


def loss_for(settings: Settings) -> Loss:
    """The loss, as a function."""
    loss = loss_named(settings.loss)
    smoothing = settings.label_smoothing
    return partial(loss, label_smoothing=smoothing) if smoothing else loss


def targets_for(samples: Samples, settings: Settings) -> Tensor:
    """The targets as the loss wants them."""
    if _is_binary(settings):
        return samples.y.reshape(len(samples), 1).astype("float32")
    return samples.y


def _is_binary(settings: Settings) -> bool:
    """Whether one output, a logit, is to tell two classes apart."""
    return settings.loss == "binary_cross_entropy"


def optimizer_for(network: MLP, settings: Settings) -> Optimizer:
    """The optimizer of the network's parameters; biases do not decay."""
    options: dict[str, Any] = {"lr": settings.lr, **OPTIONS.get(settings.optimizer, {})}
    make = partial(optimizer_named(settings.optimizer), **options)
    parameters = network.parameters()
    if settings.optimizer == "lbfgs":
        return make(parameters=parameters)
    weights = [parameter for parameter in parameters if parameter.ndim > 1]
    biases = [parameter for parameter in parameters if parameter.ndim == 1]
    decaying = {"parameters": weights, "weight_decay": settings.weight_decay}
    return make(parameters=[decaying, {"parameters": biases, "weight_decay": 0.0}])


def schedule_for(settings: Settings, rows: int) -> Rule | None:
    """How the learning rate changes from step to step."""
    return SCHEDULES[settings.schedule](settings.epochs * -(-rows // settings.batch_size))
