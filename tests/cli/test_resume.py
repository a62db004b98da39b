"""``baregrad train``: ``--config``, ``--resume``, ``--time-limit``, and Ctrl-C pressed twice."""

import os
import shutil
import signal
import tomllib
from contextlib import nullcontext
from pathlib import Path

import pytest

import baregrad
from baregrad.cli import train
from baregrad.cli.main import main
from baregrad.files.model import load_model
from baregrad.training.run import Callback

QUICK = ("--epochs", "3", "--hidden", "2", "--no-report", "--quiet")


class At(Callback):
    """Does something after a step."""

    def __init__(self, step, action):
        self.step, self.action = step, action

    def on_steps(self, run):
        if run.step == self.step:
            self.action()


@pytest.fixture
def at(monkeypatch):
    """``at(step, action)``: does something in the trainings that follow."""

    def set_up(step, action):
        monkeypatch.setattr(train, "shown_progress", lambda quiet: nullcontext([At(step, action)]))

    return set_up


def fail():
    raise baregrad.FileWriteError("no space left")


def press():
    signal.raise_signal(signal.SIGINT)


def press_twice():
    press()
    press()


def files(folder):
    return {path.name: path.read_bytes() for path in Path(folder).glob("*.*") if path.is_file()}


# --- a file of settings ---------------------------------------------------------------------------


def test_the_file_in_a_run_s_folder_repeats_it_exactly(cli, tables):
    words = ("--hidden", "3,2", "--activation", "relu,tanh", "--lr", "0.1", "--seed", "5")
    more = ("--optimizer", "sgd", "--loss", "huber", "--no-header", "--skip-rows", "1")
    names = ("--target", "column_3", "--ignore", "column_1", "--validation", "0.3")
    assert (
        cli("train", tables / "points.csv", *QUICK, *names, *words, *more, "--out", "one").code == 0
    )
    assert cli("train", "--config", "one/config.toml", "--out", "two", "--quiet").code == 0
    assert files("one") == files("two")
    settings = tomllib.loads(Path("one/config.toml").read_text())
    assert settings["file"] == str(tables / "points.csv")
    assert settings["hidden"] == [3, 2]
    assert settings["lr"] == 0.1
    assert settings["header"] is False


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_what_was_chosen_to_suit_a_table_is_in_the_file(cli, tables, optimizer):
    words = ("--target", "kind", "--epochs", "3", "--optimizer", optimizer, "--no-report")
    cli("train", tables / "animals.csv", *words, "--out", "one", "--quiet")
    found = tomllib.loads(Path("one/config.toml").read_text())
    suitable = {"adam": (0.3, 0.3 / 16, "one_cycle"), "lbfgs": (0.0, 0.0, "constant")}
    assert (found["dropout"], found["weight-decay"], found["schedule"]) == suitable[optimizer]
    assert (found["hidden"], found["label-smoothing"]) == ([100], 0.05)
    assert cli("train", "--config", "one/config.toml", "--out", "two", "--quiet").code == 0
    assert files("one") == files("two")


def test_what_is_typed_comes_before_what_is_in_the_file(cli, tables):
    Path("c.toml").write_text('dataset = "xor"\nepochs = 2\nhidden = 3\n')
    assert cli("train", "points.csv", "--target", "y", "--config", "c.toml", *QUICK).code == 0
    settings = tomllib.loads(Path("runs/points-1/config.toml").read_text())
    assert (settings["epochs"], settings["hidden"]) == (3, [2])
    assert "dataset" not in settings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("epochs = ", "c.toml is not a TOML file: Invalid value"),
        ("epoch = 3", "c.toml: unknown option 'epoch'; did you mean 'epochs'?"),
        ("epochs = 0", "c.toml: epochs must be an integer of 1 or more, not '0'"),
        ("epochs = true", "c.toml: epochs must be a text or number, or a list of them, not True"),
        ("hidden = [[1]]", "c.toml: hidden must be a text or number, or a list"),
        ("header = 1", "c.toml: header must be true or false, not 1"),
        ('task = "sorting"', "c.toml: task must be one of regression, classification, not"),
        ('out = "x"', "c.toml: unknown option 'out'"),
        ("a = 1\na = 2", "c.toml is not a TOML file: Cannot overwrite a value"),
        ("a = " + "[" * 10_000, "c.toml is not a TOML file: "),
        ("\udcff", "c.toml is not a TOML file: 'utf-8' codec"),
        (None, "c.toml cannot be read: No such file or directory"),
    ],
)
def test_a_bad_file_of_settings_is_wrong_usage(cli, tmp_path, content, said):
    if content is not None:
        (tmp_path / "c.toml").write_text(content, encoding="utf-8", errors="surrogateescape")
    code, out, err = cli("train", "--config", "c.toml")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not Path("runs").exists()


def test_texts_of_any_kind_come_back(cli, tmp_path):
    name = 'a "b"\\ é\U0001f600\x7f.csv'
    rows = "".join(f"{i},{i * i}.5\n" for i in range(20))
    (tmp_path / name).write_text("a,y\n" + rows)
    assert cli("train", tmp_path / name, "--target", "y", *QUICK, "--out", "one").code == 0
    assert tomllib.loads(Path("one/config.toml").read_text())["file"] == str(tmp_path / name)
    assert cli("train", "--config", "one/config.toml", "--out", "two", "--quiet").code == 0
    assert files("one") == files("two")


# --- going on -------------------------------------------------------------------------------------


def test_an_interrupted_run_goes_on_and_ends_as_if_it_had_not_been(cli, at):
    cli("train", *QUICK, "--out", "whole")
    at(20, press)
    code, out, _ = cli("train", *QUICK[:-1], "--out", "run")
    assert code == 130
    assert "note      interrupted by Ctrl-C, in epoch 2 of 3" in out
    assert "train --resume run" in out
    assert load_model("run/model.safetensors").model([0.0]).shape == (1,)
    at(0, None)
    code, out, _ = cli("train", "--resume", "run")
    assert code == 0
    assert "note      taken up at step 20 from a checkpoint" in out
    assert files("run") == files("whole")
    assert not Path("run/checkpoint").exists()


def test_a_second_ctrl_c_leaves_at_once_and_the_run_goes_on_too(cli, at):
    cli("train", *QUICK, "--out", "whole")
    at(20, press_twice)
    code, out, err = cli("train", *QUICK, "--out", "run")
    assert (code, out) == (130, "")
    assert err == "baregrad train --resume run goes on with this run\nbaregrad: interrupted\n"
    assert sorted(os.listdir("run")) == ["checkpoint", "config.toml"]
    at(0, None)
    assert cli("train", "--resume", "run", "--quiet") == (0, "", "")
    assert files("run") == files("whole")


def test_a_time_limit_ends_a_run_that_can_go_on(cli):
    cli("train", *QUICK, "--out", "whole")
    code, out, _ = cli("train", *QUICK[:-1], "--out", "run", "--time-limit", "1e-9")
    assert code == 0
    assert "note      the time limit of 1e-09 s is reached, in epoch 1 of 3" in out
    assert cli("train", "--resume", "run", "--quiet").code == 0
    assert files("run") == files("whole")


def test_a_damaged_checkpoint_is_said(cli, at):
    cli("train", *QUICK, "--out", "whole")
    at(20, press)
    cli("train", *QUICK, "--out", "run")
    newest = Path("run/checkpoint/checkpoint-1.safetensors")
    newest.write_bytes(newest.read_bytes()[:-9])
    at(0, None)
    code, out, err = cli("train", "--resume", "run")
    assert (code, err) == (0, "")
    assert "taken up at step 0 from a checkpoint, the one before the newest, as " in out
    assert files("run") == files("whole")


def test_a_disk_that_fills_up_leaves_what_can_go_on(cli, at):
    at(20, fail)
    assert cli("train", *QUICK, "--out", "run") == (1, "", "baregrad: error: no space left\n")
    at(0, None)
    assert cli("train", "--resume", "run", "--quiet") == (0, "", "")


CANNOT_GO_ON = [
    (("--resume", "none"), 2, "none/config.toml cannot be read: No such file"),
    (("--resume", "done"), 1, "done has no checkpoint to go on from: its run is complete"),
    (("--resume", "run", "--out", "x"), 2, "--resume goes with neither --config nor --out"),
    (("--resume", "run", "--config", "x"), 2, "--resume goes with neither --config nor --out"),
    (("--resume", "run", "--epochs", "9"), 1, "another training: its epochs is 3, and now"),
    (
        ("--resume", "run", "--dataset", "friedman"),
        1,
        "another training: its training data x is",
    ),
    (("--out", "run"), 1, "has a run in it already (config.toml)"),
    (("--time-limit", "0"), 2, "must be a number above 0, not '0'"),
]


def test_what_cannot_go_on_is_said(cli, at):
    cli("train", *QUICK, "--out", "done")
    at(20, press_twice)
    cli("train", *QUICK, "--out", "run")
    before = files("run/checkpoint")
    for words, code, said in CANNOT_GO_ON:
        result = cli("train", *words)
        assert result.code == code
        assert said in result.err
        assert result.err.count("\n") == 1
    assert files("run/checkpoint") == before


def test_a_failed_resumption_leaves_the_checkpoint(cli, at):
    at(20, press_twice)
    cli("train", *QUICK, "--out", "run")
    shutil.copytree("run/checkpoint", "copy")
    config = Path("run/config.toml")
    config.write_text(config.read_text().replace("epochs = 3", "epochs = 4"))
    assert cli("train", "--resume", "run").code == 1
    assert files("run/checkpoint") == files("copy")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_killed_run_goes_on(cli, at):
    cli("train", *QUICK, "--out", "whole")
    at(20, lambda: os.kill(os.getpid(), signal.SIGKILL))
    child = os.fork()
    if child == 0:
        try:
            main(["train", *QUICK, "--out", "run"])
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert sorted(os.listdir("run")) == ["checkpoint", "config.toml"]
    at(0, None)
    assert cli("train", "--resume", "run", "--quiet") == (0, "", "")
    assert files("run") == files("whole")


def test_a_run_begun_with_a_report_goes_on_without(cli, tables, at):
    with_report = [word for word in QUICK if word != "--no-report"]
    at(2, press)
    cli("train", "points.csv", "--target", "y", "--report", *with_report, "--out", "begun")
    Path("begun/report.html").unlink()
    at(10**9, press)
    code, _, err = cli("train", "--resume", "begun", "--no-report", "--quiet")
    assert (code, err) == (0, "")
    assert not Path("begun/report.html").exists()
