"""How to train: what was asked for, and where nothing was, what suits the problem."""

from __future__ import annotations

import math
from argparse import ArgumentError, Namespace
from itertools import pairwise
from typing import NamedTuple

from baregrad.cli.problem import Problem
from baregrad.cli.values import LOSSES_OF_TASK
from baregrad.compiler.vector.compile import chosen_target
from baregrad.data.preprocess import Preprocessor
from baregrad.machine.errors import MachineError
from baregrad.nn.mlp import MLP
from baregrad.optim.named import optimizer_named
from baregrad.optim.optimizer import Optimizer
from baregrad.tensor.tensor import Tensor
from baregrad.training.samples import Samples

LEARNING_RATES = {
    "sgd": 0.1,
    "rmsprop": 0.005,
    "adagrad": 0.1,
    "adam": 0.02,
    "adamw": 0.02,
    "lbfgs": 1.0,
}
OPTIONS = {"lbfgs": {"line_search_fn": "strong_wolfe"}}  # where the default does not do
EPOCHS = 100

# Measured in 17 trainings with these defaults, on five made-up sets and on tables of cars, of
# penguins, passengers, wines and houses: to stop after 25 epochs without a better validation loss
# halves the time. The epochs left out had no better loss for any table, and for made-up sets none
# or one less than 2 % better. Of the rates 0.02, 0.01 and 0.005 for Adam, all gave the tables the
# same R² or accuracy, within 0.025; 0.02 is the best for spirals, the checkerboard and Friedman's
# function.
PATIENCE = 25

BATCH, LARGEST_BATCH = 16, 64
STEPS = 100  # in an epoch, about, if batches of these sizes allow it

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
    loss: str
    optimizer: str
    lr: float
    epochs: int
    epochs_limited: bool
    patience: int
    batch_size: int
    validation: float
    seed: int


def settings_for(problem: Problem, arguments: Namespace) -> Settings:
    """The settings, complete and fitting each other.

    Raises:
        argparse.ArgumentError: a loss that does not fit the task, or activations that are not
            one for each hidden layer.
    """
    optimizer, rows = arguments.optimizer, len(problem.training)
    batch_size = min(arguments.batch_size or _batch_size(rows, optimizer), rows)
    usual = EPOCHS // EVALUATIONS.get(optimizer, 1)
    possible = _possible_epochs(problem, arguments.hidden, batch_size, optimizer)
    return Settings(
        hidden=arguments.hidden,
        activation=_activations(arguments.activation, len(arguments.hidden)),
        loss=_loss(problem.preprocessor, arguments.loss),
        optimizer=optimizer,
        lr=arguments.lr or LEARNING_RATES[optimizer],
        epochs=arguments.epochs or min(usual, possible),
        epochs_limited=not arguments.epochs and possible < usual,
        patience=arguments.patience or PATIENCE,
        batch_size=batch_size,
        validation=arguments.validation,
        seed=arguments.seed,
    )


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


def _batch_size(rows: int, optimizer: str) -> int:
    """All rows for L-BFGS, which is not made for batches; else larger ones for more rows."""
    return rows if optimizer == "lbfgs" else max(BATCH, min(rows // STEPS, LARGEST_BATCH))


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
    sizes = [*settings.hidden, outputs]
    return MLP(problem.preprocessor.inputs, sizes, settings.activation, seed=settings.seed)


def targets_for(samples: Samples, settings: Settings) -> Tensor:
    """The targets as the loss wants them."""
    if _is_binary(settings):
        return samples.y.reshape(len(samples), 1).astype("float32")
    return samples.y


def _is_binary(settings: Settings) -> bool:
    """Whether one output, a logit, is to tell two classes apart."""
    return settings.loss == "binary_cross_entropy"


def optimizer_for(network: MLP, settings: Settings) -> Optimizer:
    """The optimizer of the network's parameters."""
    options = OPTIONS.get(settings.optimizer, {})
    return optimizer_named(settings.optimizer)(network.parameters(), lr=settings.lr, **options)
