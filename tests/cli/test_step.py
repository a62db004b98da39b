"""``baregrad step``: the backward pass of one sample, walked on a terminal, printed elsewhere."""

import io
import os
import select
import subprocess
import sys
from itertools import islice

import pytest

import baregrad as bg
from baregrad.cli.step import LEFT, RIGHT, keys, walk
from baregrad.data.preprocess import Preprocessor
from baregrad.data.read import read_table
from baregrad.files.model import save_model
from baregrad.nn.mlp import MLP
from baregrad.view.stepper import stepper


def heads(text):
    return [line for line in text.splitlines() if line.startswith("step ")]


def square():
    x = bg.Tensor(3.0, requires_grad=True)
    return stepper((x * x).tanh() + 1)  # 3 steps


# --- elsewhere than on a terminal ---------------------------------------------------------------


def test_every_step_is_printed(cli):
    code, out, err = cli("step")
    assert (code, err) == (0, "")
    shown = heads(out)
    assert shown[0].startswith(f"step 1 of {len(shown)}: ")
    assert shown[-1].startswith(f"step {len(shown)} of {len(shown)}: ")
    assert "'layers.0.weight'" in out
    assert "∂L/∂x = ∂L/∂y · (1 − y²)" in out
    assert "losses.py:" in out  # source lines


def test_the_network_its_input_and_its_target_can_be_chosen(cli):
    out = cli("step", "--layers", "1,1", "--row=-2", "--target", "0.25").out
    weight = MLP(1, [1], seed=0).layers[0].weight.item()
    assert "[-2]" in out
    assert "0.25" in out
    error = -2 * weight - 0.25
    assert f"∂L/∂z = {error:.4g}"[:12] in out or f"{2 * error:.4g}" in out


def test_a_saved_model_will_do(cli, tmp_path):
    save_model(tmp_path / "model.safetensors", MLP(3, [2, 2], seed=0))
    out = cli("step", ".", "--row", "1,2,3", "--target", "0,1").out
    assert "[1, 2, 3]" in out


def classifier(tables, outputs):
    table = read_table(tables / "animals.csv")
    preprocessor = Preprocessor.fit(table, "kind")
    save_model(tables / "model.safetensors", MLP(1, [outputs], seed=0), preprocessor)


def test_a_classifier_has_its_own_loss_and_its_target_is_a_class(cli, tables):
    classifier(tables, 2)
    assert "exp" in cli("step", ".", "--target", "1").out
    code, _, err = cli("step", ".", "--target", "2")
    assert code == 2
    assert "a class is a number from 0 to 1" in err


def test_a_classifier_of_one_logit_has_a_probability_as_its_target(cli, tables):
    classifier(tables, 1)
    assert "softplus" in cli("step", ".", "--target", "1").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--row", "1"), "--row: the network needs 2 numbers, not 1"),
        (("--row", "1,x"), "must be numbers with commas between"),
        (("--row", "1,inf"), "must be numbers with commas between"),
        (("--target", "1,2"), "--target: the network needs 1 numbers, not 2"),
        (("--layers", "3"), "give the inputs, then each layer's size"),
        ((".", "--layers", "3,1"), "give either MODEL or --layers"),
    ],
)
def test_what_does_not_fit_is_wrong_usage(cli, words, said):
    code, out, err = cli("step", *words)
    assert (code, out) == (2, "")
    assert said in err


# --- on a terminal ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pressed", "seen"),
    [
        ("\nq\n", [1, 2]),
        ([RIGHT, " ", LEFT, "b", "b", "x", "n"], [1, 2, 3, 2, 1, 2]),
        ("\n\n\n\n", [1, 2, 3]),  # beyond the last it is done
        ("\x04\n", [1]),
    ],
)
def test_keys_lead_from_step_to_step(capsys, pressed, seen):
    walk(square(), pressed)
    out = capsys.readouterr().out
    assert [int(line.split()[1]) for line in heads(out)] == seen
    assert "Enter or → for the next step" in out


def test_where_there_are_no_single_keys_lines_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "termios", None)
    monkeypatch.setattr(sys, "stdin", io.StringIO("\nb\n q \n"))
    assert list(keys()) == ["\n", "b", "q"]


@pytest.fixture
def pseudo_terminal():
    """The two ends of one: what is typed, and what the program sees."""
    pty = pytest.importorskip("pty")
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def read_until(text, terminal):
    """What a program shows, up to this text."""
    shown = b""
    while text not in shown:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, f"no more than {shown!r}"
        shown += os.read(terminal, 4096)
    return shown


def test_keys_are_read_as_they_are_pressed_and_the_terminal_is_put_right(
    pseudo_terminal, monkeypatch
):
    import termios

    typed, seen = pseudo_terminal
    before = termios.tcgetattr(seen)
    with open(seen, closefd=False) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        pressed = keys()
        os.write(typed, b"\x1b[C")
        first = next(pressed)
        os.write(typed, b"b\x1b[Dq")
        assert [first, *islice(pressed, 3)] == [RIGHT, "b", LEFT, "q"]
        pressed.close()
    assert termios.tcgetattr(seen) == before


def test_the_command_walks_on_a_terminal(pseudo_terminal):
    typed, seen = pseudo_terminal
    process = subprocess.Popen(
        [sys.executable, "-m", "baregrad", "step", "--layers", "1,1"],
        stdin=seen,
        stdout=seen,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    shown = read_until(b"q to quit", typed)
    assert shown.count(b"step ") < 4  # one step, and the hint
    os.write(typed, b"\x1b[Cq")
    read_until(b"step 2 of", typed)
    assert process.wait(timeout=120) == 0


def test_a_model_of_any_kind_will_do(cli, tmp_path):
    layers = bg.Linear(2, 3, seed=0), bg.LayerNorm(3), bg.Linear(3, 1, seed=1)
    save_model(tmp_path / "model.safetensors", bg.Sequential(*layers))
    assert "mean" in cli("step", ".").out
    code, _, err = cli("step", ".", "--row", "1,2,3")
    assert (code, "--row: the network needs 2 numbers, not 3" in err) == (2, True)


def test_a_model_that_embeds_categories_is_given_a_batch(cli, tmp_path):
    model = bg.Sequential(bg.EmbeddedFeatures(2, {1: 4}, seed=0), bg.Linear(3, 1, seed=0))
    inputs = model[0].outputs
    model = bg.Sequential(model[0], bg.Linear(inputs, 1, seed=0))
    save_model(tmp_path / "model.safetensors", model)
    for words in ((), ("--row", "0.5,3")):
        code, out, err = cli("step", ".", *words)
        assert (code, err) == (0, "")
        assert "take" in out


# --- a row of a table ---------------------------------------------------------------------------


def fitted(tables, target, outputs, **training):
    """A model for the table of animals in the folder."""
    table = read_table(tables / "animals.csv")
    preprocessor = Preprocessor.fit(table, target)
    model = MLP(preprocessor.inputs, [outputs], seed=0)
    save_model(tables / "model.safetensors", model, preprocessor, training)
    return table, preprocessor, model


@pytest.mark.parametrize(
    ("target", "outputs", "loss"),
    [("kind", 2, "cross_entropy"), ("kind", 1, "binary_cross_entropy"), ("size", 1, "huber")],
)
def test_a_row_of_a_table_is_read_as_the_model_does(cli, tables, target, outputs, loss):
    table, preprocessor, model = fitted(tables, target, outputs, loss=loss)
    row = table.take([1])
    y = preprocessor.target(row)
    y = y.reshape(-1, 1).astype("float32") if loss == "binary_cross_entropy" else y
    expected = bg.losses.LOSSES[loss](model(preprocessor.transform(row)), y).item()
    code, out, err = cli("step", ".", "animals.csv", "--number", "2")
    assert (code, err) == (0, "")
    assert f"z = {expected:.4g}" in out.split("arriving")[0]


def test_without_a_saved_loss_the_usual_one_is_walked_through(cli, tables):
    fitted(tables, "size", 1)
    assert "multiply" in cli("step", ".", "animals.csv").out  # of the error by itself


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((".", "animals.csv", "--number", "99"), 2, "rows, no 99"),
        ((".", "animals.csv", "--row", "1"), 2, "--row and --target are in FILE.csv"),
        ((".", "--number", "1"), 2, "--number is of a row of FILE.csv"),
        ((".", "bare.csv"), 1, "lacks the target 'kind'"),
    ],
)
def test_what_does_not_fit_a_table_is_said(cli, tables, words, code, said):
    fitted(tables, "kind", 2)
    (tables / "bare.csv").write_text("weight\n1\n2\n")
    result = cli("step", *words)
    assert (result.code, said in result.err) == (code, True)


def test_a_model_without_a_preprocessor_reads_no_tables(cli, tables):
    save_model(tables / "model.safetensors", MLP(1, [1], seed=0))
    result = cli("step", ".", "animals.csv")
    assert (result.code, "has no preprocessor" in result.err) == (1, True)
