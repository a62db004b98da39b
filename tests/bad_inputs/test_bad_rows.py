"""Rows that a model cannot read: ``predict`` and ``evaluate`` say which file, line and column.

The model was trained with numbers a and b, a category c, a boolean d and a date e.
"""

import re

import pytest

from baregrad.cli.main import main
from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.files.model import save_model
from baregrad.nn.mlp import MLP

HEADER = "a,b,c,d,e,y\n"
ROW = "1,2.5,red,yes,2024-05-01,3.5\n"
LEARNED = Table(
    {
        "a": [1, 2, 4, 5],
        "b": [2.5, 1, 0, 7],
        "c": ["red", "blue", "red", "red"],
        "d": ["yes", "no", "no", "yes"],
        "e": ["2024-05-01", "2024-06-01", "2025-01-01", "2023-02-03"],
        "y": [3.5, 1, 2, 7],
    }
)

PREDICTED = {
    "no column of the model": ("x,z\n1,2\n3,4\n", "t.csv lacks 'a', 'b', 'c', 'd', 'e', which"),
    "one column missing": (
        "a,b,c,d,y\n1,2,red,no,3\n",
        "lacks 'e', which the model was trained with; no column is new to it",
    ),
    "a column renamed": (
        "a,b,colour,d,e\n1,2,red,no,2024-05-01\n",
        "lacks 'c', .*; it does not know 'colour'",
    ),
    "text for a number": (
        HEADER + ROW + "much,2,red,no,2024-05-01,1\n",
        "t.csv, line 3, column 'a': 'much' is not a finite number; correct it, or leave it blank",
    ),
    "infinity": (HEADER + "inf,2,red,no,2024-05-01,1\n", "line 2, column 'a': 'inf' is not a fin"),
    "a comma of thousands": (HEADER + '"1,500",2,red,no,2024-05-01,1\n', "'a': '1,500' is not a"),
    "a number with a unit": (HEADER + "1 kg,2,red,no,2024-05-01,1\n", "column 'a': '1 kg' is not"),
    "a number from another world": (
        HEADER + "1,1e300,red,no,2024-05-01,1\n",
        "line 2, column 'b': 1e\\+300 is too far from the training values, whose mean is",
    ),
    "numbers for categories": (
        HEADER + "1,2,7,no,2024-05-01,1\n",
        "column 'c' has numbers, and the model was trained with text there; is it the right col",
    ),
    "neither true nor false": (
        HEADER + ROW + "1,2,red,maybe,2024-05-01,1\n",
        "t.csv, line 3, column 'd': 'maybe' is neither true nor false",
    ),
    "no date": (HEADER + "1,2,red,no,tomorrow,1\n", "line 2, column 'e': 'tomorrow' is not"),
    "a date that is not": (HEADER + "1,2,red,no,2024-02-30,1\n", "column 'e': '2024-02-30' is n"),
    "a date of two meanings": (HEADER + "1,2,red,no,3/4/2024,1\n", "column 'e': '3/4/2024' is n"),
    "a row too short": (HEADER + ROW + "1,2\n" + ROW, "t.csv, line 3: 2 cells, and 6 cells"),
    "empty": ("", "t.csv is empty"),
    "no rows": (HEADER, "t.csv has only a header"),
    "a prediction already": ("prediction," + HEADER + "0," + ROW, "a column 'prediction' already"),
    "zero bytes": (HEADER + "1,\0,red,no,2024-05-01,1\n", "not a text table"),
}  # fmt: skip

EVALUATED = {
    "no target": ("a,b,c,d,e\n1,2,red,no,2024-05-01\n", "t.csv lacks the target 'y', which pred"),
    "no answers": (HEADER + "1,2,red,no,2024-05-01,?\n" * 2, "t.csv.* has no rows"),
    "text for an answer": (HEADER + ROW + "1,2,red,no,2024-05-01,high\n", "line 3, column 'y': 'h"),
    "a column missing": ("a,y\n1,2\n", "t.csv lacks 'b', 'c', 'd', 'e'"),
}  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    preprocessor = Preprocessor.fit(LEARNED, "y")
    save_model(tmp_path / "m", MLP(preprocessor.inputs, [1], seed=0), preprocessor)
    monkeypatch.chdir(tmp_path)

    def run(command, content, *words):
        (tmp_path / "t.csv").write_text(content)
        code = main([command, "m", "t.csv", *words])
        return code, capsys.readouterr()

    return run


def check_refused(result, said):
    code, output = result
    assert (code, output.out) == (1, "")
    assert re.match(r"baregrad: (\d+ rows without [^\n]*\n)?[^\n]*error: [^\n]*\n\Z", output.err)
    assert re.search(said, output.err)


@pytest.mark.parametrize("name", PREDICTED)
def test_bad_rows_are_not_predicted_and_leave_no_file(name, run, tmp_path):
    content, said = PREDICTED[name]
    check_refused(run("predict", content, "--out", "new.csv"), said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "t.csv"]


@pytest.mark.parametrize("name", EVALUATED)
def test_bad_rows_are_not_evaluated(name, run):
    content, said = EVALUATED[name]
    check_refused(run("evaluate", content), said)


def test_an_unknown_class_is_not_evaluated(run, tmp_path):
    preprocessor = Preprocessor.fit(Table({"a": [1, 2, 3], "y": ["yes", "no", "no"]}), "y")
    save_model(tmp_path / "m", MLP(1, [2], seed=0), preprocessor)
    said = "line 3, column 'y': class 'maybe' was not there in training; known are no, yes"
    check_refused(run("evaluate", "a,y\n1,yes\n2,maybe\n"), said)


def test_good_rows_are_not_refused_though_columns_are_missing_values_or_new(run):
    code, output = run("predict", "new," + HEADER + "?,?,?,?,?,?,?\n0," + ROW + "x,,,teal,,,\n")
    assert code == 0
    assert re.fullmatch(
        r"baregrad: column 'c' has a category that [^\n]* knows: 'teal'\n", output.err
    )
    assert output.out.count("\n") == 4
