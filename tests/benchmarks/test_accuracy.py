"""The program that measures test errors: its tables, on hardly any data."""

import json
import math
import struct

import pytest
from accuracies.figures import Record, Result, estimate, head, renew, row, standard_error, verdict

import baregrad as bg

RESULT = Result(0.25, 1.5)


# --- figures --------------------------------------------------------------------------------------


def test_the_standard_error_is_that_of_the_mean():
    # the standard deviation of 1, 2, 3 is 1
    assert standard_error([1.0, 2.0, 3.0]) == pytest.approx(1 / math.sqrt(3))
    assert math.isnan(standard_error([1.0]))
    assert estimate([1.0, 2.0, 3.0]) == "2 ± 0.58"
    assert estimate([1.5]) == "1.5"


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([-1.0, -1.1, -0.9], "**better**"),
        ([1.0, 1.1, 0.9], "**worse**"),
        ([-3.0, 2.0, -1.0], "better, within the noise"),
        ([3.0, -2.0, 1.0], "worse, within the noise"),
        ([1.0, -1.0], "equal"),
        ([-1.0], "better, within the noise"),
    ],
)
def test_a_difference_of_two_standard_errors_is_clear(differences, expected):
    assert verdict(differences) == expected


def test_results_are_kept_and_not_measured_again(tmp_path):
    path = tmp_path / "record.json"
    assert Record(path).result("iris", 0, lambda: RESULT) == RESULT
    again = Record(path)
    assert again.result("iris", 0, pytest.fail) == RESULT
    assert again.result("iris", 1, lambda: Result(0.5, 1.0)) == (0.5, 1.0)
    assert json.loads(path.read_text()) == {"iris": {"0": [0.25, 1.5], "1": [0.5, 1.0]}}
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_file_results_are_measured():
    assert Record().result("iris", 0, lambda: RESULT) is not None


def test_lines_are_renewed_in_the_table_they_belong_to(tmp_path):
    path = tmp_path / "page.md"
    renew(path, ["table", "error"], ["a", "1"])
    renew(path, ["network", "error"], ["a", "2"])
    path.write_text(path.read_text() + "\nThe end.\n")
    for cells in (["b", "3"], ["a", "4"]):
        renew(path, ["table", "error"], cells)
    assert path.read_text().splitlines() == [
        *head(["table", "error"]).splitlines(),
        row(["a", "4"]),
        row(["b", "3"]),
        "",
        *head(["network", "error"]).splitlines(),
        row(["a", "2"]),
        "",
        "The end.",
    ]


# --- the program ----------------------------------------------------------------------------------


@pytest.fixture
def program(monkeypatch):
    """The program, which knows two small tables instead of the real ones."""
    pytest.importorskip("sklearn", minversion="1.6")
    pytest.importorskip("pandas")
    import accuracy
    from accuracies import tables

    problems = {
        "kinds": tables.Problem("kinds.csv", "kind", ignore=("name",)),
        "sizes": tables.Problem("sizes.csv", -1, "regression"),
    }
    monkeypatch.setattr(tables, "PROBLEMS", problems)
    return accuracy.main


@pytest.fixture
def data(tmp_path):
    rows = [(i % 7, "xy"[i % 2], i) for i in range(48)]
    kinds = [f"{a},{b},n{i},{'cat' if a < 3 else 'dog'}" for a, b, i in rows]
    (tmp_path / "kinds.csv").write_text("\n".join(["a,b,name,kind", *kinds, ""]))
    sizes = [f"{a},{b},{2 * a + i / 8}" for a, b, i in rows]
    (tmp_path / "sizes.csv").write_text("\n".join(["a,b,size", *sizes, ""]))
    return tmp_path


def lines_of(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines()]


def test_tables_have_a_line_for_each_problem(program, data, capsys):
    page = data / "page.md"
    program(["--seeds", "1", "--data", str(data), "--output", str(page)])
    printed = capsys.readouterr().out
    assert printed == page.read_text()
    names, _, kinds, sizes = lines_of(printed)
    assert len(names) == len(kinds) == len(sizes) == 10
    assert (kinds[:3], sizes[:3]) == (["kinds", "1", "wrong, %"], ["sizes", "1", "RMSE"])
    for cells in (kinds, sizes):
        assert all(0 <= float(cell.split(" ± ")[0]) <= 100 for cell in cells[3:6])


def test_a_table_that_is_not_there_is_said(program, tmp_path, capsys):
    program(["--tables", "kinds", "--data", str(tmp_path)])
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err == f"kinds: there is no {tmp_path / 'kinds.csv'}\n"


def write_images(folder, name, count):
    pixels = bytes(bg.Generator(0).randint(0, 256, 28 * 28 * count).tolist())
    (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(
        struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28) + pixels
    )
    (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(
        struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(i % 10 for i in range(count))
    )


def test_networks_on_mnist_have_a_line_each(program, tmp_path, capsys):
    (tmp_path / "mnist").mkdir()
    write_images(tmp_path / "mnist", "train", 40)
    write_images(tmp_path / "mnist", "t10k", 20)
    name = "300, mean squared error"
    words = ("--mnist", "--networks", name, "--epochs", "1", "--seeds", "1")
    program([*words, "--data", str(tmp_path)])
    columns, _, cells = lines_of(capsys.readouterr().out)
    assert columns[0] == "network"
    assert cells[:3] == [name, "1", "4.7 (LeCun 1998)"]
    assert 0 <= float(cells[3].split(" ± ")[0]) <= 100
    assert cells[4] == "1"


def test_the_norm_of_a_neuron_s_weights_is_limited():
    from accuracies.digits import AdamMaxNorm

    long, short = [3.0, 4.0], [0.6, 0.8]
    weight, bias = (
        bg.Tensor([long, short], requires_grad=True),
        bg.Tensor([9.0], requires_grad=True),
    )
    optimizer = AdamMaxNorm([weight, bias], lr=1e-9)
    (weight.sum() + bias.sum()).backward()
    optimizer.step()
    assert weight.tolist()[0] == pytest.approx([1.2, 1.6])
    assert weight.tolist()[1] == pytest.approx(short)
    assert bias.tolist() == [9.0]
