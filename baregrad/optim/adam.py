"""Adam, and Adam with weight decay that is not a gradient."""

from __future__ import annotations

from typing import Any

from baregrad.engines import ieee
from baregrad.optim.optimizer import Optimizer, State
from baregrad.optim.options import Parameters
from baregrad.tensor.tensor import Tensor


class Adam(Optimizer):
    """Steps along the running mean of gradients, over the root of that of their squares.

        m ← β₁ m + (1 - β₁) g          m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²         v̂ = v / (1 - β₂ᵗ)
        θ ← θ - lr · m̂ / (√v̂ + ε)      at step t = 1, 2, ...

    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1. The
    division by 1 - βᵗ corrects for means that begin as 0. Both corrections are single numbers, and
    are applied as such: m has the rate lr / (1 - β₁ᵗ), and v is multiplied by 1 / (1 - β₂ᵗ).

    Args:
        parameters: tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        betas: (β₁, β₂), how much of the running means is kept, each from 0 up to but without 1.
        eps: ε, which keeps the divisor from 0.
        weight_decay: λ of the penalty ½ λ θ², whose gradient is added to g.
        amsgrad: use the largest v so far, so that steps cannot grow again (S. Reddi, S. Kale and
            S. Kumar, "On the convergence of Adam and beyond", 2018).
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad
        )

    @staticmethod
    def buffers(amsgrad: bool, **options: Any) -> dict[str, float]:
        """Running means of g and g²; with AMSGrad, the largest of the latter."""
        return {"mean": 0.0, "square": 0.0} | ({"largest": 0.0} if amsgrad else {})

    @staticmethod
    def rule(
        parameter: Tensor,
        gradient: Tensor,
        state: State,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        amsgrad: bool,
    ) -> tuple[Tensor, State]:
        """See the class."""
        if weight_decay:
            gradient = gradient + weight_decay * parameter
        change, changed = _change(gradient, state, lr, betas, eps, amsgrad)
        return parameter - change, changed


class AdamW(Adam):
    """Adam, with weights that decay by themselves: θ ← (1 - lr · λ) θ before Adam's update.

    A penalty's gradient would be divided by √v̂ like any other, so that weights with large
    gradients would decay less (I. Loshchilov and F. Hutter, "Decoupled weight decay
    regularization", 2019).

    Args:
        parameters: tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        betas: as of `Adam`.
        eps: as of `Adam`.
        weight_decay: λ.
        amsgrad: as of `Adam`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad)

    @staticmethod
    def rule(
        parameter: Tensor,
        gradient: Tensor,
        state: State,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        amsgrad: bool,
    ) -> tuple[Tensor, State]:
        """See the class."""
        change, changed = _change(gradient, state, lr, betas, eps, amsgrad)
        return (1 - lr * weight_decay) * parameter - change, changed


def _change(
    gradient: Tensor,
    state: State,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    amsgrad: bool,
) -> tuple[Tensor, State]:
    """lr · m̂ / (√v̂ + ε), and the new running means."""
    beta1, beta2 = betas
    mean = beta1 * state["mean"] + (1 - beta1) * gradient
    square = beta2 * state["square"] + (1 - beta2) * gradient * gradient
    changed = {"mean": mean, "square": square}
    if amsgrad:
        square = changed["largest"] = square.maximum(state["largest"])
    rate = lr / _weight(beta1, state["step"])
    square_hat = square * (1 / _weight(beta2, state["step"]))
    return rate * mean / (square_hat.sqrt() + eps), changed


def _weight(beta: float, step: Any) -> Any:
    """1 - βᵗ, the sum of the weights of t gradients in a running mean.

    A tensor of float32 would lose digits in this subtraction, as β is near 1.
    """
    if isinstance(step, Tensor):
        return -(step * ieee.log(beta)).expm1()
    return 1 - beta**step
