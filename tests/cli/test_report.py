"""``baregrad train --report``: the page in the folder of a run."""

import importlib.util
import json
from pathlib import Path

import pytest

from tests.view.report.conftest import Page

QUICK = ("--epochs", "2", "--hidden", "2", "--out", "run")


def report():
    return Page(Path("run/report.html").read_text(encoding="utf-8"))


def test_a_report_has_the_names_and_units_of_the_data(cli, tables):
    code, out, _ = cli("train", "points.csv", "--target", "y", "--report", *QUICK)
    assert code == 0
    assert "report.html        all of this as a page" in out
    read = report()
    assert read.texts("h1") == ["points: training report"]
    cells = read.texts("td")
    assert any(cell.startswith("points.csv: 16 rows to train") for cell in cells)
    assert any(cell.startswith("2-2-1 neurons, relu, ") for cell in cells)
    assert any("lr 0.01, seed 0" in cell for cell in cells)
    assert "of epoch 2, the best in validation" in cells
    found = read.data["results"]
    assert found["picture"]["features"] == ["a", "b"]
    assert found["target"] == "y"
    assert all(7 <= truth <= 19 for truth, _ in found["pairs"])


def test_a_report_of_classes_has_their_names(cli, tables):
    for loss in ("cross_entropy", "binary_cross_entropy"):  # with smoothed labels
        words = ("--target", "kind", "--loss", loss, "--report")
        cli("train", "animals.csv", *words, *QUICK[:-1], loss)
        read = Page(Path(loss, "report.html").read_text(encoding="utf-8"))
        assert read.data["results"]["classes"] == ["cat", "dog"]
        assert f"{loss}, label_smoothing=0.05" in read.texts("td")


def test_the_network_is_the_same_with_a_report_and_without(cli):
    for option, folder in (("--report", "a"), ("--no-report", "b")):
        cli("train", "--epochs", "3", "--hidden", "2", option, "--out", folder)
    assert not Path("b/report.html").exists()
    histories = [Path(folder, "history.csv").read_bytes() for folder in "ab"]
    assert histories[0] == histories[1]


@pytest.mark.parametrize("installed", [True, False])
def test_a_report_is_made_where_graphs_can_be_drawn(cli, monkeypatch, installed):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if installed else None)
    cli("train", *QUICK)
    assert Path("run/report.html").exists() == installed


def test_markup_in_column_names_is_inert(cli, tmp_path):
    evil = "<script>alert(1)</script>"
    rows = "".join(f"{i},{i * i}.5\n" for i in range(20))
    (tmp_path / "evil.csv").write_text(f"{evil},y\n{rows}")
    assert cli("train", "evil.csv", "--target", "y", "--report", *QUICK).code == 0
    text = Path("run/report.html").read_text(encoding="utf-8")
    assert evil not in text
    assert json.dumps(report().data["results"]["picture"]["features"]) == json.dumps([evil])
