"""Models that end in probabilities, where logits are wanted."""

from __future__ import annotations

from typing import Any

from baregrad.errors import ArgumentError
from baregrad.nn.losses import Loss, binary_cross_entropy, cross_entropy
from baregrad.nn.module import Module
from baregrad.tensor.tensor import Tensor


def check_logits(model: Module, loss: Loss) -> None:
    """Refuses a model that ends in a sigmoid or softmax for a loss that applies it itself.

    Raises:
        ArgumentError: it does, and so its probabilities would be taken for logits.
    """
    last: Any = model
    while parts := getattr(last, "layers", None) or getattr(last, "modules", None):
        last = parts[-1]
    ending = getattr(last, "activation", None)
    if loss in (cross_entropy, binary_cross_entropy) and ending in (Tensor.sigmoid, Tensor.softmax):
        name = ending.__name__
        raise ArgumentError(
            f"the model ends in a {name}, and its outputs would be taken for scores before a "
            f"{name}, as cross_entropy and binary_cross_entropy want them; make the last "
            "activation 'identity'"
        )
