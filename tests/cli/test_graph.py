"""``baregrad graph``: a model's computation as a drawing."""

from pathlib import Path

import pytest

from baregrad.files.model import save_model
from baregrad.nn.embedding import EmbeddedFeatures
from baregrad.nn.layers import Dropout, Sequential
from baregrad.nn.mlp import MLP


@pytest.fixture
def model(tmp_path):
    save_model(tmp_path / "model.safetensors", MLP(3, [2, 1], seed=0))


def test_the_graph_is_printed_in_dot(cli, model):
    code, out, err = cli("graph", "model.safetensors")
    assert (code, err) == (0, "")
    assert out.startswith("digraph")
    for word in ("layers.0.weight", "layers.1.bias", ">sample<", ">output<", "MLP(3, [2, 1])"):
        assert word in out
    assert "grad<" not in out


def test_the_folder_of_a_run_will_do(cli, model):
    assert cli("graph", ".") == cli("graph", "model.safetensors")


@pytest.mark.parametrize(
    ("zoom", "there", "not_there"),
    [("modules", "parameters", "tanh("), ("scalars", ">sample[0]<", ">layers.0.weight<")],
)
def test_the_zoom_can_be_chosen(cli, model, zoom, there, not_there):
    code, out, _ = cli("graph", ".", "--zoom", zoom)
    assert code == 0
    assert there in out
    assert not_there not in out


def test_a_drawing_that_was_folded_is_said_to_be(cli, tmp_path):
    save_model(tmp_path / "model.safetensors", MLP(40, [40, 1], seed=0))
    code, out, err = cli("graph", ".", "--zoom", "scalars")
    assert code == 0
    assert out.startswith("digraph")
    assert err.startswith("baregrad: folded")


def test_categories_to_embed_are_made_up_too(cli, tmp_path):
    front = EmbeddedFeatures(3, {1: 4}, size=2, seed=0)
    save_model(tmp_path / "model.safetensors", Sequential(front, MLP(4, [1], seed=0)))
    assert cli("graph", ".").out.startswith("digraph")


def test_a_model_of_any_number_of_features_has_no_graph_of_its_own(cli, tmp_path):
    save_model(tmp_path / "model.safetensors", Sequential(Dropout()))
    code, _, err = cli("graph", ".")
    assert (code, "takes any number of features, so none can be made up" in err) == (1, True)


def test_the_graph_goes_to_a_file_if_asked(cli, model):
    printed = cli("graph", ".").out
    assert cli("graph", ".", "--out", "graph.dot") == (0, "", "")
    assert Path("graph.dot").read_text() == printed


def test_the_suffix_chooses_the_format(cli, model):
    pytest.importorskip("pygraphviz")
    assert cli("graph", ".", "--out", "graph.svg").code == 0
    assert "<svg" in Path("graph.svg").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none",), "none cannot be read"),
        ((".", "--out", "graph.gif"), "'.gif'"),
        ((".", "--out", "no/graph.dot"), "no/"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(cli, model, words, said):
    code, out, err = cli("graph", *words)
    assert (code, out) == (1, "")
    assert err.startswith("baregrad: error: ")
    assert said in err
    assert err.count("\n") == 1
