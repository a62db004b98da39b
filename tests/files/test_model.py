import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import ArgumentError, ModelFileError
from baregrad.files.model import load_model, save_model
from baregrad.files.safetensors import load_tensors, save_tensors
from baregrad.nn.layers import Linear
from baregrad.nn.mlp import MLP

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
    return MLP(2, [3, 1]).config() | changes


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


def test_only_an_mlp_can_be_saved(path):
    with pytest.raises(ArgumentError, match="only an MLP can be rebuilt from a file, not Linear"):
        save_model(path, Linear(2, 1))


def test_a_function_of_ones_own_cannot_be_saved(path):
    model = MLP(2, [3, 1], activation=lambda x: x * x)
    with pytest.raises(ArgumentError, match=r"architecture cannot be saved: .*function"):
        save_model(path, model)
    with pytest.raises(ArgumentError, match="training cannot be saved"):
        save_model(path, MLP(2, [1]), training={"loss": bg.zeros(1)})
    assert not path.exists()


def test_a_preprocessor_must_fit_the_model(path):
    preprocessor = Preprocessor.fit(TABLE, "price")
    with pytest.raises(ArgumentError, match="model has 3 inputs and the preprocessor 4 features"):
        save_model(path, MLP(3, [1]), preprocessor)
    with pytest.raises(ArgumentError, match=r"model has 2 outputs and the .* target needs 1"):
        save_model(path, MLP(4, [2]), preprocessor)


# --- what is refused --------------------------------------------------------------------------


def test_tensors_alone_are_no_model(path):
    save_tensors(path, {"x": bg.zeros(1)})
    with pytest.raises(ModelFileError, match=r"model.safetensors is not a model.*load_tensors"):
        load_model(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "2"}, "its version is '2' and this baregrad reads version '1'"),
        ({"version": None}, "'version' is missing"),
        ({"architecture": None}, "'architecture' is missing"),
        ({"training": None}, "'training' is missing"),
        ({"architecture": "{"}, "Expecting property name"),
        ({"architecture": "[" * 100_000}, "nested too deeply"),
        ({"architecture": []}, "not made of JSON objects"),
        ({"training": 3}, "not made of JSON objects"),
        ({"architecture": {}}, "'inputs' is missing"),
        ({"architecture": architecture(inputs=10**9)}, "has 3000000003 weights or more, and it ho"),
        ({"architecture": architecture(neurons=[3, 10**9])}, "weights or more"),
        ({"architecture": architecture(inputs="2")}, "is not a model file"),
        ({"architecture": architecture(neurons=3)}, "is not a model file"),
        ({"architecture": architecture(neurons=[-3, 1])}, "must be an integer of at least 1"),
        ({"architecture": architecture(inputs=float("nan"))}, "weights or more"),
        ({"architecture": architecture(neurons=[2, 1])}, "has shape"),
        ({"architecture": architecture(neurons=[1])}, "does not fit this MLP"),
        ({"architecture": architecture(activation="tanhh")}, "unknown activation 'tanhh'"),
        ({"architecture": architecture(activation={})}, "is not a model file"),
        ({"architecture": architecture(colour=1)}, "unexpected keyword argument 'colour'"),
        ({"architecture": architecture(seed=1)}, "multiple values for keyword argument 'seed'"),
        ({"preprocessor": {}}, "the state of the preprocessor is damaged"),
        ({"preprocessor": Preprocessor.fit(TABLE, "price").state()}, "the preprocessor 4 features"),
    ],
)
def test_a_file_whose_parts_are_wrong_is_refused(saved, changes, message):
    with pytest.raises(ModelFileError, match=message):
        load_model(saved(**changes))


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
