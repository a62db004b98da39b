"""What tests of the command line share."""

from typing import NamedTuple

import pytest

from baregrad.cli.main import main


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Runs the command line in an empty folder: ``cli("train", "--epochs", "1")``."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def tables(tmp_path):
    """Files: points.csv, where y = 2 a - b + 10.5, and animals.csv, where size tells the kind."""
    rows = [(a, b, 2 * a - b + 10) for a in range(5) for b in range(4)]
    lines = [f"{a},{b},{y}.5" for a, b, y in rows]
    (tmp_path / "points.csv").write_text("a,b,y\n" + "\n".join(lines) + "\n")
    animals = [f"{size},{'cat' if size < 10 else 'dog'}" for size in range(20)]
    (tmp_path / "animals.csv").write_text("size,kind\n" + "\n".join(animals) + "\n")
    return tmp_path
