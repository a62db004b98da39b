"""When machine code is worth its compiling, and what is built into it.

The first is decided by sizes, never by the clock, which would give the same training other last
digits on a busy day.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from baregrad.nn.module import Module
from baregrad.optim.optimizer import Optimizer
from baregrad.tensor.tensor import Tensor

# Seconds in pure Python on a common computer of 2026: of a prediction at least, and of a weight and
# one sample in it.
PREDICTION: Final = 5e-4
PRODUCT: Final = 1e-7
TRAINING: Final = 3  # times a prediction: forward, and the gradients of inputs and of weights

COMPILING: Final = 0.5  # seconds, with a margin: the usual network takes a fifth of that


def prediction_pays(model: Module, samples: int, batches: int) -> bool:
    """Whether to compile predictions for so many batches with so many samples each."""
    return batches * (PREDICTION + PRODUCT * samples * _weights(model)) > COMPILING


def training_pays(model: Module, samples: int, steps: int) -> bool:
    """Whether to compile so many training steps with so many samples each."""
    return prediction_pays(model, samples, TRAINING * steps)


def _weights(model: Module) -> int:
    return sum(parameter.size for parameter in model.parameters())


def narrowed(x: Tensor, model: Module) -> Tensor:
    """Data for a compiled step: float64 as float32, as the layers of a float32 model take it."""
    is_narrow = all(parameter.dtype == "float32" for parameter in model.parameters())
    return (x.astype("float32") if x.dtype == "float64" and is_narrow else x).detach()


def settings_of(module: Module) -> Hashable:
    """What a captured step does not read anew: all attributes but the numbers of tensors."""
    return tuple([(name, _setting(value)) for name, value in vars(module).items()])


def _setting(value: Any) -> Hashable:
    """What tells whether an attribute is still the same."""
    if isinstance(value, Tensor):
        # what an operation made is kept to look at, and is another after each call
        return (id(value), value.requires_grad) if value.op is None else None
    if isinstance(value, Module):
        return id(value), settings_of(value)
    if isinstance(value, list | tuple):
        return tuple(map(_setting, value))
    if isinstance(value, dict):
        return tuple([(id(key), _setting(item)) for key, item in value.items()])
    return value if isinstance(value, int | float | str) else id(value)


def options_of_groups(optimizer: Optimizer) -> Hashable:
    """The options that a captured step does not read anew: all but the learning rates."""
    return tuple(
        [
            (name, _setting(value))
            for group in optimizer.groups
            for name, value in group.items()
            if name != "lr"
        ]
    )
