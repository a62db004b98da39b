"""Activation functions by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from baregrad.errors import unknown_name
from baregrad.tensor import functions
from baregrad.tensor.tensor import Tensor

ActivationFunction: TypeAlias = Callable[[Tensor], Tensor]


def identity(x: Tensor) -> Tensor:
    """No activation: the weighted sum itself."""
    return x


ACTIVATIONS: dict[str, ActivationFunction] = {
    "identity": identity,
    "tanh": Tensor.tanh,
    "sigmoid": Tensor.sigmoid,
    "relu": Tensor.relu,
    "leaky_relu": Tensor.leaky_relu,
    "elu": Tensor.elu,
    "selu": Tensor.selu,
    "gelu": Tensor.gelu,
    "silu": Tensor.silu,
    "mish": Tensor.mish,
    "softplus": Tensor.softplus,
    "softmax": Tensor.softmax,
    "log_softmax": Tensor.log_softmax,
}


def activation_name(activation: object) -> str | None:
    """The name of one of the library's activations, None of anything else.

    It may be given as ``"relu"``, as ``Tensor.relu`` or as ``bg.relu``.
    """
    for name, method in ACTIVATIONS.items():
        if activation in (name, method, getattr(functions, name, method)):
            return name
    return None


def activation_named(activation: str | ActivationFunction) -> ActivationFunction:
    """The activation function of a name; a function of one's own is returned as it is.

    Raises:
        ArgumentError: no activation has this name.
    """
    name = activation_name(activation)
    if name is not None:
        return ACTIVATIONS[name]
    if callable(activation) and not isinstance(activation, type):
        return activation
    raise unknown_name("activation", activation, ACTIVATIONS)
