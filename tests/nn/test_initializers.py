"""Initial weights have the spread their papers ask for."""

import math

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError
from baregrad.nn.initializers import INITIALIZERS, initializer_named, suitable_initializer
from baregrad.tensor.random import Generator

VARIANCE = {"glorot": 2 / (60 + 40), "he": 2 / 40, "lecun": 1 / 40}


def draw(name, fan_out=60, fan_in=40):
    return INITIALIZERS[name](fan_out, fan_in, Generator(7))


@pytest.mark.parametrize("kind", VARIANCE)
@pytest.mark.parametrize("shape", ["uniform", "normal"])
def test_the_variance_is_that_of_the_paper(kind, shape):
    weights = draw(f"{kind}_{shape}")
    assert weights.shape == (60, 40)
    # 2400 numbers: the variance is within 4 standard errors, at most √(2/2400) each
    assert weights.var().item() == pytest.approx(VARIANCE[kind], rel=4 * math.sqrt(2 / 2400))
    assert weights.mean().item() == pytest.approx(0, abs=4 * math.sqrt(VARIANCE[kind] / 2400))


@pytest.mark.parametrize("kind", VARIANCE)
def test_uniform_weights_have_a_bound(kind):
    assert draw(f"{kind}_uniform").abs().max().item() <= math.sqrt(3 * VARIANCE[kind])


@pytest.mark.parametrize(("fan_out", "fan_in"), [(5, 9), (9, 5), (6, 6), (1, 4)])
def test_orthogonal_weights_have_orthonormal_rows_or_columns(fan_out, fan_in):
    weights = draw("orthogonal", fan_out, fan_in)
    assert weights.shape == (fan_out, fan_in)
    product = weights @ weights.T if fan_out <= fan_in else weights.T @ weights
    for i, row in enumerate(product.tolist()):
        assert row == pytest.approx([float(i == j) for j in range(len(row))], abs=1e-14)


def test_each_activation_gets_weights_that_suit_it():
    assert suitable_initializer("relu") == "he_uniform"
    assert suitable_initializer("selu") == "lecun_normal"
    assert suitable_initializer("tanh") == "glorot_uniform"
    assert suitable_initializer(math.sin) == "glorot_uniform"


def test_an_activation_given_as_a_function_gets_the_weights_that_its_name_would_get():
    assert suitable_initializer(bg.relu) == "he_uniform"
    assert suitable_initializer(bg.Tensor.selu) == "lecun_normal"
    named, given = (bg.MLP(2, [3, 1], activation=a, seed=0) for a in ("relu", bg.relu))
    assert given.layers[0].weight.tolist() == named.layers[0].weight.tolist()


def test_an_initializer_is_found_by_name_or_is_a_function():
    function = INITIALIZERS["orthogonal"]
    assert initializer_named("orthogonal") is function
    assert initializer_named(function) is function
    with pytest.raises(ArgumentError, match="did you mean 'he_normal'"):
        initializer_named("he_norma")


def test_a_function_must_return_weights_of_the_shape_of_the_layer():
    assert bg.Linear(2, 1, initializer=lambda rows, columns, g: [[1] * columns] * rows)([2, 3]) == 5
    with pytest.raises(bg.ShapeError, match=r"weights of shape \(2, 3\), not \(3, 2\)"):
        bg.Linear(2, 3, initializer=lambda rows, columns, g: bg.zeros(columns, rows))
