"""Numbers read by machine code, compared with Python's own reading of them, to the last bit."""

import math
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.data import cell_code, text_blocks
from baregrad.data.native_cells import NativeCells
from baregrad.data.read import read_table
from baregrad.machine.errors import ExecutableMemoryError

pytestmark = pytest.mark.skipif(
    cell_code.cell_function() is None, reason="this processor or system runs no machine code"
)


def columns(text, width=2, texts=(), delimiter=","):
    return NativeCells(delimiter, width, texts).columns(text)


def bits(values):
    return [struct.pack("d", value) for value in values]


def assert_read_as_python_does(cells):
    rows, (found, _) = columns("".join(f"{cell},0\n" for cell in cells))
    assert rows == len(cells)
    assert bits(found) == bits(map(float, cells))


@given(st.lists(st.floats(allow_nan=False).map(repr), min_size=1))
def test_every_float_is_read_as_it_was_written(cells):
    assert_read_as_python_does(cells)


@given(
    st.lists(
        st.from_regex(r"[+-]?([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE][+-]?[0-9]{1,5})?",
                      fullmatch=True),
        min_size=1,
        max_size=20,
    )
)  # fmt: skip
def test_every_way_to_write_a_number_is_read(cells):
    assert_read_as_python_does(cells)


def test_halfway_cases_are_rounded_to_even():
    draw = random.Random(0)
    odd = [2 * draw.randrange(2**52, 2**53) + 1 for _ in range(500)]
    assert_read_as_python_does([str(n) for n in odd])
    assert_read_as_python_does([f"{5 * n}e-1" for n in odd])
    assert_read_as_python_does([f"{n}.0" for n in odd])
    assert_read_as_python_does(["9007199254740993", "0.5", "1.5", "2.5e0", "4503599627370497.5"])


@pytest.mark.parametrize(
    "cell",
    ["1e308", "1.8e308", "-1e-323", "2.2250738585072014e-308", "9999999999999999999e288", "-0",
     "0e999999", "0.1e-290", "18446744073709551615", "1" * 30, "inf", "-Infinity", "1e+05"],
)  # fmt: skip
def test_numbers_at_the_edges_are_read(cell):
    assert_read_as_python_does([cell])


@pytest.mark.parametrize("cell", ["", "NA", " ? ", "nan", "null", "-", "."])
def test_missing_cells_are_nan(cell):
    _, (found, other) = columns(f"1, 2\n{cell},3\n")
    assert math.isnan(found[1])
    assert list(other) == [2, 3]


@pytest.mark.parametrize("cell", ["x", "1_0", "1.2.3", "1e", "--1", "+", "e5", "1e+", "0x1"])
def test_a_column_with_text_is_found(cell):
    assert columns(f"1,2\n{cell},3\n")[1][0] is None


def test_columns_of_text_are_given_as_they_are_written():
    rows, (first, second, third) = columns("a b ,1,Ä\n ,2,\n", 3, {0, 2})
    assert (rows, first, list(second), third) == (2, ["a b ", ""], [1, 2], ["Ä", ""])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_every_delimiter_and_line_end_is_known(delimiter, end):
    _, found = columns(f"1{delimiter}2\n3{delimiter}4{end}", delimiter=delimiter)
    assert [list(column) for column in found] == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    "text", ['"1",2\n', "1,2\n\n3,4\n", "1\n2,3,4\n", "1,2,3\n4\n", "1,2\r3,4"]
)
def test_what_is_to_be_read_in_another_way_is_left(text):
    assert columns(text) is None


@pytest.mark.parametrize(("width", "delimiter"), [(1, ","), (2, " "), (2, "1")])
def test_what_could_be_mistaken_is_left(width, delimiter):
    assert columns(f"1{delimiter}2\n", width, delimiter=delimiter) is None


@pytest.fixture
def large_file(tmp_path, monkeypatch):
    """A file of many chunks."""
    path = tmp_path / "large.csv"
    lines = [f"{i},{i / 7!r},{'red' if i % 3 else 'blue'},{i % 5 or ''}" for i in range(2000)]
    path.write_text("\n".join(["n,x,colour,some", *lines]))
    monkeypatch.setattr(text_blocks, "BYTES", 5000)
    return path


def contents(table):
    return {name: (table.kind(name), table[name]) for name in table.names}


def test_a_large_file_is_read_alike_with_and_without_machine_code(large_file, monkeypatch):
    native = read_table(large_file)
    assert native.place(1999).endswith("line 2001")
    monkeypatch.setattr(cell_code, "cell_function", lambda: None)
    plain = read_table(large_file)
    assert contents(native) == contents(plain)
    assert native["x"][-1] == repr(1999 / 7)
    assert native.place(1999) == plain.place(1999)


def test_a_system_without_machine_code_is_noticed(monkeypatch):
    make = cell_code.cell_function.__wrapped__
    monkeypatch.setattr(cell_code, "is_x86_64", lambda: False)
    assert make() is None
    monkeypatch.undo()

    def refusing(*arguments):
        raise ExecutableMemoryError("mprotect refused")

    monkeypatch.setattr(cell_code, "NativeFunction", refusing)
    assert make() is None
