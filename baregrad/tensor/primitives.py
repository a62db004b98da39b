"""The table of operations: every primitive, its forward rule and, beside it, its gradient rule.

A gradient rule is the vector-Jacobian product of one input. In each, `g` is the gradient of the
loss with respect to the output, `z` or `y` is the output, and `x` (and `y`) are the inputs. All of
them are tensors, and the rules are formulas in tensor operators: that is why gradients have
gradients. Where inputs were broadcast, the sum over the copies is taken in one place, when the
gradients are accumulated (`autograd.py`).

Everything else (activations, losses, layer norm, ...) is made of these rows.
"""

import math
import operator
from typing import Any

from baregrad.engines import ieee, reference
from baregrad.engines.array import Shape
from baregrad.tensor.operation import (
    EveryInput,
    Operation,
    elementwise,
    infer_concat,
    infer_expand,
    infer_matmul,
    infer_permute,
    infer_reduction,
    infer_reshape,
    infer_scatter_add,
    infer_selection,
    infer_take,
)

# --- arithmetic -----------------------------------------------------------------------------

add = elementwise("add", operator.add, lambda g, z, x, y: g, lambda g, z, x, y: g)

subtract = elementwise("subtract", operator.sub, lambda g, z, x, y: g, lambda g, z, x, y: -g)

multiply = elementwise("multiply", operator.mul, lambda g, z, x, y: g * y, lambda g, z, x, y: g * x)

divide = elementwise("divide", ieee.divide, lambda g, z, x, y: g / y, lambda g, z, x, y: -g * z / y)

power = elementwise(
    "power",
    ieee.power,
    # Where the formula is 0 · ∞ at x = 0, its limit is 0: x⁰ does not depend on x, nor 0ʸ on y.
    lambda g, z, x, y: g * y * x ** (y - (y != 0)),
    lambda g, z, x, y: g * z * (x == 0).where(1, x).log(),
)

negative = elementwise("negative", operator.neg, lambda g, y, x: -g)

absolute = elementwise("abs", abs, lambda g, y, x: g * x.sign())

# --- functions ------------------------------------------------------------------------------

exp = elementwise("exp", ieee.exp, lambda g, y, x: g * y)

expm1 = elementwise("expm1", ieee.expm1, lambda g, y, x: g * (y + 1))

log = elementwise("log", ieee.log, lambda g, y, x: g / x)

sqrt = elementwise("sqrt", ieee.sqrt, lambda g, y, x: g / (2 * y))

sin = elementwise("sin", ieee.sin, lambda g, y, x: g * x.cos())

cos = elementwise("cos", ieee.cos, lambda g, y, x: -g * x.sin())

erf = elementwise("erf", math.erf, lambda g, y, x: g * (2 / math.sqrt(math.pi)) * (-x * x).exp())

tanh = elementwise("tanh", math.tanh, lambda g, y, x: g * (1 - y * y))

sigmoid = elementwise("sigmoid", ieee.sigmoid, lambda g, y, x: g * y * (1 - y))

softplus = elementwise("softplus", ieee.softplus, lambda g, y, x: g * x.sigmoid())

# --- comparison and choice --------------------------------------------------------------------

equal = elementwise("equal", operator.eq, dtype="bool")

not_equal = elementwise("not_equal", operator.ne, dtype="bool")

less = elementwise("less", operator.lt, dtype="bool")

less_equal = elementwise("less_equal", operator.le, dtype="bool")

maximum = elementwise(
    "maximum",
    ieee.maximum,
    # Half of the gradient to each where they are equal.
    lambda g, z, x, y: g * ((x > y) + 0.5 * (x == y)),
    lambda g, z, x, y: g * ((x < y) + 0.5 * (x == y)),
)

where = elementwise(
    "where",
    lambda condition, x, y: x if condition else y,
    None,
    lambda g, z, condition, x, y: condition.where(g, 0),
    lambda g, z, condition, x, y: condition.where(0, g),
)

# --- reductions -------------------------------------------------------------------------------
# `axes` is a tuple of axes counted from the front.


def _shared_by_the_largest(g: Any, y: Any, x: Any, axes: Shape, keepdims: bool) -> Any:
    """The gradient goes to the largest element, in equal parts if there are several."""
    chosen = (x == y.spread(axes, x.shape, keepdims)).astype(x.dtype)
    return g.spread(axes, x.shape, keepdims) * chosen / chosen.sum(axes, keepdims=True)


sum_ = Operation(
    "sum",
    infer_reduction,
    lambda x, axes, keepdims: reference.reduce(sum, x, axes, keepdims, x.dtype),
    [lambda g, y, x, axes, keepdims: g.spread(axes, x.shape, keepdims)],
)

max_ = Operation(
    "max",
    lambda x, axes, keepdims: infer_selection(x, axes, keepdims, "max"),
    lambda x, axes, keepdims: reference.reduce(reference.largest, x, axes, keepdims, x.dtype),
    [_shared_by_the_largest],
)

argmax = Operation(
    "argmax",
    lambda x, axes, keepdims: infer_selection(x, axes, keepdims, "argmax", "int64"),
    lambda x, axes, keepdims: reference.reduce(
        reference.index_of_largest, x, axes, keepdims, "int64"
    ),
)

# --- matrices ---------------------------------------------------------------------------------

matmul = Operation(
    "matmul",
    infer_matmul,
    reference.matmul,
    [lambda g, z, x, y: g @ y.mT, lambda g, z, x, y: x.mT @ g],
)

# --- shape ------------------------------------------------------------------------------------

reshape = Operation(
    "reshape", infer_reshape, reference.reshape, [lambda g, y, x, shape: g.reshape(x.shape)]
)

permute = Operation(
    "permute",
    infer_permute,
    reference.permute,
    [lambda g, y, x, axes: g.permute(*(axes.index(axis) for axis in range(len(axes))))],
)

expand = Operation(
    "expand",
    infer_expand,
    reference.expand,
    [lambda g, y, x, shape: g],  # summed over the copies like any other broadcast
)

concat = Operation(
    "concat",
    infer_concat,
    reference.concat,
    EveryInput(lambda g, z, *inputs, axis, index: g.part(inputs, axis, index)),
)

# --- selection --------------------------------------------------------------------------------
# `window` is (start, step, size) along each axis.

slice_ = Operation(
    "slice",
    lambda x, window: (tuple(size for _, _, size in window), x.dtype),
    reference.slice_,
    [lambda g, y, x, window: g.unslice(x.shape, window)],
)

unslice = Operation(
    "unslice",
    lambda x, shape, window: (shape, x.dtype),
    reference.unslice,
    [lambda g, y, x, shape, window: g.slice(window)],
)

take = Operation(
    "take",
    infer_take,
    reference.take,
    [lambda g, y, x, indices, axis: g.scatter_add(indices, axis, x.shape[axis]), None],
)

scatter_add = Operation(
    "scatter_add",
    infer_scatter_add,
    reference.scatter_add,
    [lambda g, y, x, indices, axis, size: g.take(indices, axis), None],
)

# --- identity in value ------------------------------------------------------------------------


cast = Operation(
    "cast",
    lambda x, dtype: (x.shape, dtype),
    reference.cast,
    [lambda g, y, x, dtype: g.astype(x.dtype)],
)

stop_gradient = Operation("stop_gradient", lambda x: (x.shape, x.dtype), lambda x: x)

# --- random numbers ---------------------------------------------------------------------------

# A pure function of the seed, the stream and the index of the first number, which is the input: a
# step that is run again and again goes on in the stream.
uniform = Operation(
    "uniform", lambda start, seed, stream, shape, dtype: (shape, dtype), reference.uniform
)

# --- by name ----------------------------------------------------------------------------------

PRIMITIVES = {row.name: row for row in tuple(vars().values()) if isinstance(row, Operation)}
