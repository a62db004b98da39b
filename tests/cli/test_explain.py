"""``baregrad explain``: a training step, or a model's prediction, from values to machine code."""

import pytest

import baregrad as bg
from baregrad.files.model import save_model
from baregrad.machine.errors import UnsupportedMachineError
from baregrad.nn.mlp import MLP


@pytest.fixture
def model(tmp_path):
    save_model(tmp_path / "model.safetensors", MLP(4, [3, 2], seed=0, dropout=0.5))


@pytest.fixture(autouse=True)
def without_machine_code(monkeypatch):
    """Most of these tests are of what is the same everywhere, and sooner done without it."""

    def refuse():
        raise UnsupportedMachineError("not this processor")

    monkeypatch.setattr("baregrad.compiler.explain.chosen_target", refuse)


HEADINGS = ["Program: ", "Kernels: ", "Memory: ", "Vector code: ", "Machine code: "]


def headings(text):
    return [line for line in text.splitlines() if line and not line.startswith(" ")]


def test_every_stage_of_a_small_step_is_shown(cli):
    code, out, err = cli("explain", "--full")
    assert (code, err) == (0, "")
    for line, heading in zip(headings(out), HEADINGS, strict=True):
        assert line.startswith(heading)
    assert "'layers.1.bias' becomes %" in out  # it is a training step


def test_where_there_is_no_machine_code_the_reason_is_told(cli):
    code, out, _ = cli("explain", "--stage", "machine", "--stage", "vector")
    reason = "none: not this processor; the step runs as Python"
    assert (code, out) == (0, f"Machine code: {reason}\n\nVector code: {reason}\n")


def test_network_loss_optimizer_and_batch_can_be_chosen(cli):
    words = ["--layers", "5,4,3", "--activation", "relu", "--loss", "cross_entropy"]
    words += ["--optimizer", "adam", "--batch", "7", "--stage", "graph", "--full"]
    code, out, _ = cli("explain", *words)
    assert code == 0
    assert "input 'argument 0': 7 × 5 float32" in out
    assert "input 'argument 1': 7 int64" in out
    assert "sqrt(" in out  # Adam's
    assert "tanh(" not in out


@pytest.mark.parametrize("loss", sorted(bg.losses.LOSSES))
def test_every_loss_has_examples(cli, loss):
    words = ["--layers", "2,2", "--loss", loss, "--stage", "graph"]
    assert cli("explain", *words).code == 0


def test_long_stages_are_shortened_unless_asked(cli):
    short, full = (
        cli("explain", "--layers", "2,3,3,1", "--stage", "kernels", *words).out
        for words in ((), ("--full",))
    )
    assert "lines more" in short
    assert "lines more" not in full
    assert len(full.splitlines()) > len(short.splitlines())


def test_a_model_s_prediction_is_explained(cli, model):
    code, out, _ = cli("explain", "model.safetensors", "--batch", "6", "--stage", "graph")
    assert code == 0
    assert "input 'argument 0': 6 × 4 float32" in out
    assert "becomes" not in out
    assert "uniform" not in out  # a prediction drops nothing
    assert cli("explain", ".", "--batch", "6", "--stage", "graph").out == out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none",), 1, "none cannot be read"),
        ((".", "--layers", "2,1"), 2, "give either MODEL or --layers"),
        ((".", "--loss", "mse"), 2, "give either MODEL or --loss"),
        (("--layers", "2"), 2, "--layers 2: give the number of inputs and then"),
        (("--layers", "2,x"), 2, "layer sizes"),
        (("--loss", "mze"), 2, "did you mean 'mse'?"),
        (("--activation", "rellu"), 2, "did you mean 'relu'?"),
        (("--stage", "kernel"), 1, "did you mean 'kernels'?"),
        (("--optimizer", "lbfgs"), 2, "cannot be compiled"),
    ],
)
def test_what_cannot_be_explained_is_an_error_in_one_line(cli, model, words, code, said):
    found = cli("explain", *words)
    assert (found.code, found.out) == (code, "")
    assert found.err.startswith("baregrad: error: ")
    assert said in found.err
    assert found.err.count("\n") == 1
