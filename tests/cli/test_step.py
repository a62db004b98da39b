"""``baregrad step``: the backward pass of one sample, walked on a terminal, printed elsewhere."""

import io
import os
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
    shown = b""
    while b"q to quit" not in shown and process.poll() is None:
        shown += os.read(typed, 4096)
    assert shown.count(b"step ") < 4  # one step, and the hint
    os.write(typed, b"\x1b[Cq")
    while b"step 2 of" not in shown and process.poll() is None:
        shown += os.read(typed, 4096)
    assert process.wait(timeout=30) == 0


def test_a_model_of_another_kind_is_refused(cli, tmp_path):
    save_model(tmp_path / "model.safetensors", bg.Sequential(bg.Linear(2, 1, seed=0)))
    code, _, err = cli("step", ".")
    assert code == 2
    assert "is no MLP; use bg.stepper in Python" in err
