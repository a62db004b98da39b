"""Clipping: keeping gradients from becoming too large."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import inf
from operator import add

from baregrad.arguments import checked_number
from baregrad.errors import NonFiniteError
from baregrad.tensor.graph import no_grad
from baregrad.tensor.tensor import Tensor


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scales all gradients by one factor, so that their norm is at most `max_norm`.

    The norm is that of all gradients together, as if they were one vector (R. Pascanu, T. Mikolov
    and Y. Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1).
    Call it between `backward()` and the optimizer's `step()`.

    Args:
        parameters: those whose gradients are scaled; ones without a gradient are passed over.
        max_norm: the largest norm allowed, above 0.
        norm_type: p of the norm (Σ |g|ᵖ)^(1/p), above 0; ``math.inf`` for the largest |g|.
        error_if_nonfinite: raise if the norm is infinite or NaN. Otherwise, an infinite norm makes
            finite gradients 0, and NaN makes all of them NaN.

    Returns:
        The norm before clipping, a scalar of float64; of float32 in a captured step.

    Raises:
        ArgumentError: `max_norm` or `norm_type` is not above 0.
        NonFiniteError: the norm is not finite, if `error_if_nonfinite`.
    """
    checked_number(max_norm, "clip_grad_norm: max_norm", above=0)
    checked_number(norm_type, "clip_grad_norm: norm_type", above=0)
    with no_grad():
        with_gradient = _with_gradient(parameters)
        norm = _norm(with_gradient, norm_type)
        if error_if_nonfinite and not norm.isfinite():
            raise NonFiniteError(
                f"clip_grad_norm: the norm of the gradients is {norm.item()}; lower the learning "
                "rate, or look for the parameter whose gradient is not finite"
            )
        factor = (max_norm / (norm + 1e-6)).minimum(1)  # the constant keeps 0 from dividing
        for parameter, gradient in with_gradient:
            parameter.grad = gradient * factor.astype(gradient.dtype)
    return norm


def clip_grad_value(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Brings every element of every gradient to between -`clip_value` and `clip_value`.

    Raises:
        ArgumentError: `clip_value` is not above 0.
    """
    checked_number(clip_value, "clip_grad_value: clip_value", above=0)
    with no_grad():
        for parameter, gradient in _with_gradient(parameters):
            parameter.grad = gradient.clip(-clip_value, clip_value)


def _with_gradient(parameters: Tensor | Iterable[Tensor]) -> list[tuple[Tensor, Tensor]]:
    listed = [parameters] if isinstance(parameters, Tensor) else parameters
    return [(parameter, parameter.grad) for parameter in listed if parameter.grad is not None]


def _norm(with_gradient: list[tuple[Tensor, Tensor]], p: float) -> Tensor:
    """The p-norm of all gradients, in float64, where squares of float32 cannot overflow."""
    gradients = [gradient for _, gradient in with_gradient if gradient.size]
    if not gradients:
        return Tensor(0.0, "float64")
    if not all(gradient.known for gradient in gradients):
        return _scaled_norm(gradients, p)
    together = Tensor.concat([gradient.astype("float64").abs().flatten() for gradient in gradients])
    return together.max() if p == inf else (together**p).sum() ** (1 / p)


def _scaled_norm(gradients: list[Tensor], p: float) -> Tensor:
    """The p-norm in a captured step, which has no float64: divided by the largest, none overflows.

    A largest of 0, infinity or NaN is no divisor.
    """
    sizes = [gradient.abs() for gradient in gradients]
    largest = reduce(Tensor.maximum, [size.max() for size in sizes])
    if p == inf:
        return largest
    scale = ((largest > 0) * largest.isfinite()).where(largest, 1.0)
    return scale * reduce(add, [((size / scale) ** p).sum() for size in sizes]) ** (1 / p)
