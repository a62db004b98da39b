"""Gradient descent with a learning rate for each element, from the size of its gradients."""

from __future__ import annotations

from typing import Any

from baregrad.optim.optimizer import Optimizer, State
from baregrad.optim.options import Parameters
from baregrad.tensor.tensor import Tensor


class Adagrad(Optimizer):
    """Divides by the root of the sum of all squared gradients: θ ← θ - lrₜ g / (√s + ε).

    s ← s + g² and lrₜ = lr / (1 + (t - 1) · lr_decay) at step t (J. Duchi, E. Hazan and
    Y. Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    2011).

    Args:
        parameters: tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        lr_decay: how fast the learning rate falls.
        weight_decay: λ of the penalty ½ λ θ², whose gradient is added to g.
        initial_accumulator_value: what s begins with.
        eps: ε, which keeps the divisor from 0.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )

    @staticmethod
    def buffers(initial_accumulator_value: float, **options: Any) -> dict[str, float]:
        """The sum of squared gradients."""
        return {"sum": initial_accumulator_value}

    @staticmethod
    def rule(
        parameter: Tensor,
        gradient: Tensor,
        state: State,
        lr: float,
        lr_decay: float,
        weight_decay: float,
        initial_accumulator_value: float,
        eps: float,
    ) -> tuple[Tensor, State]:
        """See the class."""
        if weight_decay:
            gradient = gradient + weight_decay * parameter
        total = state["sum"] + gradient * gradient
        rate = lr / (1 + (state["step"] - 1) * lr_decay)
        return parameter - rate * gradient / (total.sqrt() + eps), {"sum": total}


class RMSprop(Optimizer):
    """Divides by the root of the running mean of squared gradients: θ ← θ - lr · g / (√s + ε).

    s ← α s + (1 - α) g² (T. Tieleman and G. Hinton, "Lecture 6.5", COURSERA, 2012). Centred, the
    square of the gradients' running mean is taken off s, which leaves their variance (A. Graves,
    "Generating sequences with recurrent neural networks", 2013, eq. 38 to 45).

    Args:
        parameters: tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        alpha: α, how much of the running means is kept, from 0 up to but without 1.
        eps: ε, which keeps the divisor from 0.
        weight_decay: λ of the penalty ½ λ θ², whose gradient is added to g.
        momentum: μ; if not 0, the step is along a velocity v ← μ v + g / (√s + ε).
        centered: whether to divide by the standard deviation instead.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
        )

    @staticmethod
    def buffers(momentum: float, centered: bool, **options: Any) -> dict[str, float]:
        """Running means of g² and, if centred, of g; the velocity, if there is momentum."""
        return (
            {"square": 0.0}
            | ({"mean": 0.0} if centered else {})
            | ({"velocity": 0.0} if momentum else {})
        )

    @staticmethod
    def rule(
        parameter: Tensor,
        gradient: Tensor,
        state: State,
        lr: float,
        alpha: float,
        eps: float,
        weight_decay: float,
        momentum: float,
        centered: bool,
    ) -> tuple[Tensor, State]:
        """See the class."""
        if weight_decay:
            gradient = gradient + weight_decay * parameter
        changed = {"square": alpha * state["square"] + (1 - alpha) * gradient * gradient}
        spread = changed["square"]
        if centered:
            changed["mean"] = alpha * state["mean"] + (1 - alpha) * gradient
            variance = spread - changed["mean"] * changed["mean"]
            spread = variance.maximum(0)  # rounding can leave it a little below 0
        direction = gradient / (spread.sqrt() + eps)
        if momentum:
            direction = changed["velocity"] = momentum * state["velocity"] + direction
        return parameter - lr * direction, changed
