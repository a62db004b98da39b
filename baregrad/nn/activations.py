"""Activation functions by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from baregrad.errors import unknown_name
from baregrad.tensor.tensor import Tensor

Activation: TypeAlias = Callable[[Tensor], Tensor]


def identity(x: Tensor) -> Tensor:
    """No activation: the weighted sum itself."""
    return x


ACTIVATIONS: dict[str, Activation] = {
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


def activation_named(activation: str | Activation) -> Activation:
    """The activation function of a name; a function is returned as it is.

    Raises:
        ArgumentError: no activation has this name.
    """
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise unknown_name("activation", activation, list(ACTIVATIONS))
    return ACTIVATIONS[activation]
