"""``baregrad inspect``: all that a model file holds, as text and as JSON."""

import json

import pytest

import baregrad as bg
from baregrad.files.architecture import described
from baregrad.files.model import load_model, save_model
from baregrad.files.safetensors import load_tensors, save_tensors
from baregrad.nn.layers import Dropout
from baregrad.nn.mlp import MLP

QUICK = ("--epochs", "2", "--hidden", "4", "--quiet")


def test_json_has_all_that_is_in_the_file(cli, tables):
    cli("train", "animals.csv", "--target", "kind", *QUICK)
    code, out, err = cli("inspect", "runs/animals-1", "--json")
    assert (code, err) == (0, "")
    path = tables / "runs" / "animals-1" / "model.safetensors"
    model, _, training = load_model(path)
    found = json.loads(out)
    assert found == {
        "file": "runs/animals-1/model.safetensors",
        "bytes": path.stat().st_size,
        "format_version": "2",
        "baregrad": bg.__version__,
        "parameters": 4 + 4 + 8 + 2,
        "architecture": described(model),
        "tensors": {
            "layers.0.weight": {"dtype": "float32", "shape": [4, 1]},
            "layers.0.bias": {"dtype": "float32", "shape": [4]},
            "layers.1.weight": {"dtype": "float32", "shape": [2, 4]},
            "layers.1.bias": {"dtype": "float32", "shape": [2]},
        },
        "preprocessing": {
            "task": "classification",
            "target": "kind",
            "classes": ["cat", "dog"],
            "columns": {"size": {"kind": "number", "features": ["size"]}},
            "left_out": {},
        },
        "training": training,
    }


def test_text_says_the_same_in_words(cli, tables):
    (tables / "more.csv").write_text("a,same,y\n" + "".join(f"{i},1,{i}.5\n" for i in range(20)))
    cli("train", "more.csv", "--target", "y", *QUICK)
    code, out, err = cli("inspect", "runs/more-1")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("file        runs/more-1/model.safetensors, ")
    assert lines[1:3] == [
        f"written by  baregrad {bg.__version__}, format version 2",
        "numbers     13 parameters, float32",
    ]
    assert "regression of 'y'" in lines
    assert "  a     number, 1 feature" in lines
    assert "  same  left out: its value is the same in all rows" in lines
    assert ["loss", '"mse"'] in [line.split() for line in lines]


def test_a_bare_model_has_no_more_than_its_architecture(cli, tmp_path):
    save_model(tmp_path / "m.safetensors", MLP(2, [1]))
    assert cli("inspect", "m.safetensors").out.splitlines()[-1] == "total" + "3".rjust(30)
    save_model(tmp_path / "d.safetensors", Dropout())
    assert "0 parameters, no tensors" in cli("inspect", "d.safetensors").out


def test_a_long_list_is_cut_off_and_says_so(cli, tmp_path):
    training = {f"setting {i}": "x" * 200 for i in range(30)}
    save_model(tmp_path / "m.safetensors", MLP(2, [1]), training=training)
    out = cli("inspect", "m.safetensors").out
    assert max(map(len, out.splitlines())) < 120
    assert out.splitlines()[-1] == "  ...         5 more; --json has all"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_file_cannot_steer_the_terminal(cli, tmp_path, options):
    path = tmp_path / "m.safetensors"
    save_model(path, MLP(2, [1]), training={"\x1b[2J": "\x1b]0;title\x07\x9b"})
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors, metadata | {"baregrad": "\x1b[31m"})
    out = cli("inspect", "m.safetensors", *options).out
    assert "title" in out
    assert not any(sign in out for sign in "\x1b\x07\x9b")


def test_tensors_without_a_model_are_no_model(cli, tmp_path):
    save_tensors(tmp_path / "t.safetensors", {"x": bg.zeros(3)})
    code, out, err = cli("inspect", "t.safetensors")
    assert (code, out) == (1, "")
    assert "it holds tensors, but no baregrad model; read it with load_tensors" in err
