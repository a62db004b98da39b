"""``baregrad predict``: tables with predictions, in the user's terms."""

import csv
import io
import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from baregrad.cli import main
from baregrad.data import text_blocks
from baregrad.files.model import save_model
from baregrad.files.safetensors import load_tensors
from baregrad.nn.mlp import MLP

QUICK = ("--epochs", "3", "--hidden", "4", "--activation", "tanh", "--quiet")


def parsed(text):
    return list(csv.DictReader(text.splitlines()))


def by_hand(path, rows):
    """The output of the tanh network in a file with one hidden layer, in plain Python."""
    tensors, metadata = load_tensors(path)
    columns = json.loads(metadata["preprocessor"])["columns"]
    (w0, b0), (w1, b1) = (
        (tensors[f"layers.{i}.weight"].tolist(), tensors[f"layers.{i}.bias"].tolist())
        for i in (0, 1)
    )

    def affine(weight, bias, x):
        return [sum(map(float.__mul__, w, x)) + b for w, b in zip(weight, bias, strict=True)]

    for row in rows:
        x = [
            (float(row[c["name"]]) - c["scaling"]["center"]) / c["scaling"]["scale"]
            for c in columns
        ]
        yield affine(w1, b1, list(map(math.tanh, affine(w0, b0, x))))


def test_notes_on_how_the_table_was_read_are_shown(cli, tables):
    cli("train", "points.csv", "--target", "y", "--out", "m", *QUICK)
    Path("commas.csv").write_text("a;b;y\n1,5;2;3\n")
    said = "baregrad: commas.csv: numbers with commas were read with ',' as the decimal mark\n"
    code, out, err = cli("predict", "m", "commas.csv", "--out", "-")
    assert (code, err, out.splitlines()[1][:8]) == (0, said, "1.5,2,3,")
    assert cli("evaluate", "m", "commas.csv").err == said
    wrong = cli("predict", "m", "commas.csv", "--decimal", ".").err
    assert "line 2, column 'a': '1,5' is not a finite number" in wrong


def test_numbers_are_predicted_in_their_units(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    code, out, err = cli("predict", "runs/points-1", "points.csv")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "a,b,y,prediction"
    model = Path("runs/points-1/model.safetensors")
    target = json.loads(load_tensors(model)[1]["preprocessor"])["target"]
    rows = parsed(out)
    assert len(rows) == 20
    for row, (output,) in zip(rows, by_hand(model, rows), strict=True):
        expected = output * target["scale"] + target["mean"]
        assert float(row["prediction"]) == pytest.approx(expected, rel=1e-5)  # float32


def test_classes_are_predicted_by_name_with_probabilities(cli, tables):
    cli("train", "animals.csv", "--target", "kind", *QUICK)
    rows = parsed(cli("predict", "runs/animals-1", "animals.csv").out)
    model = "runs/animals-1/model.safetensors"
    for row, (cat, dog) in zip(rows, by_hand(model, rows), strict=True):
        chance = 1 / (1 + math.exp(dog - cat))
        assert float(row["probability_cat"]) == pytest.approx(chance, rel=1e-5)
        assert float(row["probability_dog"]) == pytest.approx(1 - chance, rel=1e-5)
        assert row["prediction"] == ("cat" if chance > 0.5 else "dog")


def test_a_model_with_one_output_gives_both_probabilities(cli, tables):
    words = ("--target", "kind", "--loss", "binary_cross_entropy")
    cli("train", "animals.csv", *words, *QUICK)
    rows = parsed(cli("predict", "runs/animals-1", "animals.csv").out)
    for row, (logit,) in zip(rows, by_hand("runs/animals-1/model.safetensors", rows), strict=True):
        chance = 1 / (1 + math.exp(-logit))
        assert float(row["probability_dog"]) == pytest.approx(chance, rel=1e-5)
        assert float(row["probability_cat"]) == pytest.approx(1 - chance, rel=1e-5)


def test_the_model_file_can_be_given_itself(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    by_folder = cli("predict", "runs/points-1", "points.csv")
    assert cli("predict", "runs/points-1/model.safetensors", "points.csv") == by_folder


def test_a_model_of_a_made_up_set_predicts_from_a_file(cli, tmp_path):
    cli("train", *QUICK)
    (tmp_path / "x.csv").write_text("x1\n-1\n2\n")
    assert len(parsed(cli("predict", "runs/sine-1", "x.csv").out)) == 2


def test_the_table_may_lack_the_target_and_have_more_columns(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    Path("new.csv").write_text('note,b,a\n"one, two",1,2\n,3,NA\n')
    code, out, _ = cli("predict", "runs/points-1", "new.csv")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "note,b,a,prediction"
    assert lines[1].startswith('"one, two",1,2,')
    assert lines[2].startswith(",3,NA,")


def test_the_cells_of_the_table_are_written_as_they_are(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    Path("new.csv").write_text('a,b,note\n1.50,?,"  two "\nnan,+2, \n')
    first, second = cli("predict", "runs/points-1", "new.csv").out.splitlines()[1:]
    assert first.startswith("1.50,?,  two ,")
    assert second.startswith("nan,+2,,")  # the reader passes over blanks after a delimiter


def test_a_header_of_years_is_known_by_the_columns_of_the_model(cli, tmp_path):
    rows = "".join(f"{'rome' if i % 2 else 'bern'},{i},{2 * i}.5\n" for i in range(20))
    (tmp_path / "years.csv").write_text("city,2019,2020\n" + rows)
    assert cli("train", "years.csv", "--target", "2020", *QUICK).code == 0
    assert cli("predict", "runs/years-1", "years.csv").out.startswith("city,2019,2020,prediction\n")
    code, _, err = cli("predict", "runs/years-1", "years.csv", "--no-header")
    assert (code, "lacks 'city', '2019'" in err) == (1, True)


def test_predictions_go_to_a_file_if_asked(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    printed = cli("predict", "runs/points-1", "points.csv").out
    assert cli("predict", "runs/points-1", "points.csv", "--out", "new.csv") == (0, "", "")
    assert Path("new.csv").read_text() == printed


def test_a_file_of_predictions_is_there_whole_or_as_it_was(cli, tables, monkeypatch):
    cli("train", "points.csv", "--target", "y", *QUICK)
    Path("new.csv").write_text("old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, out, err = cli("predict", "runs/points-1", "points.csv", "--out", "new.csv")
    assert (code, out, "No space left" in err) == (1, "", True)
    assert Path("new.csv").read_text() == "old"
    assert not list(Path().glob(".*.tmp"))


def test_json_lines_have_numbers_and_null_for_missing(cli, tables):
    cli("train", "animals.csv", "--target", "kind", *QUICK)
    Path("new.csv").write_text("size,note,weight\n1,é,2.50\n?,12,inf\n15,-,?\n")
    text = cli("predict", "runs/animals-1", "new.csv").out
    code, out, err = cli("predict", "runs/animals-1", "new.csv", "--json")
    assert (code, err) == (0, "")
    rows = list(map(json.loads, out.splitlines()))
    assert [(r["size"], r["note"], r["weight"]) for r in rows] == [
        (1, "é", 2.5),
        (None, "12", "inf"),
        (15, "-", None),
    ]
    for row, cells in zip(rows, parsed(text), strict=True):
        assert row["prediction"] == cells["prediction"]
        assert row["probability_cat"] == float(cells["probability_cat"])


def test_a_table_comes_from_a_pipe_and_goes_into_one(cli, tables, monkeypatch):
    cli("train", "points.csv", "--target", "y", *QUICK)
    expected = cli("predict", "runs/points-1", "points.csv")
    stream = io.TextIOWrapper(io.BytesIO(Path("points.csv").read_bytes()))
    monkeypatch.setattr("sys.stdin", stream)
    assert cli("predict", "runs/points-1", "-") == expected


def test_a_pipe_may_have_a_name(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    expected = cli("predict", "runs/points-1", "points.csv")
    os.mkfifo("pipe")
    writer = threading.Thread(
        target=lambda: Path("pipe").write_bytes(Path("points.csv").read_bytes())
    )
    writer.start()
    found = cli("predict", "runs/points-1", "pipe")
    writer.join()
    assert found == expected


class Unwritable(io.StringIO):
    """Standard output, when its reader has gone or the disk is full."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (
            OSError(28, "No space left on device"),
            1,
            "baregrad: error: standard output cannot be written: No space left on device\n",
        ),
    ],
)
def test_an_output_that_ends_is_not_blamed_on_the_table(
    cli, tables, monkeypatch, capsys, error, code, said
):
    cli("train", "points.csv", "--target", "y", "--out", "m", *QUICK)
    monkeypatch.setattr(main, "_discard_output", lambda: None)  # which would close a real one
    monkeypatch.setattr("sys.stdout", Unwritable(error))
    code_found = main.main(["predict", "m", "points.csv"])
    assert (code_found, capsys.readouterr().err) == (code, said)


def test_a_closed_standard_input_is_an_error(cli, tables, monkeypatch):
    cli("train", "points.csv", "--target", "y", *QUICK)
    monkeypatch.setattr("sys.stdin", None)
    code, _, err = cli("predict", "runs/points-1", "-")
    assert (code, err) == (
        1,
        "baregrad: error: standard input is closed; give it a table, or name a file\n",
    )


def test_how_to_read_the_table_can_be_said(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK)
    Path("odd.txt").write_bytes("a|b|é\n1|2|à\n".encode("latin-1"))
    words = ("--encoding", "latin-1", "--delimiter", "|", "--header")
    assert cli("predict", "runs/points-1", "odd.txt", *words).out.startswith("a,b,é,prediction\n1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.safetensors", "points.csv"), "none.safetensors cannot be read"),
        ((".", "points.csv"), "model.safetensors cannot be read"),
        (("points.csv", "points.csv"), "points.csv is not a safetensors file"),
        (("runs/points-1", "none.csv"), "none.csv cannot be read"),
        (("runs/points-1", "animals.csv"), "animals.csv lacks 'a', 'b'"),
        (("runs/points-1", "text.csv"), "'much' is not a finite number"),
        (("runs/points-1", "again.csv"), "again.csv has a column 'prediction' already; rename or"),
        (
            ("runs/points-1", "points.csv", "--out", "no/folder.csv"),
            "no/folder.csv cannot be written: No such file",
        ),
        (("bare.safetensors", "points.csv"), "bare.safetensors was saved without a preprocessor"),
    ],
)
def test_what_cannot_be_predicted_is_an_error(cli, tables, words, said):
    cli("train", "points.csv", "--target", "y", *QUICK)
    Path("text.csv").write_text("a,b\n1,2\nmuch,3\n")
    Path("again.csv").write_text("a,b,prediction\n1,2,3\n")
    save_model("bare.safetensors", MLP(2, [1]))
    code, out, err = cli("predict", *words)
    assert (code, out) == (1, "")
    assert err.startswith("baregrad: error: ")
    assert said in err
    assert err.count("\n") == 1


# --- tables of any length -----------------------------------------------------------------------


@pytest.fixture
def long(tables):
    """A table whose cells look different in its blocks."""
    rows = [
        f"{a},{b},{'x' if a == 399 else a},{'' if a < 200 else 'é'},{a // 7 if a > 9 else '?'}"
        for a in range(400)
        for b in (a % 5,)
    ]
    Path("long.csv").write_text("a,b,mixed,late,number\n" + "\n".join(rows) + "\n")
    return "long.csv"


@pytest.mark.parametrize("words", [(), ("--json",)])
@pytest.mark.parametrize("source", ["long.csv", "-"])
def test_the_output_does_not_depend_on_how_the_table_is_divided(
    cli, long, monkeypatch, words, source
):
    cli("train", "points.csv", "--target", "y", *QUICK)
    expected = cli("predict", "runs/points-1", long, *words)
    assert (expected.code, len(expected.out.splitlines())) == (0, 400 + (not words))
    monkeypatch.setattr(text_blocks, "BYTES", 600)
    stream = io.TextIOWrapper(io.BytesIO(Path(long).read_bytes()))
    monkeypatch.setattr("sys.stdin", stream)
    assert cli("predict", "runs/points-1", source, *words) == expected
    if words:
        first, last = map(json.loads, (expected.out.splitlines()[9], expected.out.splitlines()[-1]))
        assert (first["mixed"], last["mixed"], first["number"], last["number"]) == (
            *("9", "x", None, 57),
        )


@pytest.mark.parametrize(
    ("line", "said"),
    [("much,1,0,,1", "line 402, column 'a': 'much' is not"), ("1,2", "line 402: 2 cells")],
)
def test_an_error_far_down_leaves_no_output(cli, long, monkeypatch, line, said):
    cli("train", "points.csv", "--target", "y", *QUICK)
    monkeypatch.setattr(text_blocks, "BYTES", 600)
    with open(long, "a") as file:
        file.write(line + "\n")
    code, out, err = cli("predict", "runs/points-1", long)
    assert (code, out, said in err) == (1, "", True)


def test_text_that_is_a_number_in_all_blocks_is_the_wrong_column(cli, tables, monkeypatch):
    cli("train", "animals.csv", "--target", "size", *QUICK)
    monkeypatch.setattr(text_blocks, "BYTES", 30)
    numbers = "".join(f"{i}\n" for i in range(100))
    Path("new.csv").write_text("kind,a\n" + numbers.replace("\n", ",0\n"))
    result = cli("predict", "runs/animals-1", "new.csv")
    assert (result.code, result.out) == (1, "")
    assert "column 'kind' has numbers, and the model was trained with text there" in result.err
    with open("new.csv", "a") as file:
        file.write("cat,0\n")
    assert cli("predict", "runs/animals-1", "new.csv").code == 0


MEMORY = """
import resource, sys
from baregrad.cli.main import main
from baregrad.data import source, text_blocks
text_blocks.BYTES = source.SPOOLED = 1 << 15
main(["predict", "runs/points-1", "small.csv", "--out", "small.out"])
with open("/proc/self/status") as status:
    used = next(int(line.split()[1]) for line in status if line.startswith("VmData")) << 10
resource.setrlimit(resource.RLIMIT_DATA, (used + (4 << 20), used + (4 << 20)))
sys.exit(main(["predict", "runs/points-1", "-", "--out", "large.out"]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA bounds maps on Linux only")
def test_a_long_table_is_predicted_in_little_memory(cli, tables):
    """100,000 rows of text cells alone would be more than 10 MB."""
    cli("train", "points.csv", "--target", "y", *QUICK)
    lines = [f"{i}.25,{i % 7},{i}_note\n" for i in range(100_000)]
    Path("small.csv").write_text("a,b,note\n" + "".join(lines[:20_000]))
    result = subprocess.run(
        [sys.executable, "-c", MEMORY],
        input="a,b,note\n" + "".join(lines),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "BAREGRAD_THREADS": "1"},
        timeout=100,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert Path("large.out").read_text().startswith(Path("small.out").read_text())


def test_a_parquet_file_is_predicted_for(cli, tables):
    pytest.importorskip("nanoarrow")
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cli("train", "points.csv", "--target", "y", *QUICK)
    parquet.write_table(arrow.table({"a": [1, 2], "b": [3, 4]}), "new.parquet")
    Path("new.csv").write_text("a,b\n1,3\n2,4\n")
    expected = cli("predict", "runs/points-1", "new.csv", "--header")
    assert cli("predict", "runs/points-1", "new.parquet") == expected


# --- categories that the model has not seen -------------------------------------------------------


def test_categories_that_were_not_there_in_training_are_named(cli, tables):
    rows = "".join(f"{'red' if x < 10 else 'blue'},{x}\n" for x in range(20))
    (tables / "colours.csv").write_text("colour,y\n" + rows)
    cli("train", "colours.csv", "--target", "y", *QUICK)
    (tables / "new.csv").write_text("colour,y\nred,1\n" + "".join(f"c{i},1\n" for i in range(7)))
    for command in ("predict", "evaluate"):
        code, _, err = cli(command, "runs/colours-1", "new.csv")
        assert code == 0
        assert err == (
            "baregrad: column 'colour' has 7 categories that the model was not trained with, and "
            "takes for none of those that it knows: 'c0', 'c1', 'c2', 'c3', 'c4', ...\n"
        )
