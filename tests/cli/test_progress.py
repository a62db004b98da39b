"""How a training goes: a bar on a terminal that rich can draw on, lines elsewhere."""

import io
import sys

import pytest

from baregrad.cli.progress import Bar, shown_progress
from baregrad.nn.mlp import MLP
from baregrad.training.loop import fit


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
