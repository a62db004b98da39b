"""Tables of other libraries: what they hand over is made by nanoarrow here."""

import array
import sys
from types import SimpleNamespace

import pytest

from baregrad.data.read import read_table
from baregrad.errors import ArgumentError, DataError, MissingExtraError

na = pytest.importorskip("nanoarrow")


def frame(**columns):
    """A table of columns, each given as (values, type)."""
    arrays = {name: na.c_array(values, kind) for name, (values, kind) in columns.items()}
    schema = na.struct({name: kind for name, (_, kind) in columns.items()})
    rows = len(next(iter(arrays.values())))
    return na.Array(na.c_array_from_buffers(schema, rows, [None], children=arrays.values()))


@pytest.mark.parametrize(
    "kind", [na.int8(), na.uint16(), na.int32(), na.int64(), na.float32(), na.float64()]
)
def test_numbers_of_every_size_are_numbers(kind):
    table = read_table(frame(x=([1, 2, 3], kind)))
    assert (table.kind("x"), list(table.numbers("x"))) == ("number", [1, 2, 3])


def test_what_is_null_is_missing():
    table = read_table(frame(x=([1, None], na.int64()), s=(["a", None], na.string())))
    assert (table["x"], table["s"]) == (["1", None], ["a", None])


def test_text_and_booleans_have_their_kinds():
    table = read_table(frame(s=(["a", "b"], na.string()), b=([True, False], na.bool_())))
    assert [table.kind(name) for name in "sb"] == ["category", "boolean"]
    assert list(table.numbers("b")) == [1, 0]


def test_days_are_dates():
    days = na.c_array_from_buffers(na.date32(), 2, [None, array.array("i", [2, 0])])
    whole = na.c_array_from_buffers(na.struct({"d": na.date32()}), 2, [None], children=[days])
    table = read_table(na.Array(whole))
    assert (table.kind("d"), list(table.numbers("d"))) == ("date", [2, 0])


def test_chunks_are_put_together():
    parts = [frame(x=([1.0], na.float64())), frame(x=([2.0, 3.0], na.float64()))]
    whole = na.Array.from_chunks([part.chunk(0) for part in parts])
    assert list(read_table(whole).numbers("x")) == [1, 2, 3]


def test_the_kind_of_a_column_can_be_given():
    table = read_table(frame(zip=([1, 2], na.int64())), kinds={"zip": "category"})
    assert table.kind("zip") == "category"
    with pytest.raises(ArgumentError, match="unknown column of the table 'zap'"):
        read_table(frame(zip=([1, 2], na.int64())), kinds={"zap": "category"})


def test_values_that_are_no_cells_are_refused_with_the_column():
    lists = na.c_array_from_buffers(na.binary(), 1, [None, array.array("i", [0, 1]), b"a"])
    schema = na.struct({"v": na.binary()})
    whole = na.c_array_from_buffers(schema, 1, [None], children=[lists])
    with pytest.raises(DataError, match="column 'v' holds binary values; make it numbers"):
        read_table(na.Array(whole))


def test_a_column_alone_is_no_table():
    with pytest.raises(DataError, match="a single column without a name"):
        read_table(na.Array([1, 2], na.int64()))


def test_two_columns_of_one_name_are_refused():
    column = na.c_array([1.0], na.float64())
    schema = na.struct([na.float64(), na.float64()])
    whole = na.c_array_from_buffers(schema, 1, [None], children=[column, column])
    with pytest.raises(DataError, match="more than one column has the same name"):
        read_table(na.Array(whole))


def test_without_nanoarrow_the_message_says_what_to_install(monkeypatch):
    table = frame(x=([1], na.int64()))
    monkeypatch.setitem(sys.modules, "nanoarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'baregrad\[tables\]'"):
        read_table(table)


@pytest.fixture
def parquet_file(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 and more")
    return path


def test_a_parquet_file_is_read_by_pyarrow(parquet_file, monkeypatch):
    def reading(file):
        assert file.read() == b"PAR1 and more"
        return frame(x=([1, 2], na.int64()))

    monkeypatch.setitem(sys.modules, "pyarrow", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", SimpleNamespace(read_table=reading))
    table = read_table(parquet_file)
    assert list(table.numbers("x")) == [1, 2]
    assert table.place(0) == f"{parquet_file}, row 0"


def test_a_damaged_parquet_file_is_named(parquet_file, monkeypatch):
    def reading(file):
        raise ValueError("no footer")

    monkeypatch.setitem(sys.modules, "pyarrow", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", SimpleNamespace(read_table=reading))
    with pytest.raises(DataError, match=r"t.parquet is a damaged Parquet file: no footer"):
        read_table(parquet_file)


def test_without_pyarrow_a_parquet_file_says_what_to_install(parquet_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"is a Parquet file.*baregrad\[tables\]"):
        read_table(parquet_file)
