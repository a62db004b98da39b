"""Every gradient rule, compared with differences: first and second derivatives."""

import math

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import baregrad as bg
from baregrad import Tensor
from baregrad.tensor import primitives
from baregrad.tensor.autograd import topological_order
from baregrad.tensor.operation import Operation
from tests.tensor.helpers import (
    axes_from_front,
    broadcastable,
    distinct,
    numbers,
    shape_and_axes,
    shapes,
)

ROWS = {name: row for name, row in vars(primitives).items() if isinstance(row, Operation)}


def check(function, *inputs):
    """First and second derivatives are those that differences give, and of the inputs' shapes."""
    assert bg.gradcheck(function, inputs, order=2, atol=1e-5)
    gradients = bg.grad(function(*inputs).sum(), inputs)
    assert [g.shape for g in gradients] == [x.shape for x in inputs]


def positive(*shape):
    return numbers(shape, 0.5, 2.0, seed=3)


def mixed(*shape):
    """Positive and negative, all different and none near 0, where some functions have a corner."""
    return distinct(shape, seed=4)


WINDOW = ((2, -1, 2), (0, 2, 2))
PLACES = Tensor([[0, 1, 1], [2, 0, 1]])

# For each row of the table: a function that uses it, and inputs away from its corners and poles.
CHECKS = {
    "add": (lambda x, y: x + y, mixed(2, 3), mixed(3)),
    "subtract": (lambda x, y: x - y, mixed(2, 1), mixed(3)),
    "multiply": (lambda x, y: x * y, mixed(2, 3), mixed(3)),
    "divide": (lambda x, y: x / y, mixed(2, 1), positive(3)),
    "power": (lambda x, y: x**y, positive(2, 3), mixed(3)),
    "negative": (lambda x: -x, mixed(2, 3)),
    "absolute": (lambda x: x.abs(), mixed(2, 3)),
    "exp": (lambda x: x.exp(), mixed(2, 3)),
    "expm1": (lambda x: x.expm1(), mixed(2, 3)),
    "log": (lambda x: x.log(), positive(2, 3)),
    "sqrt": (lambda x: x.sqrt(), positive(2, 3)),
    "sin": (lambda x: x.sin(), mixed(2, 3)),
    "cos": (lambda x: x.cos(), mixed(2, 3)),
    "erf": (lambda x: x.erf(), mixed(2, 3)),
    "tanh": (lambda x: x.tanh(), mixed(2, 3)),
    "sigmoid": (lambda x: x.sigmoid(), mixed(2, 3)),
    "softplus": (lambda x: x.softplus(), mixed(2, 3)),
    "maximum": (lambda x, y: x.maximum(y) * x, mixed(2, 3), numbers((3,), seed=5)),
    "where": (lambda x, y: (x > 0).where(x * x, y), mixed(2, 3), mixed(3)),
    "sum_": (lambda x: (x * x).sum(1), mixed(2, 3)),
    "max_": (lambda x: (x * x * x).max(1), mixed(2, 3)),
    "matmul": (lambda x, y: x @ y, mixed(2, 2, 3), mixed(3, 2)),
    "reshape": (lambda x: (x * x).reshape(3, 2), mixed(2, 3)),
    "permute": (lambda x: (x * x).permute(1, 2, 0), mixed(2, 3, 2)),
    "expand": (lambda x: (x * x).expand(2, 3, 2), mixed(3, 1)),
    "concat": (lambda x, y: bg.concat([x * x, y, x]), mixed(2, 3), mixed(1, 3)),
    "slice_": (lambda x: (x * x).slice(WINDOW), mixed(3, 3)),
    "unslice": (lambda x: (x * x).unslice((3, 3), WINDOW), mixed(2, 2)),
    "take": (lambda x: (x * x).take(PLACES), mixed(3, 2)),
    "scatter_add": (lambda x: (x * x).scatter_add(PLACES, 0, 3), mixed(2, 3, 2)),
    "cast": (lambda x: (x * x).astype("float32").astype("float64"), Tensor([0.5, 2.0], "float64")),
}

# Rows without a gradient rule; their results never require a gradient.
FLAT = {
    "equal": lambda x: x == 1,
    "not_equal": lambda x: x != 1,
    "less": lambda x: x < 1,
    "less_equal": lambda x: x <= 1,
    "argmax": lambda x: x.argmax(),
    "stop_gradient": lambda x: Tensor.apply(primitives.stop_gradient, x),
    "uniform": lambda x: Tensor.apply(
        primitives.uniform, Tensor(0), seed=0, stream=0, shape=x.shape, dtype=x.dtype
    ),
}


def test_every_row_of_the_table_is_checked():
    differentiable = {name for name, row in ROWS.items() if row.vjps != ()}
    assert differentiable == set(CHECKS)
    assert set(ROWS) - differentiable == set(FLAT)


@pytest.mark.parametrize("name", sorted(set(CHECKS) - {"cast"}))
def test_first_and_second_derivatives_of_every_row(name):
    function, *inputs = CHECKS[name]
    nodes = topological_order([function(*inputs)])
    assert any(node.op is ROWS[name] for node in nodes), "the check does not use the operation"
    assert bg.gradcheck(function, inputs, order=2)


def test_the_gradient_passes_through_a_cast():
    # Differences of float32 values are too coarse to check this one by gradcheck.
    function, x = CHECKS["cast"]
    x.requires_grad = True
    (g,) = bg.grad(function(x).sum(), x, create_graph=True)
    assert (g.tolist(), g.dtype) == ([1.0, 4.0], "float64")
    assert bg.grad(g.sum(), x)[0].tolist() == [2.0, 2.0]


@pytest.mark.parametrize("name", sorted(FLAT))
def test_rows_without_a_rule_carry_no_gradient(name):
    y = FLAT[name](mixed(2, 3))
    assert y.op is ROWS[name]
    assert not y.requires_grad


# --- what is made of the rows -----------------------------------------------------------------

NAMED = """abs exp expm1 sin cos erf tanh sigmoid softplus relu leaky_relu elu selu gelu silu mish
    sign logsumexp sum mean max min flatten squeeze"""
UNARY = {name: getattr(Tensor, name) for name in NAMED.split()} | {
    "gelu by tanh": lambda x: x.gelu("tanh"),
    "elu with alpha": lambda x: x.elu(0.5),
    "clip": lambda x: x.clip(-0.5, 0.4),
    "minus": lambda x: -x,
    "one minus": lambda x: 1 - x,
    "one over": lambda x: 1 / (x + 10),
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "power of two": lambda x: 2**x,
    "isfinite": lambda x: x.isfinite().where(x * x, 0),
    "index": lambda x: (x * x)[..., None],
}
ON_MATRICES = {
    "softmax": lambda x: x.softmax(0),
    "log_softmax": lambda x: x.log_softmax(),
    "var": lambda x: x.var(0, correction=1),
    "std": lambda x: x.std(1),
    "transpose": lambda x: (x * x).T @ x,
    "negative step": lambda x: (x * x)[::-1, 2:0:-1],
    "integers and slices": lambda x: (x * x)[1, 1:],
    "list": lambda x: (x * x)[[1, 0, 1, -1]],
    "mask": lambda x: (x * x)[:, [True, False, True]],
    "stack": lambda x: bg.stack([x, x * x, x.sin()], axis=1),
    "unsqueeze": lambda x: (x * x).unsqueeze(1) * x,
    "minimum": lambda x: (x * x).minimum(x.sin()),
    "layer norm": lambda x: (
        (x - x.mean(1, keepdims=True)) / (x.var(1, keepdims=True) + 1e-3).sqrt()
    ),
    "vectors": lambda x: (x[0] @ x[1]) * (x @ x[0]) * (x[:, 0] @ x).sum(),
}


@pytest.mark.parametrize("name", sorted(UNARY))
@given(shape=shapes.filter(lambda shape: 0 not in shape))
@settings(max_examples=6)
def test_gradients_of_functions_of_one_tensor(name, shape):
    # `distinct` leaves every argument 0.05 or more from the corners at 0 and the bounds of clip.
    check(UNARY[name], distinct(shape))


@pytest.mark.parametrize("name", sorted(ON_MATRICES))
def test_gradients_of_functions_of_a_matrix(name):
    check(ON_MATRICES[name], mixed(2, 3))


REDUCTIONS = {
    name: lambda x, axis, keepdims, name=name: getattr(x, name)(axis, keepdims=keepdims)
    for name in ["sum", "mean", "var", "std", "max", "min", "logsumexp"]
} | {
    "corrected var": lambda x, axis, keepdims: x.var(axis, 1, keepdims),
    "corrected std": lambda x, axis, keepdims: x.std(axis, 0.5, keepdims),
}


@pytest.mark.parametrize("name", sorted(REDUCTIONS))
@given(drawn=shape_and_axes(), keepdims=st.booleans())
@settings(max_examples=15)
def test_gradients_of_reductions_over_any_axes(name, drawn, keepdims):
    shape, axis = drawn
    reduced = [shape[a] for a in axes_from_front(axis, len(shape))]
    assume(0 not in reduced or name not in ("max", "min"))  # refused: there is none of nothing
    assume(math.prod(reduced) != 1 or name != "corrected var")  # NaN: there is no divisor
    check(lambda x: REDUCTIONS[name](x, axis, keepdims), distinct(shape))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@given(shape=shapes.filter(bool), data=st.data())
@settings(max_examples=15)
def test_gradients_of_functions_along_any_axis(name, shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    check(lambda x: getattr(x, name)(axis), distinct(shape))


ROWS_OF_TWO = ["add", "subtract", "multiply", "divide", "power", "maximum"]
BINARY = {name: CHECKS[name][0] for name in ROWS_OF_TWO} | {
    "minimum": lambda x, y: x.minimum(y) * x,
    "where": lambda x, y: (x > 1).where(x * y, y),
    "where by the other": lambda x, y: (y > 1).where(x, x * x),
}


@pytest.mark.parametrize("name", sorted(BINARY))
@given(drawn=broadcastable(2))
@settings(max_examples=15)
@example(drawn=((0, 2), [(0, 1), (2,)]))
@example(drawn=((2, 0), [(2, 1), (1, 0)]))
@example(drawn=((2, 3), [(2, 1), (1, 3)]))
def test_gradients_under_broadcasting(name, drawn):
    _, (left, right) = drawn
    check(BINARY[name], numbers(left, 0.5, 2.0, seed=1), numbers(right, 0.5, 2.0, seed=2))


@given(broadcastable(2, max_dims=1), st.integers(0, 2), st.integers(0, 3), st.integers(0, 2))
def test_gradients_of_matrix_products(drawn, m, k, n):
    _, (left, right) = drawn
    check(lambda x, y: x @ y, numbers((*left, m, k)), numbers((*right, k, n), seed=1))


@given(shapes.filter(bool), st.data())
def test_gradients_of_changes_of_shape(shape, data):
    n = len(shape)
    order = data.draw(st.permutations(range(n)))
    axis = data.draw(st.integers(-n, n - 1))
    places = data.draw(st.lists(st.integers(0, shape[axis] - 1), max_size=3)) if shape[axis] else []
    cut = data.draw(st.slices(shape[0]))

    def function(x):
        y = (x * x).permute(order).flatten().unsqueeze(axis % 2)
        z = bg.concat([x, x.take(places, axis), x], axis)
        return y.sum() + (z * z).expand(2, *z.shape).sum() + (x[cut] * x[cut]).sum()

    check(function, distinct(shape))


ZERO_SIZED = [(0,), (2, 0), (0, 3), (2, 0, 3)]


@pytest.mark.parametrize("shape", ZERO_SIZED)
@pytest.mark.parametrize("name", sorted(set(UNARY) - {"max", "min"}))
def test_gradients_of_functions_of_nothing(shape, name):
    check(UNARY[name], numbers(shape))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.softmax(),
        lambda x: x.log_softmax(0),
        lambda x: x.max(0),
        lambda x: x[1:],
        lambda x: x[[0, 1, 0]],
        lambda x: x[:, []],
        lambda x: x[[False, True]],
        lambda x: x.T,
        lambda x: x.mT @ x,
        lambda x: bg.stack([x, x]),
        lambda x: bg.concat([x, x], -1),
        lambda x: bg.concat([x, Tensor([[1.0], [2.0]], "float64")], 1),
        lambda x: x.reshape(0, 5),
        lambda x: x.expand(3, 2, 0),
    ],
)
def test_gradients_of_functions_of_a_matrix_without_columns(function):
    check(lambda x: function(x) * function(x), numbers((2, 0)))
