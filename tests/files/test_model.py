import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import ArgumentError, ModelFileError, ShapeError
from baregrad.files.architecture import described
from baregrad.files.model import load_model, save_model
from baregrad.files.safetensors import load_tensors, save_tensors
from baregrad.nn.embedding import EmbeddedFeatures, Embedding
from baregrad.nn.initializers import orthogonal
from baregrad.nn.layers import Activation, BatchNorm1d, Dropout, LayerNorm, Linear, Sequential
from baregrad.nn.mlp import MLP, Layer
from baregrad.tensor.tensor import Tensor

TABLE = Table({"size": [1, 2, 3, 6], "colour": list("rgrb"), "price": [1.5, 2, 3, 8]})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def saved(path):
    """A valid model file, and a way to change its metadata."""
    save_model(path, MLP(2, [3, 1], seed=0), training={"epochs": 3})
    tensors, metadata = load_tensors(path)

    def changed(**changes):
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in changes.items()}
        kept = {k: v for k, v in (metadata | texts).items() if v != "null"}
        save_tensors(path, tensors, kept)
        return path

    return changed


def architecture(**changes):
    return described(MLP(2, [3, 1])) | changes


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"activation": "relu", "norm": "batch", "dropout": 0.5, "dtype": "float64"},
        {"activation": ["relu", "tanh"], "norm": "layer", "output_activation": "sigmoid"},
    ],
)
def test_a_model_comes_back_and_predicts_the_same(path, settings):
    model = MLP(4, [5, 6, 2], seed=1, **settings)
    x = bg.Generator(2).randn(7, 4)
    model(x)  # moves the running averages of batch normalisation
    save_model(path, model)
    loaded = load_model(path).model
    assert loaded.config() == model.config()
    assert not loaded.training
    assert loaded(x).tolist() == model.eval()(x).tolist()


def test_the_file_suffices_to_predict_from_a_table(path):
    preprocessor = Preprocessor.fit(TABLE, "price")
    model = MLP(preprocessor.inputs, [3, preprocessor.outputs], seed=0)
    save_model(path, model, preprocessor, {"epochs": 3, "lr": 0.1})
    loaded = load_model(path)
    assert loaded.training == {"epochs": 3, "lr": 0.1}
    new = Table({"size": ["4"], "colour": ["g"]})
    expected = preprocessor.predictions(model.eval()(preprocessor.transform(new)))
    found = loaded.preprocessor.predictions(loaded.model(loaded.preprocessor.transform(new)))
    assert found == expected


PARTS = {
    "linear": Linear(4, 2, bias=False, seed=0),
    "layer": Layer(4, 2, "gelu", norm="batch", dropout=0.25, seed=0),
    "dropout": Dropout(0.125),
    "activations": Sequential("gelu", Linear(4, 2, seed=0), bg.tanh, Activation("softmax")),
    "layer norm": LayerNorm(4, epsilon=0.5, dtype="float64"),
    "batch norm": BatchNorm1d(4, epsilon=0, momentum=1),
    "nothing": Sequential(),
    "several": Sequential(
        LayerNorm(4), Sequential(MLP(4, [3, 2], "relu", seed=0), Dropout(0)), Linear(2, 2)
    ),
    "embedded": Sequential(EmbeddedFeatures(4, {3: 9, 1: 5}, size=2, seed=0), Linear(6, 1)),
    "nothing embedded": EmbeddedFeatures(4, {}),
}


@pytest.mark.parametrize("name", PARTS)
def test_every_module_of_the_library_comes_back_and_predicts_the_same(path, name):
    model = PARTS[name].eval()
    save_model(path, model)
    loaded = load_model(path).model
    x = [[0.5, 3.0, -1.0, 2.0], [1.0, 0.0, 7.0, 8.0]]
    assert loaded(x).tolist() == model(x).tolist()
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert described(loaded) == described(model)
    assert not loaded.training


def test_an_embedding_comes_back(path):
    model = Sequential(Embedding(5, 3, seed=0), Linear(3, 1, seed=0))
    save_model(path, model)
    x = bg.Tensor([[4, 0], [1, 2]])
    assert load_model(path).model(x).tolist() == model(x).tolist()


def test_activations_and_initializers_of_the_library_may_be_given_as_functions(path):
    model = MLP(2, [3, 3, 1], [Tensor.relu, "tanh"], bg.sigmoid, initializer=orthogonal, seed=0)
    save_model(path, model)
    config = load_model(path).model.config()
    assert config["activation"] == ["relu", "tanh"]
    assert (config["output_activation"], config["initializer"]) == ("sigmoid", "orthogonal")


def test_an_initializer_of_ones_own_is_not_needed_any_more(path):
    model = MLP(2, [1], initializer=lambda rows, columns, _: bg.ones(rows, columns))
    save_model(path, model)
    loaded = load_model(path).model
    assert loaded.config()["initializer"] is None
    assert loaded([2.0, 3.0]).tolist() == [5.0]


def test_a_model_with_embeddings_predicts_from_a_table(path):
    preprocessor = Preprocessor.fit(TABLE, "price", categories="embedding")
    front = EmbeddedFeatures(preprocessor.inputs, preprocessor.embeddings, 3, seed=0)
    model = Sequential(front, MLP(front.outputs, [4, 1], seed=1))
    save_model(path, model, preprocessor)
    loaded = load_model(path)
    x = loaded.preprocessor.transform(Table({"size": ["4", "5"], "colour": ["g", "new"]}))
    assert loaded.model(x).tolist() == model(x).tolist()


def test_nan_comes_back_as_none_so_that_no_training_is_lost_for_it(path):
    save_model(path, MLP(2, [1]), training={"r2": float("nan"), "all": [float("inf"), 1.5]})
    assert load_model(path).training == {"r2": None, "all": [None, 1.5]}


def test_a_model_may_be_saved_over_the_file_that_it_was_loaded_from(path):
    save_model(path, MLP(2, [3, 1], seed=0))
    loaded = load_model(path).model
    before = loaded([1.0, 2.0]).tolist()
    save_model(path, MLP(2, [3, 1], seed=1))
    assert loaded([1.0, 2.0]).tolist() == before
    save_model(path, loaded)
    assert load_model(path).model([1.0, 2.0]).tolist() == before


def test_without_more_there_is_no_preprocessor_and_nothing_about_training(path):
    save_model(path, MLP(2, [1]))
    assert load_model(path)[1:] == (None, {})


def test_one_output_will_do_for_two_classes(path):
    preprocessor = Preprocessor.fit(Table({"x": [1, 2], "y": ["no", "yes"]}), "y")
    save_model(path, MLP(1, [1]), preprocessor)
    assert load_model(path).preprocessor.classes == ("no", "yes")


def test_loading_draws_nothing_from_the_default_generator(path):
    save_model(path, MLP(2, [3, 1]))
    bg.manual_seed(1)
    expected = bg.rand(3).tolist()
    bg.manual_seed(1)
    load_model(path)
    assert bg.rand(3).tolist() == expected


# --- what cannot be saved ---------------------------------------------------------------------


class Own(MLP):
    """Whoever loads a file does not have this class."""


@pytest.mark.parametrize("model", [Own(2, [1]), Sequential(Linear(2, 1), Own(1, [1]))])
def test_a_class_of_ones_own_cannot_be_saved(path, model):
    with pytest.raises(ArgumentError, match=r"only the library's own modules .* not Own; save its"):
        save_model(path, model)
    assert not path.exists()


def nested():
    inner = {}
    for _ in range(100_000):
        inner = [inner]
    return inner


def test_what_json_cannot_hold_cannot_be_saved(path):
    model = MLP(2, [3, 1], activation=lambda x: x * x)
    with pytest.raises(ArgumentError, match=r"architecture cannot be saved: .*function"):
        save_model(path, model)
    for value in (bg.zeros(1), nested()):
        with pytest.raises(ArgumentError, match="training cannot be saved"):
            save_model(path, MLP(2, [1]), training={"loss": value})
    assert not path.exists()


def changed_activation(model):
    model.layers[0].activation = bg.relu


def changed_dropout(model):
    model.layers[0].dropout.p = 0.25


def another_layer(model):
    model.layers = [*model.layers, Layer(1, 1)]


def another_tensor(model):
    model.temperature = bg.ones(1)


def a_layer_less(model):
    model.layers = model.layers[:1]


CHANGES = [changed_activation, changed_dropout, another_layer, another_tensor, a_layer_less]


@pytest.mark.parametrize("change", CHANGES)
def test_a_model_changed_by_hand_is_refused_rather_than_saved_as_another(path, change):
    model = MLP(2, [3, 1], dropout=0.5, seed=0)
    change(model)
    with pytest.raises(ArgumentError, match=r"the MLP cannot be rebuilt .* as it was changed"):
        save_model(path, model)
    assert not path.exists()


def test_a_layer_that_stands_twice_is_refused_as_its_weights_would_be_doubled(path):
    layer = Linear(2, 2, seed=0)
    with pytest.raises(ArgumentError, match="the Sequential cannot be rebuilt"):
        save_model(path, Sequential(layer, layer))


def test_layers_that_do_not_fit_each_other_are_refused(path):
    with pytest.raises(ShapeError, match="features: a part gives 3, and the next takes 2"):
        save_model(path, Sequential(Linear(2, 3), Dropout(), Linear(2, 1)))


def test_a_preprocessor_must_fit_the_model(path):
    preprocessor = Preprocessor.fit(TABLE, "price")
    with pytest.raises(ArgumentError, match="model has 3 inputs and the preprocessor 4 features"):
        save_model(path, MLP(3, [1]), preprocessor)
    with pytest.raises(ArgumentError, match=r"model has 2 outputs and the .* target needs 1"):
        save_model(path, MLP(4, [2]), preprocessor)


def test_embeddings_of_the_preprocessor_must_be_the_model_s(path):
    preprocessor = Preprocessor.fit(TABLE, "price", categories="embedding")
    with pytest.raises(ArgumentError, match=r"numbers of categories at \{1: 4\}, .* embeds \{\}"):
        save_model(path, MLP(2, [1]), preprocessor)


@pytest.mark.parametrize(
    "model", [MLP(1, [2], output_activation="softmax"), Sequential(Layer(1, 2, "sigmoid"))]
)
def test_probabilities_are_not_saved_as_scores_of_classes(path, model):
    preprocessor = Preprocessor.fit(Table({"x": [1, 2], "y": ["no", "yes"]}), "y")
    with pytest.raises(ArgumentError, match=r"ends in a s.*; make the last activation 'identity'"):
        save_model(path, model, preprocessor)


# --- what is refused --------------------------------------------------------------------------


def test_tensors_alone_are_no_model(path):
    save_tensors(path, {"x": bg.zeros(1)})
    with pytest.raises(ModelFileError, match=r"model.safetensors is not a model.*load_tensors"):
        load_model(path)


def deep_sequence():
    part = {"kind": "Dropout", "p": 0}
    for _ in range(60):
        part = {"kind": "Sequential", "modules": [part]}
    return part


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "3"}, "its version is '3' and this baregrad reads version '2'"),
        ({"version": None}, "'version' is missing"),
        ({"architecture": None}, "'architecture' is missing"),
        ({"training": None}, "'training' is missing"),
        ({"architecture": "{"}, "Expecting property name"),
        ({"architecture": "[" * 100_000}, "nested too deeply"),
        ({"architecture": []}, "not made of JSON objects"),
        ({"training": 3}, "not made of JSON objects"),
        ({"architecture": {}}, "a part that is of no known kind: {}"),
        (
            {"architecture": architecture(inputs=10**9)},
            "has 3000000003 weights in 2 tensors, or mo",
        ),
        ({"architecture": architecture(neurons=[3, 10**9])}, "and it holds 13 in 4"),
        ({"architecture": architecture(inputs="2")}, "is not a model file"),
        ({"architecture": architecture(neurons=3)}, "is not a model file"),
        ({"architecture": architecture(neurons=[-3, 1])}, "must be integers from 1 to"),
        ({"architecture": architecture(inputs=float("nan"))}, "NaN is not a finite number"),
        (
            {"architecture": architecture(neurons=[2, 1])},
            r"0.bias' has shape \(3,\), and that .* \(2,\)",
        ),
        ({"architecture": architecture(neurons=[1])}, "0.bias' has shape"),
        (
            {"architecture": architecture(activation="tanhh")},
            "unknown activation 'tanhh'; did you mean 'tanh'",
        ),
        ({"architecture": architecture(activation={})}, "is not a model file"),
        ({"architecture": architecture(colour=1)}, "unexpected keyword argument 'colour'"),
        ({"architecture": architecture(seed=1)}, "multiple values for keyword argument 'seed'"),
        ({"architecture": architecture(neurons=["3" * 99, 10**10])}, "integers from 1 to .*, not"),
        ({"architecture": architecture(initializer="he")}, "unknown initializer 'he'"),
        ({"architecture": architecture(activation="x" * 10**6)}, "a text of more than 1000000 let"),
        ({"architecture": architecture(activation="x" * 10**5)}, r"unknown activation 'x+ \.\.\.$"),
        ({"architecture": deep_sequence()}, "a part that is of no known kind"),
        ({"architecture": '{"kind": "MLP", "kind": "MLP"}'}, "a name stands twice"),
        ({"architecture": '{"kind": "\\ud800"}'}, "surrogates not allowed"),
        ({"training": '{"r2": 1e999}'}, "1e999 is not a finite number"),
        ({"preprocessor": {}}, "the state of the preprocessor is damaged"),
        ({"preprocessor": Preprocessor.fit(TABLE, "price").state()}, "the preprocessor 4 features"),
    ],
)
def test_a_file_whose_parts_are_wrong_is_refused(saved, changes, message):
    with pytest.raises(ModelFileError, match=message):
        load_model(saved(**changes))


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        (LayerNorm(2), {"epsilon": "x"}, "of no known kind"),
        (LayerNorm(2), {"epsilon": -1.0}, "of no known kind"),
        (LayerNorm(2), {"features": 3}, "'bias' has shape"),
        (BatchNorm1d(2), {"momentum": "x"}, "of no known kind"),
        (Activation("relu"), {"activation": ["tanh"]}, "unknown activation"),
        (Activation("relu"), {"activation": "rellu"}, "did you mean 'relu'"),
        (Dropout(), {"p": 1}, "dropout probability must be"),
        (Dropout(), {"generator": 3}, "arguments of no meaning"),
        (Linear(2, 1), {"stream": 3}, "arguments of no meaning"),
        (Linear(2, 1), {"outputs": True}, "sizes must be integers"),
        (Linear(2, 1), {"dtype": "int64"}, "parameters must be float32"),
        (Sequential(), {"modules": [{"kind": "Module"}]}, "of no known kind"),
        (EmbeddedFeatures(2, {0: 3}), {"counts": [[5, 3]]}, "there is no feature 5 to embed"),
        (EmbeddedFeatures(2, {0: 3}), {"counts": [[0, 10**12]]}, "weights in 1 tensors, or more"),
        (EmbeddedFeatures(2, {0: 3}), {"counts": [0]}, "is not a model file that can be used"),
        (Embedding(3), {"count": 4}, "weights in 1 tensors, or more"),
    ],
)
def test_arguments_that_no_module_has_are_refused(path, model, changes, message):
    save_model(path, model)
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors, metadata | {"architecture": json.dumps(described(model) | changes)})
    with pytest.raises(ModelFileError, match=message):
        load_model(path)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats()
    | st.sampled_from(["relu", "batch"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@given(st.sampled_from(sorted(architecture())), JSON)
def test_any_architecture_is_read_or_refused(tmp_path_factory, key, value):
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    save_model(path, MLP(2, [3, 1], seed=0))
    tensors, metadata = load_tensors(path)
    metadata["architecture"] = json.dumps(architecture(**{key: value}))
    save_tensors(path, tensors, metadata)
    try:
        assert isinstance(load_model(path).model, MLP)
    except ModelFileError:
        return


def test_a_file_says_which_version_of_the_library_wrote_it(saved):
    _, metadata = load_tensors(saved())
    assert metadata["baregrad"] == bg.__version__
