"""Operations of one's own, each with its own gradient rule."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from baregrad.engines.array import Array
from baregrad.errors import ArgumentError, DTypeError
from baregrad.tensor import operation
from baregrad.tensor.convert import common_dtype
from baregrad.tensor.graph import recording
from baregrad.tensor.operation import VJP, Operation
from baregrad.tensor.tensor import Tensor, as_tensor


def elementwise(
    name: str, function: Callable[..., float], *vjps: VJP | None
) -> Callable[..., Tensor]:
    """An operation on corresponding elements, from a function of Python floats.

    Args:
        name: what pictures and messages call it.
        function: from one element of each input to one of the output.
        *vjps: for each input the gradient rule `vjp(g, output, *inputs)`, written with tensor
            operators, where g is the gradient of the loss with respect to the output; None where
            there is no gradient.

    >>> cube = elementwise("cube", lambda x: x ** 3, lambda g, y, x: g * 3 * x ** 2)
    >>> cube(2.0)
    Tensor(8.0, op=cube)
    """
    row = operation.elementwise(name, function, *vjps)

    def call(*inputs: Any) -> Tensor:
        _check_count(name, vjps, inputs)
        tensors = [as_tensor(x) for x in inputs]
        dtype = common_dtype("float32", *(x.dtype for x in tensors))
        return Tensor.apply(row, *(x.astype(dtype) for x in tensors))

    call.__name__ = name
    return call


def _check_count(name: str, vjps: tuple[VJP | None, ...], inputs: tuple[Any, ...]) -> None:
    """A missing rule would be a gradient lost without a word; no rules at all are on purpose."""
    if vjps and len(vjps) != len(inputs):
        raise ArgumentError(
            f"{name} has {len(vjps)} gradient rules and was given {len(inputs)} inputs; write one "
            "for each, or None where there is no gradient"
        )


def with_gradient(*vjps: VJP | None) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Decorates a function of tensors so that it is one operation with the gradient given.

    Within the function no graph is recorded; its keyword arguments are the operation's attributes.

    Args:
        *vjps: for each tensor the gradient rule `vjp(g, output, *inputs, **attributes)`, written
            with tensor operators; None where there is no gradient.

    >>> @with_gradient(lambda g, y, x: g)
    ... def straight_through(x):
    ...     return (x > 0).astype(x.dtype)
    """

    def decorate(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        name = function.__name__

        def forward(*inputs: Array, **attributes: Any) -> Array:
            with recording(False):
                result = function(*map(Tensor.leaf, inputs), **attributes)
            if not isinstance(result, Tensor):
                raise DTypeError(f"{name}: the function must return a Tensor, not {result!r}")
            return result.array

        row = Operation(name, None, forward, vjps)

        @wraps(function)
        def call(*inputs: Any, **attributes: Any) -> Tensor:
            _check_count(name, vjps, inputs)
            return Tensor.apply(row, *map(as_tensor, inputs), **attributes)

        return call

    return decorate
