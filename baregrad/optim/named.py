"""Optimizers by name."""

from __future__ import annotations

from baregrad.errors import unknown_name
from baregrad.optim.adam import Adam, AdamW
from baregrad.optim.adaptive import Adagrad, RMSprop
from baregrad.optim.lbfgs import LBFGS
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.sgd import SGD

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
}


def optimizer_named(optimizer: str | type[Optimizer]) -> type[Optimizer]:
    """The optimizer class of a name; a class is returned as it is.

    Raises:
        ArgumentError: no optimizer has this name.
    """
    if isinstance(optimizer, type):
        return optimizer
    if optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", optimizer, list(OPTIMIZERS))
    return OPTIMIZERS[optimizer]
