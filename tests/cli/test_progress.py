"""How a training goes: a bar on a terminal that rich can draw on, lines elsewhere."""

import io
import os
import subprocess
import sys

import pytest

from baregrad.cli.progress import Bar, shown_progress
from baregrad.nn.mlp import MLP
from baregrad.training.fit import fit


class Terminal(io.StringIO):
    def isatty(self):
        return True


def train(callbacks):
    fit(MLP(1, [1], seed=0), [[0.0], [1.0]], [[0.0], [1.0]], epochs=2, seed=0, callbacks=callbacks)


def test_elsewhere_there_are_lines_on_standard_error(capsys):
    with shown_progress(quiet=False) as callbacks:
        train(callbacks)
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "loss " in lines[0]


def test_quiet_shows_nothing(capsys):
    with shown_progress(quiet=True) as callbacks:
        train(callbacks)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with shown_progress(quiet=False) as callbacks:
        train(callbacks)
    shown = terminal.getvalue()
    assert isinstance(callbacks[0], Bar)
    assert "100%" in shown
    assert "epoch 2/2  loss" in shown
    assert "\x1b[3" in shown  # a colour


def test_no_color_takes_the_colours_away(monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    with shown_progress(quiet=False) as callbacks:
        train(callbacks)
    assert "100%" in terminal.getvalue()
    assert "\x1b[3" not in terminal.getvalue()


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "dumb")
    with shown_progress(quiet=False) as callbacks:
        train(callbacks)
    assert terminal.getvalue().count("\n") == 2


def test_without_rich_a_terminal_gets_lines(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with shown_progress(quiet=False) as callbacks:
        train(callbacks)
    assert terminal.getvalue().count("\n") == 2


# --- curves -------------------------------------------------------------------------------------


def drawn(width, encoding="utf-8"):
    """The last picture of a training on a terminal of so many columns, line by line."""
    console = pytest.importorskip("rich.console")
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    terminal = console.Console(file=file, force_terminal=True, width=width, color_system=None)
    x, y = [[0.0], [1.0]], [[0.0], [1.0]]
    model = MLP(1, [1], seed=0)
    with Bar(terminal) as bar:
        fit(model, x, y, epochs=30, validation_data=(x, y), seed=0, callbacks=[bar])
    file.flush()
    picture = file.buffer.getvalue().decode(encoding).split("\x1b[2K")[-1]
    return [line.rstrip() for line in picture.replace("\x1b[?25l", "").splitlines()]


def test_a_wide_terminal_has_the_curves_beside_the_bar():
    bar, validation, values, *_ = drawn(100)
    assert "100%" in bar
    assert " loss     █" in bar
    assert validation.lstrip().startswith("val_loss █")
    assert validation.count("▁") > 1
    assert values.startswith("epoch 30/30  loss ")


def test_a_narrow_terminal_has_them_below():
    bar, loss, validation, *_ = drawn(40)
    assert bar.endswith("100% 0:00:00")
    assert loss.startswith("loss     █")
    assert validation.startswith("val_loss █")
    assert max(map(len, drawn(40))) <= 40


def test_a_very_narrow_one_has_what_fits_and_no_number_cut_in_two():
    _, loss, *_ = drawn(12)
    assert loss.endswith("…")


def test_where_bars_cannot_be_written_there_are_letters():
    _, loss, *_ = drawn(60, "ascii")
    assert loss.startswith("loss     #")


TRAIN = "-m baregrad train --dataset linear --epochs 3 --hidden 2 --out"


def run_train(output, **environment):
    return subprocess.Popen(
        [sys.executable, *TRAIN.split(), environment["TMPDIR"] + "/run"],
        stdout=subprocess.DEVNULL,
        stderr=output,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "90", **environment},
    )


@pytest.mark.parametrize("no_color", ["", "1"])
def test_train_draws_curves_on_a_terminal_in_colour_unless_told_not_to(tmp_path, no_color):
    pytest.importorskip("rich")
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = run_train(theirs, TMPDIR=str(tmp_path), TERM="xterm-256color", NO_COLOR=no_color)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait(timeout=120) == 0
    text = shown.decode()
    assert "100%" in text
    assert "val_loss █" in text
    assert ("\x1b[36m" in text) == (not no_color)


def test_train_prints_plain_lines_in_a_pipe(tmp_path):
    process = run_train(subprocess.PIPE, TMPDIR=str(tmp_path))
    lines = process.communicate(timeout=120)[1].decode().splitlines()
    epochs = [line.split("  ")[0] for line in lines if line.startswith("epoch")]
    assert not any("\x1b" in line or "█" in line for line in lines)
    assert epochs == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
