import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad import ArgumentError, Tensor
from tests.tensor.helpers import (
    INF,
    NAN,
    axes_from_front,
    close,
    numbers,
    reduced,
    same,
    shape_and_axes,
)

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def softplus(x):
    return math.log1p(math.exp(x))


REFERENCES = {
    "tanh": math.tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: SCALE * (x if x > 0 else ALPHA * math.expm1(x)),
    "gelu": lambda x: x * NormalDist().cdf(x),
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * math.tanh(softplus(x)),
}


@pytest.mark.parametrize("name", sorted(REFERENCES))
@given(values=st.lists(st.floats(-20, 20), max_size=5))
def test_activations_agree_with_their_formulas(name, values):
    result = getattr(Tensor(values, "float64"), name)()
    assert close(result.tolist(), [REFERENCES[name](x) for x in values], rel=1e-11)


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_activations_of_integers_bools_and_nothing(name):
    activation = getattr(bg, name)
    for x in (Tensor([-1, 0, 2]), Tensor([True, False])):
        assert close(activation(x).tolist(), [REFERENCES[name](v) for v in x.tolist()], rel=1e-6)
    assert activation(bg.zeros(2, 0)).tolist() == [[], []]


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("tanh", [1.0, -1.0]),
        ("sigmoid", [1.0, 0.0]),
        ("softplus", [INF, 0.0]),
        ("relu", [INF, 0.0]),
        ("leaky_relu", [INF, -INF]),
        ("elu", [INF, -1.0]),
        ("selu", [INF, -SCALE * ALPHA]),
    ],
)
def test_activations_have_limits_and_pass_on_nan(name, limits):
    result = getattr(Tensor([INF, -INF, NAN], "float64"), name)().tolist()
    assert same(result[:2], limits)
    assert math.isnan(result[2])


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_activations_and_their_gradients_are_finite_far_from_zero(name):
    x = Tensor([1e4, -1e4], requires_grad=True)
    y = getattr(x, name)()
    y.sum().backward()
    assert y.isfinite().tolist() == x.grad.isfinite().tolist() == [True, True]


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("relu", 0.0),
        ("leaky_relu", 0.01),
        ("elu", 1.0),
        ("selu", SCALE * ALPHA),
        ("gelu", 0.5),
        ("silu", 0.5),
        ("softplus", 0.5),
        ("tanh", 1.0),
        ("sigmoid", 0.25),
    ],
)
def test_the_slope_at_zero_is_the_usual_one(name, slope):
    x = Tensor(0.0, "float64", requires_grad=True)
    getattr(x, name)().backward()
    assert x.grad.item() == pytest.approx(slope, rel=1e-15)


def test_parameters_of_activations():
    x = Tensor([-2.0, 3.0], "float64")
    assert x.leaky_relu(0.5).tolist() == [-1.0, 3.0]
    assert close(x.elu(2.0).tolist(), [2 * math.expm1(-2.0), 3.0])
    inner = [math.sqrt(2 / math.pi) * (v + 0.044715 * v**3) for v in (-2.0, 3.0)]
    expected = [0.5 * v * (1 + math.tanh(t)) for v, t in zip((-2.0, 3.0), inner, strict=True)]
    assert close(x.gelu("tanh").tolist(), expected)
    with pytest.raises(ArgumentError, match='gelu: approximate must be "none" or "tanh", not True'):
        x.gelu(True)


# --- softmax and its relatives ----------------------------------------------------------------


def logsumexp(values):
    return math.log(math.fsum(map(math.exp, values))) if values else -INF


@given(shape_and_axes())
def test_logsumexp_agrees_with_its_formula(drawn):
    shape, axis = drawn
    x = numbers(shape)
    for keepdims in (False, True):
        expected = reduced(x.tolist(), shape, axis, keepdims, logsumexp)
        assert close(x.logsumexp(axis, keepdims).tolist(), expected)


@given(shape_and_axes(min_dims=1), st.data())
def test_softmax_is_positive_with_sum_one(drawn, data):
    shape, _ = drawn
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = numbers(shape)
    total = x.logsumexp(axis, keepdims=True)
    assert x.softmax(axis).shape == x.log_softmax(axis).shape == shape
    assert close(x.log_softmax(axis).tolist(), (x - total).tolist())
    assert close(x.softmax(axis).tolist(), (x - total).exp().tolist())
    if shape[axis]:
        ones = reduced(x.softmax(axis).tolist(), shape, axis, False, math.fsum)
        count = math.prod(
            size for i, size in enumerate(shape) if i not in axes_from_front(axis, len(shape))
        )
        assert close(Tensor(ones).reshape(-1).tolist() if count else [], [1.0] * count, rel=1e-6)


def test_softmax_does_not_overflow_or_underflow():
    x = Tensor([1000.0, 1001.0, -1000.0], "float64")
    assert close(x.softmax().tolist(), [1 / (1 + math.e), math.e / (1 + math.e), 0.0])
    assert close(x.log_softmax().tolist()[2], -2001 - math.log1p(math.exp(-1)))
    assert close(x.logsumexp().item(), 1001 + math.log1p(math.exp(-1)))


def test_minus_infinity_is_a_place_without_weight():
    x = Tensor([0.0, -INF, 0.0], "float64", requires_grad=True)
    assert x.softmax().tolist() == [0.5, 0.0, 0.5]
    assert same(x.log_softmax().tolist(), [-math.log(2), -INF, -math.log(2)])
    x.logsumexp().backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5]


def test_logsumexp_of_infinities_is_their_limit():
    assert Tensor([INF, 1.0]).logsumexp().item() == INF
    assert Tensor([-INF, -INF]).logsumexp().item() == -INF
    assert math.isnan(Tensor([NAN, 1.0]).logsumexp().item())


def test_softmax_of_nothing_is_nothing():
    assert bg.zeros(2, 0).softmax().shape == bg.zeros(2, 0).log_softmax(1).shape == (2, 0)
    assert bg.zeros(0, 2).softmax().shape == (0, 2)
    assert bg.zeros(2, 0, dtype="int64").logsumexp(1).tolist() == [-INF, -INF]


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_an_axis_that_is_not_there_is_named_with_the_operation(name):
    with pytest.raises(
        ArgumentError, match=f"^{name}: axis 2 does not exist; the axes are -2 to 1"
    ):
        getattr(bg.zeros(2, 3), name)(2)
    if name != "logsumexp":
        with pytest.raises(ArgumentError, match=f"^{name}: axis -1 does not exist in a scalar"):
            getattr(Tensor(1.0), name)()


def test_softmax_of_integers_is_float32():
    assert Tensor([1, 1]).softmax().tolist() == [0.5, 0.5]
    assert Tensor([1, 1]).log_softmax().dtype == Tensor([True]).logsumexp().dtype == "float32"
