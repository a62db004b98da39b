"""Exit codes, and errors in one line on standard error."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import baregrad
from baregrad import __main__
from baregrad.cli import datasets, main
from baregrad.cli.main import message
from baregrad.files.model import save_model
from baregrad.nn.mlp import MLP

ROOT = Path(baregrad.__file__).parents[1]
COMMANDS = ["train", "predict", "evaluate", "inspect", "graph", "explain", "step", "datasets"]


def in_a_process(*words, folder, options=(), **environment):
    """``python -m baregrad``, from another folder than that of the source."""
    return subprocess.run(
        [sys.executable, *options, "-m", "baregrad", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def failing_with(error):
    def run(arguments):
        raise error

    return run


def test_version_is_the_package_s(cli):
    assert cli("--version") == (0, f"baregrad {baregrad.__version__}\n", "")


def test_help_lists_the_commands(cli):
    code, out, err = cli("--help")
    assert (code, err) == (0, "")
    for command in COMMANDS:
        assert command in out


def test_no_command_is_answered_with_the_help(cli):
    assert cli() == (2, "", cli("--help").out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli, command):
    code, out, err = cli(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: baregrad {command}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fit",), "invalid choice: 'fit'"),
        (("train", "--foo"), "unrecognized arguments: --foo"),
        (
            ("train", "--epoch", "3"),
            "--epoch; did you mean --epochs? (see baregrad train --help)",
        ),
        (("predict", "m", "t.csv", "u.csv"), "arguments: u.csv (see baregrad predict --help)"),
        (("--quick", "train"), "unrecognized arguments: --quick (see baregrad --help)"),
        (("predict",), "the following arguments are required: MODEL, FILE.csv"),
        (("graph", "model", "--zoom", "atoms"), "invalid choice: 'atoms'"),
        (("train", "--lr", "-1"), "argument --lr: must be a number above 0, not '-1'"),
        (("train", "--lr", "inf"), "--lr: must be a number above 0"),
        (("train", "--lr", "fast"), "--lr: must be a number above 0, not 'fast'"),
        (("train", "--batch-size", "0"), "--batch-size: must be an integer of 1 or more, not '0'"),
        (("train", "--epochs", "1.5"), "--epochs: must be an integer of 1 or more, not '1.5'"),
        (("train", "--seed", "-1"), "--seed: must be an integer from 0 to 2**64 - 1, not '-1'"),
        (("train", "--seed", 2**64), "--seed: must be an integer from 0 to 2**64 - 1"),
        (("train", "--skip-rows", "-1"), "--skip-rows: must be an integer of 0 or more"),
        (("train", "--hidden", "0"), "--hidden: must be layer sizes of 1 or more"),
        (("train", "--hidden", "16,x"), "not '16,x'"),
        (("train", "--hidden", ""), "--hidden: must be layer sizes"),
        (("train", "--validation", "1"), "--validation: must be a number from 0 up to but without"),
        (("train", "--validation", "-0.1"), "not '-0.1'"),
        (("train", "--validation", "nan"), "not 'nan'"),
        (("train", "--optimizer", "adm"), "unknown optimizer 'adm'; did you mean 'adam'?"),
        (("train", "--activation", "tanh,rely"), "unknown activation 'rely'; did you mean 'relu'?"),
        (("train", "--loss", "msee"), "unknown loss 'msee'; did you mean 'mse'?"),
        (("train", "--dataset", "moon"), "unknown data set 'moon'; did you mean 'moons'?"),
        (("train", "--task", "guess"), "invalid choice: 'guess'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(cli, words, said):
    code, out, err = cli(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("baregrad: error: ")
    assert err.endswith("--help)\n")
    assert err.count("\n") == 1


def test_an_error_is_one_line_and_exit_code_1(cli, monkeypatch):
    monkeypatch.setattr(datasets, "run", failing_with(baregrad.DataError("no rows\nin it")))
    assert cli("datasets") == (1, "", "baregrad: error: no rows in it\n")


def test_debug_shows_the_traceback_too(cli, monkeypatch):
    monkeypatch.setattr(datasets, "run", failing_with(baregrad.DataError("no rows")))
    code, _, err = cli("datasets", "--debug")
    assert code == 1
    assert err.startswith("Traceback")
    assert err.endswith("baregrad: error: no rows\n")


def test_ctrl_c_ends_a_command_with_exit_code_130(cli, monkeypatch):
    monkeypatch.setattr(datasets, "run", failing_with(KeyboardInterrupt()))
    assert cli("datasets") == (130, "", "baregrad: interrupted\n")


def test_ctrl_c_during_imports_is_quiet(monkeypatch, capsys):
    class Importing:
        @property
        def main(self):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "baregrad.cli.main", Importing())
    assert __main__.main() == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (FileNotFoundError(2, "No such file", "a.csv"), "a.csv: No such file"),
        (OSError(28, "No space left"), "No space left"),
        (MemoryError(), "out of memory; use a smaller network or less data"),
        (
            UnicodeEncodeError("ascii", "é", 0, 1, "not in range"),
            "'ascii' codec can't encode character '\\xe9' in position 0: not in range; set "
            "PYTHONUTF8=1, or write to a file with --out",
        ),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero; --debug shows where"),
    ],
)
def test_errors_that_are_not_baregrad_s_are_explained(error, line):
    assert message(error) == line


def test_a_reader_that_has_had_enough_is_no_error(monkeypatch, tmp_path, capsys):
    with open(tmp_path / "pipe", "w+") as pipe:
        monkeypatch.setattr(datasets, "run", failing_with(BrokenPipeError()))
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main.main(["datasets"]) == 0
        print("more", file=pipe, flush=True)  # goes nowhere
    assert (tmp_path / "pipe").read_text() == ""
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [("datasets",), ("graph", "m", "--zoom", "scalars")])
def test_an_output_that_is_full_is_an_error_said_once(tmp_path, words):
    save_model(tmp_path / "m", MLP(9, [9, 1], seed=0))  # its graph is longer than a buffer
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "baregrad", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 1
    assert re.fullmatch("baregrad: error: .*No space left on device\n", process.stderr)


def test_an_error_cannot_steer_the_terminal(cli, monkeypatch):
    monkeypatch.setattr(datasets, "run", failing_with(baregrad.DataError("\x1b[2J é")))
    assert cli("datasets") == (1, "", "baregrad: error: \\x1b[2J é\n")


def test_a_closed_pipe_is_quiet(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "baregrad", "datasets"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_a_fresh_clone_trains_with_the_standard_library_alone(tmp_path):
    words = ("train", "--dataset", "xor", "--epochs", "1", "--hidden", "2")
    done = in_a_process(*words, folder=tmp_path, options=["-S"], PATH="")
    assert done.returncode == 0, done.stderr
    assert "epoch 1/1  loss" in done.stderr
    assert "graph.svg          not drawn: " in done.stdout
    assert "python3 -m baregrad predict runs/xor-1" in done.stdout
    files = {path.name for path in (tmp_path / "runs" / "xor-1").iterdir()}
    assert files == {"model.safetensors", "config.toml", "history.csv", "graph.dot"}


def test_help_imports_no_training(tmp_path):
    script = (
        "import sys\nfrom baregrad.cli.main import main\nmain(['--help'])\n"
        "print('baregrad.training.loop' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "False\n"


def test_the_package_runs_as_a_module(monkeypatch, capsys):
    import runpy

    monkeypatch.setattr(sys, "argv", ["baregrad", "datasets"])
    monkeypatch.delitem(sys.modules, "baregrad.__main__")  # imported above, as another module
    with pytest.raises(SystemExit) as exit:
        runpy.run_module("baregrad", run_name="__main__")
    assert exit.value.code == 0
    assert capsys.readouterr().out.startswith("linear")


def test_datasets_are_listed_with_task_and_description(cli):
    from baregrad.data.synthetic import DATASETS

    code, out, err = cli("datasets")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == list(DATASETS)
    for line, recipe in zip(lines, DATASETS.values(), strict=True):
        assert line.split()[1] == recipe.task
        assert line.endswith(recipe.description)
