"""The multi-layer perceptron, its layers and neurons."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.errors import ArgumentError, DTypeError, ShapeError
from baregrad.nn.activations import ACTIVATIONS, activation_named
from baregrad.nn.layers import BatchNorm1d, LayerNorm
from baregrad.nn.mlp import MLP, Layer, Neuron


def by_hand(model, x, activation=math.tanh):
    """The forward pass neuron by neuron, in plain Python."""
    for number, layer in enumerate(model.layers):
        last = number == len(model.layers) - 1
        sums = [
            math.fsum(w * v for w, v in zip(weights, x, strict=True)) + bias
            for weights, bias in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
        ]
        x = sums if last else [activation(z) for z in sums]
    return x


@given(st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_an_mlp_is_weighted_sums_and_activations(inputs, neurons):
    model = MLP(inputs, neurons, seed=2, dtype="float64")
    x = bg.linspace(-1, 1, 3 * inputs, dtype="float64").reshape(3, inputs)
    rows = model(x).tolist()
    for row, sample in zip(rows, x.tolist(), strict=True):
        assert row == pytest.approx(by_hand(model, sample), rel=1e-12)
        assert model(sample).tolist() == pytest.approx(row, rel=1e-6)
    assert model.forward(x).tolist() == rows


def test_parameters_are_all_weights_and_biases():
    model = MLP(3, [2, 3, 1])
    assert sum(p.size for p in model.parameters()) == (3 + 1) * 2 + (2 + 1) * 3 + (3 + 1) * 1
    assert [name for name, _ in model.named_parameters()][:2] == [
        "layers.0.weight",
        "layers.0.bias",
    ]


def test_gradients_reach_every_parameter_and_are_right():
    model = MLP(2, [3, 2], activation="gelu", norm="layer", seed=0, dtype="float64")
    x = bg.linspace(-1, 1, 6, dtype="float64").reshape(3, 2)
    assert bg.gradcheck(lambda *parameters: model(x), model.parameters())


# --- neurons ------------------------------------------------------------------------------------


def test_the_neurons_of_a_layer_compute_what_the_layer_computes():
    layer = Layer(3, 4, seed=5)
    x = [[0.5, -1.0, 2.0], [1.0, 0.0, -1.0]]
    columns = [neuron(x).tolist() for neuron in layer.neurons]
    assert layer(x).T.tolist() == [pytest.approx(column, rel=1e-6) for column in columns]


def test_a_neuron_of_a_layer_passes_its_gradient_to_the_layer():
    layer = Layer(2, 3, activation="identity", seed=5)
    layer.neurons[1]([5.0, 7.0]).backward()
    assert layer.weight.grad.tolist() == [[0.0, 0.0], [5.0, 7.0], [0.0, 0.0]]
    assert layer.bias.grad.tolist() == [0.0, 1.0, 0.0]


def test_the_neurons_of_a_layer_show_the_gradients_of_its_rows():
    layer = Layer(2, 2, seed=5)
    assert layer.neurons[0].weights.grad is None
    layer([1.0, 2.0]).sum().backward()
    assert layer.neurons[1].weights.grad.tolist() == layer.weight.grad[1].tolist()
    assert layer.neurons[1].bias.grad.item() == layer.bias.grad[1].item()


@pytest.mark.parametrize("options", [{"norm": "layer"}, {"activation": "softmax"}])
def test_neurons_that_depend_on_each_other_are_not_shown_singly(options):
    with pytest.raises(ArgumentError, match="depend on each other"):
        Layer(2, 2, **options).neurons  # noqa: B018


def test_a_neuron_by_itself_has_weights_and_a_bias_and_learns():
    neuron = Neuron(2, activation="sigmoid", seed=1)
    assert [p.shape for p in neuron.parameters()] == [(2,), ()]
    neuron([1.0, -2.0]).backward()
    y = neuron([1.0, -2.0]).item()
    assert neuron.weights.grad.tolist() == pytest.approx([y * (1 - y), -2 * y * (1 - y)], rel=1e-5)
    assert neuron.bias.grad.item() == pytest.approx(y * (1 - y), rel=1e-5)
    assert repr(neuron) == "Neuron(2)"


# --- what can be chosen -------------------------------------------------------------------------


def test_each_layer_can_have_its_own_activation():
    model = MLP(2, [3, 3, 1], activation=["relu", bg.sin], output_activation="sigmoid", seed=0)
    ops = [layer([0.1, 0.2, 0.3][: layer.inputs]).op.name for layer in model.layers]
    assert ops == ["where", "sin", "sigmoid"]


def test_norm_and_dropout_are_in_the_hidden_layers_only():
    model = MLP(2, [3, 3, 1], norm="batch", dropout=0.5)
    assert [type(layer.norm) for layer in model.layers] == [BatchNorm1d, BatchNorm1d, type(None)]
    assert [layer.dropout is not None for layer in model.layers] == [True, True, False]
    assert isinstance(MLP(2, [3, 1], norm="layer").layers[0].norm, LayerNorm)


def test_dropout_acts_in_training_alone():
    model = MLP(2, [50, 1], dropout=0.5, seed=0)
    x = [0.5, -0.5]
    assert model(x).item() != model(x).item()
    model.eval()
    assert model(x).item() == model(x).item()


def test_a_seed_gives_the_same_weights_and_masks():
    one, two, other = MLP(3, [8, 1], seed=4), MLP(3, [8, 1], seed=4), MLP(3, [8, 1], seed=5)
    assert one.layers[0].weight.tolist() == two.layers[0].weight.tolist()
    assert one.layers[0].weight.tolist() != other.layers[0].weight.tolist()
    masked = [MLP(3, [8, 1], dropout=0.5, seed=4)([1.0, 2.0, 3.0]).item() for _ in range(2)]
    assert masked[0] == masked[1]


def test_layers_of_one_seed_have_different_weights():
    model = MLP(4, [4, 4, 4], seed=0)
    assert model.layers[0].weight.tolist() != model.layers[1].weight.tolist()


def test_without_a_seed_manual_seed_decides():
    bg.manual_seed(1)
    one = MLP(2, [2]).layers[0].weight.tolist()
    bg.manual_seed(1)
    assert MLP(2, [2]).layers[0].weight.tolist() == one


def test_config_rebuilds_the_model():
    model = MLP(3, [4, 2], activation="relu", dropout=0.1, norm="layer", seed=3, dtype="float64")
    twin = MLP(**model.config())
    twin.load_state_dict(model.state_dict())
    model.eval()
    twin.eval()
    assert twin([1.0, 2.0, 3.0]).tolist() == model([1.0, 2.0, 3.0]).tolist()


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"neurons": []}, "neurons must be a list"),
        ({"neurons": 3}, "neurons must be a list"),
        ({"neurons": [2, 0]}, "the number of neurons in layer 1 must be an integer"),
        ({"inputs": 0}, "the number of inputs must be"),
        ({"activation": "tahn"}, "unknown activation 'tahn'; did you mean 'tanh'"),
        ({"activation": ["tanh", "relu"]}, "for each hidden layer, 1 in all, and lists 2"),
        ({"output_activation": "soft"}, "unknown activation 'soft'"),
        ({"norm": "group"}, "unknown norm 'group'"),
        ({"initializer": "xavier"}, "unknown initializer 'xavier'"),
        ({"dropout": 1.5}, "dropout probability"),
        ({"seed": -1}, "the seed is an integer"),
        ({"neurons": [1], "activation": "foo"}, "unknown activation 'foo'"),
        ({"neurons": [1], "norm": "foo"}, "unknown norm 'foo'"),
        ({"neurons": [1], "dropout": -1}, "dropout probability"),
        ({"activation": None}, "unknown activation None"),
        ({"activation": bg.Dropout}, "unknown activation <class .*Dropout"),
        ({"dtype": "int64"}, "parameters must be float32 or float64, not 'int64'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((ArgumentError, DTypeError), match=message):
        MLP(**({"inputs": 2, "neurons": [3, 1]} | arguments))


def test_a_sample_of_the_wrong_size_is_refused():
    with pytest.raises(ShapeError, match="Layer expects 3 features"):
        MLP(3, [2, 1])([1.0, 2.0])
    with pytest.raises(ShapeError, match="Neuron expects 3 features"):
        Neuron(3)([1.0, 2.0])


def test_every_activation_has_a_name_and_a_function_is_taken_as_it_is():
    x = bg.Tensor([[0.3, -0.2]])
    for name in ACTIVATIONS:
        assert activation_named(name)(x).shape == (1, 2)
    assert activation_named(bg.sin) is bg.sin
    assert activation_named("identity")(x) is x
