"""Gradients compared with differences: the proof that a gradient rule is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from baregrad.errors import ArgumentError, DTypeError, GradientError
from baregrad.tensor.autograd import grad
from baregrad.tensor.factories import linspace
from baregrad.tensor.tensor import Tensor, as_tensor

STEP = 1e-6  # about the cube root of float64's precision, where a central difference is best


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Tensor | Sequence[Tensor],
    order: int = 1,
    atol: float = 1e-6,
    rtol: float = 1e-5,
) -> bool:
    """Compares the gradients of a function with central differences of its values.

    The output is reduced to a scalar with unequal weights, so that every element of the Jacobian
    counts. At order 2 the gradients are themselves checked as functions of the inputs.

    Args:
        function: from tensors to one tensor.
        inputs: its arguments; those of float64 that require a gradient are varied.
        order: 1, or 2 to check second derivatives too.
        atol: absolute tolerance.
        rtol: relative tolerance.

    Returns:
        True.

    Raises:
        GradientError: they differ; the message says in which input, where, and by how much.
        DTypeError: an input that requires a gradient is not float64, so differences are too coarse.
        ArgumentError: another order.
    """
    if order not in (1, 2):
        raise ArgumentError(f"gradcheck: the order is 1 or 2, not {order!r}")
    inputs = [inputs] if isinstance(inputs, Tensor) else inputs
    varied = [x for x in inputs if x.requires_grad]
    for x in varied:
        if x.dtype != "float64":
            raise DTypeError(f"gradcheck needs float64, and {x.label()} is {x.dtype}")

    def scalar() -> Tensor:
        return _weighted(as_tensor(function(*inputs)))

    _compare(scalar, varied, atol, rtol, "gradient")
    if order > 1:

        def slopes() -> Tensor:
            found = grad(scalar(), varied, create_graph=True)
            # Gradients that are constant, or that a rule has cut off, are checked like any others.
            terms = (_weighted(g) + 0 * x.sum() for g, x in zip(found, varied, strict=True))
            return sum(terms, Tensor(0.0, "float64"))

        _compare(slopes, varied, atol, rtol, "second derivative")
    return True


def _weighted(output: Tensor) -> Tensor:
    """A sum with a different weight for each element."""
    weights = linspace(0.5, 1.5, output.size, "float64").reshape(output.shape)
    return (output * weights).sum()


def _compare(
    scalar: Callable[[], Tensor], inputs: Sequence[Tensor], atol: float, rtol: float, what: str
) -> None:
    output = scalar()
    if not output.requires_grad:
        raise GradientError("gradcheck: the function's output does not depend on a gradient input")
    for number, (x, g) in enumerate(zip(inputs, grad(output, inputs), strict=True)):
        analytic: Any = g.buffer()
        for place in range(x.size):
            numeric = _central_difference(scalar, x, place)
            if not abs(analytic[place] - numeric) <= atol + rtol * abs(numeric):
                raise GradientError(
                    f"gradcheck: {what} of input {number} ({x.label()}) at element {place}: "
                    f"the rule gives {analytic[place]:.9g}, differences give {numeric:.9g}"
                )


def _central_difference(scalar: Callable[[], Tensor], x: Tensor, place: int) -> float:
    """(f(x + h) - f(x - h)) / 2h in one element."""
    original = x.array
    values = []
    for step in (STEP, -STEP):
        moved = original.data[:]
        moved[place] += step
        x.replace(original._replace(data=moved))
        values.append(scalar().item())
    x.replace(original)
    return float(values[0] - values[1]) / (2 * STEP)
