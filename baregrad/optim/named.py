"""Optimizers by name."""

from __future__ import annotations

from baregrad.errors import ArgumentError, checked_name
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
        ArgumentError: no optimizer has this name, or it is another class.
    """
    if not isinstance(optimizer, type):
        return OPTIMIZERS[checked_name("optimizer", optimizer, OPTIMIZERS)]
    if not issubclass(optimizer, Optimizer):
        raise ArgumentError(f"{optimizer.__name__} is no class of optimizers, such as Adam")
    return optimizer
