"""Identities: simpler values that a value is equal to.

Only what is exact in IEEE 754 arithmetic is here, for all operands, infinities and signed zeros
among them: x + 0 is not x, as -0 + 0 is 0, but x - 0 is. Only the sign of a NaN is left open.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from baregrad.compiler.kernel import ELEMENTWISE
from baregrad.compiler.value import CONSTANT, Value
from baregrad.engines.array import FLOATS, DType, Shape


class Builder(Protocol):
    """Makes values in their simplest form."""

    def apply(self, op: str, *inputs: Value, **attributes: Any) -> Value:
        """The result of an operation."""
        ...

    def constant(self, number: float, shape: Shape, dtype: DType) -> Value:
        """A number that fills a shape."""
        ...


Rule: TypeAlias = Callable[[Value, Builder], Value | None]


def simpler(value: Value, build: Builder) -> Value | None:
    """A simpler value equal to `value`, whose inputs are simple already; None if none is known."""
    if value.op in ELEMENTWISE:
        found = _before_expansion(value, build)
        if found is not None:
            return found
    elif value.op in CHOOSING and value.inputs[0].op == CONSTANT:
        return build.constant(value.inputs[0].attributes["value"], value.shape, value.dtype)
    rule = RULES.get(value.op)
    return rule(value, build) if rule else None


# Operations whose elements are elements of their first input.
CHOOSING = frozenset({"reshape", "permute", "expand", "slice", "take", "max", "stop_gradient"})


def _before_expansion(value: Value, build: Builder) -> Value | None:
    """Computes elements before they are copied; what operands need, they broadcast themselves."""
    inputs = tuple([_unexpanded(x, build) for x in value.inputs])
    if inputs == value.inputs:
        return None
    return _expanded(build.apply(value.op, *inputs, **value.attributes), value.shape, build)


def _unexpanded(x: Value, build: Builder) -> Value:
    if x.op == CONSTANT and x.shape:
        return build.constant(x.attributes["value"], (), x.dtype)
    return x.inputs[0] if x.op == "expand" else x


def _expanded(x: Value, shape: Shape, build: Builder) -> Value:
    return x if x.shape == shape else build.apply("expand", x, shape=shape)


def _reshaped(x: Value, shape: Shape, build: Builder) -> Value:
    return x if x.shape == shape else build.apply("reshape", x, shape=shape)


# --- arithmetic ---------------------------------------------------------------------------------
# Constants among the operands have no axes here, so the result has the shape of the other operand.


def _is(x: Value, number: float) -> bool:
    """Whether a value is a constant of this number, down to the sign of zero."""
    if x.op != CONSTANT:
        return False
    own = x.attributes["value"]
    return own == number and math.copysign(1, own) == math.copysign(1, number)


def _add(value: Value, build: Builder) -> Value | None:
    x, y = value.inputs
    nothing = -0.0 if value.dtype in FLOATS else 0
    if _is(y, nothing):
        return x
    if _is(x, nothing):
        return y
    if y.op == "negative":
        return build.apply("subtract", x, y.inputs[0])
    if x.op == "negative":
        return build.apply("subtract", y, x.inputs[0])
    return None


def _subtract(value: Value, build: Builder) -> Value | None:
    x, y = value.inputs
    if _is(y, 0):
        return x
    return build.apply("add", x, y.inputs[0]) if y.op == "negative" else None


def _multiply(value: Value, build: Builder) -> Value | None:
    x, y = value.inputs
    if x.op == CONSTANT:
        x, y = y, x
    if _is(y, 1):
        return x
    if _is(y, -1):
        return build.apply("negative", x)
    if x.op == y.op == "negative":
        return build.apply("multiply", x.inputs[0], y.inputs[0])
    return None


def _divide(value: Value, build: Builder) -> Value | None:
    """x / 1, and division by a power of two, as multiplication by its inverse is as exact."""
    x, y = value.inputs
    if _is(y, 1):
        return x
    if y.op == CONSTANT:
        mantissa, exponent = math.frexp(y.attributes["value"])
        if abs(mantissa) == 0.5 and abs(exponent) < 100:  # both are far from the subnormals
            return build.apply(
                "multiply", x, build.constant(1 / y.attributes["value"], (), y.dtype)
            )
    return None


def _power(value: Value, build: Builder) -> Value | None:
    x, y = value.inputs
    if _is(y, 1):
        return x
    return build.apply("multiply", x, x) if _is(y, 2) else None


def _negative(value: Value, build: Builder) -> Value | None:
    (x,) = value.inputs
    return x.inputs[0] if x.op == "negative" else None


def _abs(value: Value, build: Builder) -> Value | None:
    (x,) = value.inputs
    if x.op == "negative":
        return build.apply("abs", x.inputs[0])
    return x if x.op == "abs" else None


def _maximum(value: Value, build: Builder) -> Value | None:
    x, y = value.inputs
    return x if x is y else None


def _where(value: Value, build: Builder) -> Value | None:
    condition, x, y = value.inputs
    if x is y:
        return _expanded(x, value.shape, build)
    if condition.op == CONSTANT:
        return _expanded(x if condition.attributes["value"] else y, value.shape, build)
    return None


def _cast(value: Value, build: Builder) -> Value | None:
    """A truth value is 0 or 1 in every data type, and is passed on by any."""
    (x,) = value.inputs
    if x.dtype == value.dtype:
        return x
    if x.op == "cast" and x.inputs[0].dtype == "bool":
        return build.apply("cast", x.inputs[0], dtype=value.dtype)
    return None


# --- reductions of single elements --------------------------------------------------------------


def _reduction(value: Value, build: Builder) -> Value | None:
    """Of one element, itself; the reference engine adds it to 0, which makes 0 of -0."""
    (x,) = value.inputs
    if all(x.shape[axis] == 1 for axis in value.attributes["axes"]):
        return _reshaped(x, value.shape, build)
    return None


# --- shapes -------------------------------------------------------------------------------------


def _reshape(value: Value, build: Builder) -> Value | None:
    (x,) = value.inputs
    if x.shape == value.shape:
        return x
    if x.op == "reshape":
        return build.apply("reshape", x.inputs[0], shape=value.shape)
    if x.op == "expand" and math.prod(x.inputs[0].shape) == 1:
        return build.apply("expand", _reshaped(x.inputs[0], (), build), shape=value.shape)
    return None


def _permute(value: Value, build: Builder) -> Value | None:
    (x,) = value.inputs
    axes = value.attributes["axes"]
    moved = [axis for axis in axes if x.shape[axis] != 1]
    if moved == sorted(moved):  # only axes of size 1 change places, if any do
        return _reshaped(x, value.shape, build)
    if x.op == "permute":
        inner = x.attributes["axes"]
        return build.apply("permute", x.inputs[0], axes=tuple([inner[axis] for axis in axes]))
    return None


def _expand(value: Value, build: Builder) -> Value | None:
    (x,) = value.inputs
    if x.shape == value.shape:
        return x
    if x.op == "expand" or (x.op == "reshape" and _adds_axes_in_front(x)):
        return build.apply("expand", x.inputs[0], shape=value.shape)
    return None


def _adds_axes_in_front(reshape: Value) -> bool:
    shape = reshape.inputs[0].shape
    return (1,) * (len(reshape.shape) - len(shape)) + shape == reshape.shape


def _window(value: Value, build: Builder) -> Value | None:
    """A slice that is the whole, or that is laid into something of its own size."""
    (x,) = value.inputs
    forwards = all(step == 1 or size == 1 for _, step, size in value.attributes["window"])
    return x if forwards and x.shape == value.shape else None


def _concat(value: Value, build: Builder) -> Value | None:
    return value.inputs[0] if len(value.inputs) == 1 else None


def _stop_gradient(value: Value, build: Builder) -> Value | None:
    return value.inputs[0]


RULES: dict[str, Rule] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "negative": _negative,
    "abs": _abs,
    "maximum": _maximum,
    "where": _where,
    "cast": _cast,
    "sum": _reduction,
    "max": _reduction,
    "reshape": _reshape,
    "permute": _permute,
    "expand": _expand,
    "slice": _window,
    "unslice": _window,
    "concat": _concat,
    "stop_gradient": _stop_gradient,
}
