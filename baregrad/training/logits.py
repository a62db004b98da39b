"""Models that end in probabilities, where logits are wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from baregrad.errors import ArgumentError
from baregrad.nn.layers import Sequential
from baregrad.nn.losses import Loss, binary_cross_entropy, cross_entropy
from baregrad.nn.mlp import MLP
from baregrad.nn.module import Module
from baregrad.tensor.tensor import Tensor
from baregrad.training.class_metrics import accuracy, balanced_accuracy, f1_macro


def check_logits(model: Module, loss: Loss) -> None:
    """Refuses a model that ends in a sigmoid or softmax for a loss that applies it itself.

    Raises:
        ArgumentError: it does, and so its probabilities would be taken for logits.
    """
    ending = getattr(_parts(model)[-1], "activation", None)
    if loss in (cross_entropy, binary_cross_entropy) and ending in (Tensor.sigmoid, Tensor.softmax):
        name = ending.__name__
        raise ArgumentError(
            f"the model ends in a {name}, and its outputs would be taken for scores before a "
            f"{name}, as cross_entropy and binary_cross_entropy want them; make the last "
            "activation 'identity'"
        )


def check_threshold(model: Module, metrics: Mapping[str, Callable[..., Any]]) -> None:
    """Refuses metrics that take an output above 0 for class 1, if it is a probability.

    Raises:
        ArgumentError: the model ends in one sigmoid, and every sample would count as of class 1.
    """
    parts = _parts(model)
    outputs = next((part.outputs for part in reversed(parts) if hasattr(part, "outputs")), None)
    if outputs != 1 or getattr(parts[-1], "activation", None) != Tensor.sigmoid:
        return
    for name, metric in metrics.items():
        if metric in (accuracy, balanced_accuracy, f1_macro):
            raise ArgumentError(
                f"the model ends in a sigmoid, and {name} takes an output above 0 for class 1; "
                "make the last activation 'identity' and the loss 'binary_cross_entropy', or pass "
                f"a function, such as {name} of predictions less 0.5"
            )


def _parts(model: Module) -> list[Any]:
    """The modules that a model is known to apply one after another; else itself."""
    match model:
        case MLP(layers=inner) | Sequential(modules=inner) if inner:
            return [part for module in inner for part in _parts(module)]
    return [model]
