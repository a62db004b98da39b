"""Gradient descent."""

from __future__ import annotations

from typing import Any

from baregrad.errors import ArgumentError
from baregrad.optim.optimizer import Optimizer, State
from baregrad.optim.options import Options, Parameters
from baregrad.tensor.tensor import Tensor


class SGD(Optimizer):
    """A step against the gradient g of each batch: θ ← θ - lr · g.

    With momentum μ the step is along a velocity, v ← μ v + (1 - dampening) g, which begins as the
    first gradient (B. Polyak, "Some methods of speeding up the convergence of iteration methods",
    1964). Nesterov's variant looks ahead along it and steps along g + μ v (I. Sutskever et al.,
    "On the importance of initialization and momentum in deep learning", 2013).

    Args:
        parameters: tensors, or groups of them; see `Optimizer`.
        lr: the learning rate.
        momentum: μ, how much of the velocity is kept, from 0 up to but without 1.
        dampening: how much of the gradient is left out of the velocity.
        weight_decay: λ of the penalty ½ λ θ², whose gradient is added to g.
        nesterov: whether to look ahead; needs momentum, and no dampening.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    def check_options(self, options: Options) -> None:
        """Nesterov's variant is defined with momentum and without dampening only."""
        super().check_options(options)
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ArgumentError(
                "nesterov needs momentum above 0 and no dampening, and they are "
                f"{options['momentum']} and {options['dampening']}"
            )

    @staticmethod
    def buffers(momentum: float, **options: Any) -> dict[str, float]:
        """The velocity, if there is momentum."""
        return {"velocity": 0.0} if momentum else {}

    @staticmethod
    def rule(
        parameter: Tensor,
        gradient: Tensor,
        state: State,
        lr: float,
        momentum: float,
        dampening: float,
        weight_decay: float,
        nesterov: bool,
    ) -> tuple[Tensor, State]:
        """See the class."""
        if weight_decay:
            gradient = gradient + weight_decay * parameter
        if not momentum:
            return parameter - lr * gradient, {}
        kept = 1 - dampening * (state["step"] > 1)
        velocity = momentum * state["velocity"] + kept * gradient
        direction = gradient + momentum * velocity if nesterov else velocity
        return parameter - lr * direction, {"velocity": velocity}
