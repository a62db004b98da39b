"""``baregrad evaluate``: figures that can be checked from the predictions themselves."""

import csv
import io
import json
import math
from pathlib import Path
from statistics import fmean

import pytest

from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.files.model import save_model
from baregrad.nn.mlp import MLP

QUICK = ("--epochs", "3", "--hidden", "4", "--quiet")


def predictions(cli, *words):
    return list(csv.DictReader(cli("predict", *words).out.splitlines()))


def test_errors_of_numbers_are_in_their_units(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    pairs = [
        (float(row["y"]), float(row["prediction"]))
        for row in predictions(cli, "runs/points-1", "points.csv")
    ]
    figures = json.loads(cli("evaluate", "runs/points-1", "points.csv", "--json").out)
    errors = [truth - found for truth, found in pairs]
    mean = fmean(truth for truth, _ in pairs)
    squares = sum(e * e for e in errors)
    assert figures == {
        "rows": 20,
        "target": "y",
        "mae": pytest.approx(fmean(map(abs, errors)), rel=1e-5),  # predictions have 7 digits
        "rmse": pytest.approx(math.sqrt(squares / 20), rel=1e-5),
        "r2": pytest.approx(1 - squares / sum((t - mean) ** 2 for t, _ in pairs), rel=1e-5),
    }


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_classes_are_counted(cli, tables, loss):
    cli("train", "animals.csv", "--target", "kind", "--loss", loss, *QUICK)
    rows = predictions(cli, "runs/animals-1", "animals.csv")
    figures = json.loads(cli("evaluate", "runs/animals-1", "animals.csv", "--json").out)
    assert figures["accuracy"] == fmean(row["prediction"] == row["kind"] for row in rows)
    chances = [float(row[f"probability_{row['kind']}"]) for row in rows]
    assert figures["cross_entropy"] == pytest.approx(-fmean(map(math.log, chances)), rel=1e-4)
    for kind in ("cat", "dog"):
        for other in ("cat", "dog"):
            count = sum(row["kind"] == kind and row["prediction"] == other for row in rows)
            assert figures["confusion"][kind][other] == count


def test_the_text_has_the_same_figures(cli, tables):
    cli("train", "animals.csv", "--target", "kind", *QUICK)
    figures = json.loads(cli("evaluate", "runs/animals-1", "animals.csv", "--json").out)
    code, out, err = cli("evaluate", "runs/animals-1", "animals.csv")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "rows           20"
    assert f"accuracy       {figures['accuracy']:g}" in lines
    assert lines[-2].split() == ["cat", *map(str, figures["confusion"]["cat"].values())]


def test_rows_without_the_answer_are_left_out_with_a_word(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    Path("some.csv").write_text("a,b,y\n1,2,3\n2,3,?\n4,4,5\n")
    code, out, err = cli("evaluate", "runs/points-1", "some.csv")
    assert (code, err) == (0, "baregrad: 1 row without 'y' left out\n")
    assert out.splitlines()[0].split() == ["rows", "2"]


def test_what_is_not_defined_is_null_and_a_dash(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    Path("one.csv").write_text("a,b,y\n1,2,3\n")
    assert json.loads(cli("evaluate", "runs/points-1", "one.csv", "--json").out)["r2"] is None
    assert "r2      -" in cli("evaluate", "runs/points-1", "one.csv").out.splitlines()


def test_many_classes_have_no_table_of_text(cli, tmp_path):
    classes = [f"c{i:02}" for i in range(13)]
    table = Table({"x": list(range(13)), "y": classes})
    save_model("m.safetensors", MLP(1, [13], seed=0), Preprocessor.fit(table, "y"))
    Path("t.csv").write_text("x,y\n" + "".join(f"{i},{c}\n" for i, c in enumerate(classes)))
    assert len(cli("evaluate", "m.safetensors", "t.csv").out.splitlines()) == 4


def test_a_pipe_can_be_evaluated(cli, tables, monkeypatch):
    cli("train", "points.csv", "--target", "y", *QUICK)
    expected = cli("evaluate", "runs/points-1", "points.csv").out
    stream = io.TextIOWrapper(io.BytesIO(Path("points.csv").read_bytes()))
    monkeypatch.setattr("sys.stdin", stream)
    assert cli("evaluate", "runs/points-1", "-").out == expected
