"""Layers, against the formulas written out in plain Python."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.errors import ArgumentError, ShapeError
from baregrad.nn.layers import Activation, BatchNorm1d, Dropout, LayerNorm, Linear, Sequential
from baregrad.tensor.random import Generator

sizes = st.integers(1, 5)


def sample(*shape, seed=0):
    return Generator(seed, 9).randn(*shape, dtype="float64")


@given(sizes, sizes, sizes)
def test_linear_is_a_weighted_sum_and_a_bias(samples, inputs, outputs):
    layer = Linear(inputs, outputs, seed=1, dtype="float64")
    layer.bias.assign(sample(outputs))
    x = sample(samples, inputs, seed=2)
    expected = [
        [
            math.fsum(w * v for w, v in zip(weights, row, strict=True)) + bias
            for weights, bias in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
        ]
        for row in x.tolist()
    ]
    assert layer(x).tolist() == [pytest.approx(row, rel=1e-12) for row in expected]
    assert layer(x[0]).tolist() == pytest.approx(expected[0], rel=1e-12)


def test_linear_without_bias_has_one_parameter():
    assert len(Linear(2, 3, bias=False).parameters()) == 1
    assert Linear(2, 1, bias=False)([0.0, 0.0]).tolist() == [0.0]


def test_layers_compute_in_the_data_type_of_their_parameters():
    assert Linear(2, 1)(sample(3, 2)).dtype == "float32"
    assert Linear(2, 1, dtype="float64")([1, 2]).dtype == "float64"
    assert repr(LayerNorm(3)) == "LayerNorm(3)"


def test_a_wrong_number_of_features_is_refused_with_the_shape_that_fits():
    with pytest.raises(ShapeError, match=r"expects 3 features .* \(samples, 3\), not \(4, 2\)"):
        Linear(3, 1)(sample(4, 2))
    with pytest.raises(ShapeError, match=r"not \(\)"):
        Linear(3, 1)(1.0)


@pytest.mark.parametrize("size", [0, -1, 2.0, "3", True])
def test_sizes_must_be_whole_and_positive(size):
    with pytest.raises(ArgumentError, match="must be an integer of at least 1"):
        Linear(size, 1)
    with pytest.raises(ArgumentError, match="must be an integer of at least 1"):
        Linear(1, size)


# --- dropout ------------------------------------------------------------------------------------


def test_dropout_zeroes_a_share_and_scales_the_rest():
    layer = Dropout(0.25, Generator(0))
    y = layer(bg.ones(20_000)).tolist()
    assert sorted(set(y)) == pytest.approx([0.0, 4 / 3])
    # within four standard deviations of a binomial variable
    assert y.count(0.0) / 20_000 == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 20_000))


def test_dropout_passes_gradients_where_it_passed_values():
    x = bg.ones(50, requires_grad=True)
    y = Dropout(0.5, Generator(1))(x)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_dropout_does_nothing_in_prediction_or_at_zero():
    x = sample(5)
    assert Dropout(0.9).eval()(x) is x
    assert Dropout(0.0)(x) is x


@pytest.mark.parametrize("p", [-0.1, 1.0, math.nan])
def test_dropout_probability_must_leave_something(p):
    with pytest.raises(ArgumentError, match="dropout probability must be a number of at least 0"):
        Dropout(p)


# --- normalisation ------------------------------------------------------------------------------


@given(sizes, st.integers(2, 6))
def test_layer_norm_standardises_each_sample(samples, features):
    x = sample(samples, features)
    rows = LayerNorm(features, dtype="float64")(x).tolist()
    for row, values in zip(rows, x.tolist(), strict=True):
        mean = statistics.fmean(values)
        spread = math.sqrt(statistics.pvariance(values) + 1e-5)
        assert row == pytest.approx([(v - mean) / spread for v in values], rel=1e-9)


@given(st.integers(2, 6), sizes)
def test_batch_norm_standardises_each_feature_and_remembers(samples, features):
    x = sample(samples, features)
    layer = BatchNorm1d(features, dtype="float64")
    columns = layer(x).T.tolist()
    for i, values in enumerate(x.T.tolist()):
        mean, variance = statistics.fmean(values), statistics.pvariance(values)
        spread = math.sqrt(variance + 1e-5)
        assert columns[i] == pytest.approx([(v - mean) / spread for v in values], rel=1e-9)
        assert layer.running_mean[i].item() == pytest.approx(0.1 * mean)
        assert layer.running_var[i].item() == pytest.approx(0.9 + 0.1 * statistics.variance(values))


def test_batch_norm_predicts_with_what_it_remembers():
    layer = BatchNorm1d(1, epsilon=0.0, dtype="float64")
    layer.running_mean.assign([3.0])
    layer.running_var.assign([4.0])
    assert layer.eval()([7.0]).tolist() == [2.0]
    assert layer.running_mean.tolist() == [3.0]


@pytest.mark.parametrize("shape", [(1, 2), (2,)])
def test_batch_norm_refuses_to_train_on_a_single_sample(shape):
    with pytest.raises(ShapeError, match="needs two samples or more"):
        BatchNorm1d(2)(bg.ones(shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerNorm(2, epsilon=-1.0), "epsilon must be a number of at least 0 and finite"),
        (lambda: BatchNorm1d(2, epsilon="a"), "epsilon must be a number of at least 0 and finite"),
        (
            lambda: BatchNorm1d(2, momentum=2),
            "momentum must be a number of at least 0 and at most 1",
        ),
    ],
)
def test_numbers_of_normalisation_out_of_range_are_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize("layer", [LayerNorm(3, dtype="float64"), BatchNorm1d(3, dtype="float64")])
def test_gradients_of_normalisation_are_right_to_second_order(layer):
    layer.weight.assign([1.5, -0.5, 2.0])
    x = sample(4, 3).detach()
    x.requires_grad = True
    bg.gradcheck(lambda x, w, b: layer(x), [x, layer.weight, layer.bias], order=2)


# --- sequence -----------------------------------------------------------------------------------


def test_sequential_applies_its_modules_in_order():
    first, second = Linear(2, 3, seed=0), Linear(3, 1, seed=1)
    model = Sequential(first, second)
    assert len(model) == 2
    assert model[1] is second
    assert model([1.0, 2.0]).tolist() == second(first([1.0, 2.0])).tolist()


def test_a_part_of_a_sequence_is_a_sequence_of_the_same_modules():
    model = Sequential(Linear(2, 3, seed=0), "relu", Linear(3, 1, seed=1))
    hidden = model[:-1]
    assert hidden([1.0, 2.0]).tolist() == model[1](model[0]([1.0, 2.0])).tolist()
    assert hidden[0] is model[0]
    assert list(model) == model.modules


def test_sequential_makes_modules_of_activations():
    first, last = Linear(2, 3, seed=0), Linear(3, 1, seed=1)
    for activation in ("relu", bg.relu, bg.Tensor.relu, Activation("relu")):
        model = Sequential(first, activation, last)
        assert model([1.0, 2.0]).tolist() == last(first([1.0, 2.0]).relu()).tolist()
        assert repr(model[1]) == "Activation(relu)"


def test_an_activation_can_be_a_function_of_ones_own():
    def double(x):
        return 2 * x

    layer = Activation(double)
    assert layer([1.0, 2.0]).tolist() == [2.0, 4.0]
    assert repr(layer) == "Activation(double)"


@pytest.mark.parametrize("argument", [3, None, Dropout, [Linear(1, 1)]])
def test_sequential_refuses_what_is_no_module(argument):
    with pytest.raises(ArgumentError, match=r"argument 1 is .*neither a module"):
        Sequential(Linear(1, 1), argument)


def test_sequential_suggests_the_activation_that_was_meant():
    with pytest.raises(ArgumentError, match="did you mean 'relu'"):
        Sequential(Linear(1, 1), "rellu")
