import math

import pytest

from baregrad.data.cells import cleaned, number
from baregrad.data.table import Table
from baregrad.errors import ArgumentError, DataError


@pytest.fixture
def table():
    return Table({"size": ["1.5", " 2 ", "?"], "colour": ["red", "NA", "blue"]}, "t.csv", [2, 3, 5])


@pytest.mark.parametrize(
    "cell", ["", "  ", "?", " ?", "NA", "n/a", "NaN", "nan", "null", "None", None, float("nan")]
)
def test_what_stands_for_a_missing_value_is_missing(cell):
    assert cleaned(cell) is None


@pytest.mark.parametrize(
    ("cell", "text"), [(" a b ", "a b"), (1, "1"), (0.5, "0.5"), (True, "True"), ("0", "0")]
)
def test_other_cells_are_text(cell, text):
    assert cleaned(cell) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-1.5e3", -1500), ("+.5", 0.5), ("1e999", float("inf")), ("inf", float("inf"))],
)
def test_numbers_are_read(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["a", "1_000", "1,5", "0x10", "True"])
def test_other_text_is_no_number(text):
    assert number(text) is None


def test_columns_are_found_by_name(table):
    assert table.names == ["size", "colour"]
    assert len(table) == 3
    assert table["colour"] == ["red", None, "blue"]
    assert "size" in table
    assert "weight" not in table


def test_a_column_of_numbers_is_known_as_such(table):
    assert table.kind("size") == "number"
    assert table.kind("colour") == "category"
    assert table.numbers("size").tolist() == pytest.approx([1.5, 2.0, math.nan], nan_ok=True)


def test_text_is_kept_as_it_was_given_and_numbers_are_as_short_as_can_be():
    table = Table({"a": [" x ", "NA", None, 2.5], "b": ["1.0", "NA", None, 1e300]})
    assert table["a"] == ["x", None, None, "2.5"]
    assert table.given("a") == [" x ", "NA", "", "2.5"]
    assert table.take([1, 0]).given("a") == ["NA", " x "]
    assert table.given("b") == ["1", "", "", "1e+300"]
    with pytest.raises(ArgumentError, match="unknown column of the table 'c'"):
        table.given("c")


def test_an_unknown_column_suggests_the_nearest(table):
    with pytest.raises(ArgumentError, match=r"unknown column of t.csv 'color'; did you mean 'col"):
        table["color"]


@pytest.mark.parametrize(("text", "cell"), [("tall", "tall"), ("inf", "inf"), ("1e999", "inf")])
def test_a_cell_that_is_no_finite_number_is_named_with_its_place(text, cell):
    table = Table({"size": ["1", text]}, "t.csv", [2, 7])
    with pytest.raises(DataError, match=f"t.csv, line 7, column 'size': '{cell}' is not a finite"):
        table.numbers("size")


def test_rows_taken_still_know_their_lines(table):
    part = table.take([2, 0])
    assert part["colour"] == ["blue", "red"]
    assert part.place(0) == "t.csv, line 5"


def test_a_table_without_a_file_counts_rows_from_zero():
    assert Table({"a": [1, 2]}).place(1) == "the table, row 1"
    assert Table({"a": [1, 2]}).take([1]).place(0) == "the table, row 1"


def test_rows_with_a_missing_value_can_be_dropped(table):
    assert table.drop_missing("colour")["size"] == ["1.5", None]


def test_missing_rows_are_found_in_text_and_numbers(table):
    assert (table.missing_rows("colour"), table.missing_rows("size")) == ([1], [2])
    assert table.take([0]).drop_missing("size")["size"] == ["1.5"]


def test_a_table_says_what_it_is(table):
    assert repr(table) == "Table(t.csv: 3 rows, columns size, colour)"


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(DataError, match=r"equal lengths, and these have \{'a': 1, 'b': 2\}"):
        Table({"a": [1], "b": [1, 2]})


def test_a_table_needs_columns():
    with pytest.raises(DataError, match="the table: there are no columns"):
        Table({})


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["yes", "NO", None], "boolean"),
        ([True, False, None], "boolean"),
        (["0", "1"], "number"),
        (["2024-01-01", "31.12.2024"], "date"),
        (["2024-01-01", "yes"], "category"),
        (["a", "b"], "category"),
        ([None, "NA"], "number"),
        ([1, 10**400], "number"),
    ],
)
def test_the_kind_of_a_column_is_found(cells, kind):
    assert Table({"x": cells}).kind("x") == kind


def test_booleans_and_dates_are_numbers():
    table = Table({"sold": ["yes", "no", "?"], "day": ["1970-01-02", None, "1.1.1970"]})
    assert table.numbers("sold").tolist() == pytest.approx([1, 0, math.nan], nan_ok=True)
    assert table.numbers("day").tolist() == pytest.approx([1, math.nan, 0], nan_ok=True)


def test_the_kind_can_be_given_and_stays_with_the_rows():
    table = Table({"zip": [1, 2, 3], "x": [1, 2, 3]}, kinds={"zip": "category"})
    assert table.take([0, 2]).kind("zip") == "category"
    assert table.take(range(1, 3)).given_kinds == {"zip": "category"}
    assert table.distinct("zip") == {"1", "2", "3"}


def test_a_kind_must_be_known_and_its_column_there():
    with pytest.raises(ArgumentError, match=r"unknown kind of column 'numbr'; did you mean"):
        Table({"x": [1]}, kinds={"x": "numbr"})
    with pytest.raises(ArgumentError, match=r"unknown column of the table 'zap'; did you"):
        Table({"zip": [1]}, kinds={"zap": "category"})


def test_consecutive_rows_keep_their_lines(table):
    assert table.take(range(1, 3)).place(1) == "t.csv, line 5"
    assert table.take(range(2, -1, -1))["colour"] == ["blue", None, "red"]


def test_a_notebook_shows_the_first_rows():
    columns = {"<b>": [f"{i}.5" for i in range(7)], "colour": ["red", None] + ["blue"] * 5}
    shown = Table(columns, "t.csv")._repr_mimebundle_()
    assert shown["text/plain"] == "Table(t.csv: 7 rows, columns <b>, colour)"
    assert "<th>&lt;b&gt;</th><th>colour</th>" in shown["text/html"]
    assert (
        "<tr><td>number</td><td>category</td></tr><tr><td>0.5</td><td>red</td></tr>"
        in (shown["text/html"])
    )
    assert "<td>1.5</td><td></td>" in shown["text/html"]
    assert "<td>4.5</td><td>blue</td></tr><tr><td>…</td><td>…</td></tr>" in shown["text/html"]
    assert "5.5" not in shown["text/html"]


def test_a_notebook_shows_some_of_many_columns():
    wide = Table({f"c{i}": [i, 1] for i in range(40)})._repr_mimebundle_()
    assert "<th>c19</th><th>…</th></tr>" in wide["text/html"]
    assert "<td>19</td><td>…</td></tr>" in wide["text/html"]
    assert "and 10 more" in wide["text/plain"]
