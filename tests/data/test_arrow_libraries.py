"""Tables of pyarrow, pandas and polars, and Parquet files, with every kind of column."""

import datetime
import decimal
import os

import pytest

from baregrad.data.preprocess import Preprocessor
from baregrad.data.read import read_table
from baregrad.errors import ArgumentError, DataError

pytest.importorskip("nanoarrow")

LONG = "a text of more than twelve bytes, é"
DAY = datetime.date(2024, 2, 28)
MOMENT = datetime.datetime(2024, 2, 28, 12, 30)
VALUES = {
    "integer": [1, None, -3, 4, 5, 6],
    "float": [1.5, None, float("nan"), -2.25, 1e300, 0.1],
    "text": ["a", None, "", LONG, "b", LONG],
    "truth": [True, None, False, False, True, True],
    "day": [DAY, None, DAY, DAY, DAY, datetime.date(1969, 12, 31)],
    "moment": [MOMENT, None, MOMENT, MOMENT, MOMENT, MOMENT],
    "decimal": [decimal.Decimal(t) if t else None for t in ("1.25", "", "-0.50", "3", "4", "5")],
    "nothing": [None] * 6,
    "word": ["x", None, LONG, "x", "y", LONG],
}
CELLS = {
    "integer": ["1", None, "-3", "4", "5", "6"],
    "float": ["1.5", None, None, "-2.25", "1e+300", "0.1"],
    "text": ["a", None, None, LONG, "b", LONG],
    "truth": ["True", None, "False", "False", "True", "True"],
    "day": ["2024-02-28", None, *["2024-02-28"] * 3, "1969-12-31"],
    "moment": ["2024-02-28 12:30:00", None, *["2024-02-28 12:30:00"] * 4],
    "decimal": ["1.25", None, "-0.5", "3", "4", "5"],
    "nothing": [None] * 6,
    "word": ["x", None, LONG, "x", "y", LONG],
}
KINDS = {
    "truth": "boolean",
    "day": "date",
    "moment": "date",
    "text": "category",
    "word": "category",
}


def by_pyarrow():
    pa = pytest.importorskip("pyarrow")
    return pa.table({**VALUES, "word": pa.array(VALUES["word"]).dictionary_encode()})


def by_pyarrow_with_views():
    pa = pytest.importorskip("pyarrow")
    views = {name: pa.array(VALUES[name], pa.string_view()) for name in ("text", "word")}
    return pa.table({**VALUES, **views, "word": views["word"].dictionary_encode()})


def by_polars():
    pl = pytest.importorskip("polars")
    return pl.DataFrame({**VALUES, "word": pl.Series(VALUES["word"], dtype=pl.Categorical)})


def by_pandas():
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    return pd.DataFrame(
        {**VALUES, "integer": pd.array(VALUES["integer"], "Int64")}
        | {"word": pd.Categorical(VALUES["word"])}
    )


LIBRARIES = [by_pyarrow, by_pyarrow_with_views, by_polars, by_pandas]


def check(table, rows=slice(None)):
    assert {name: table[name] for name in table.names} == {n: c[rows] for n, c in CELLS.items()}
    assert {n: table.kind(n) for n in table.names} == {n: KINDS.get(n, "number") for n in CELLS}


@pytest.mark.parametrize("made", LIBRARIES)
def test_every_kind_of_column_is_read(made):
    check(read_table(made()))


@pytest.mark.parametrize("made", [by_pyarrow, by_pyarrow_with_views, by_polars])
@pytest.mark.parametrize(("first", "count"), [(1, 5), (2, 4), (0, 5), (3, 3)])
def test_slices_are_read_from_where_they_begin(made, first, count):
    check(read_table(made().slice(first, count)), slice(first, first + count))


def test_chunks_are_put_together():
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    for whole in (
        pl.concat([by_polars(), by_polars().slice(2, 3)], rechunk=False),
        pa.concat_tables([by_pyarrow(), by_pyarrow().slice(2, 3)]),
    ):
        table = read_table(whole)
        assert {n: table[n] for n in table.names} == {n: c + c[2:5] for n, c in CELLS.items()}


def test_a_struct_array_that_is_a_slice_is_read_from_where_it_begins():
    pa = pytest.importorskip("pyarrow")
    columns = [pa.array(VALUES[name]) for name in ("integer", "text")]
    whole = pa.StructArray.from_arrays(columns, ["integer", "text"]).slice(2, 3)
    table = read_table(pa.chunked_array([whole]))
    assert (table["integer"], table["text"]) == (CELLS["integer"][2:5], CELLS["text"][2:5])


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint64", "float16", "float32"])
def test_numbers_of_all_sizes_are_read_where_some_are_missing(kind):
    pa = pytest.importorskip("pyarrow")
    values = pa.array([None, 1, 2, None, 100], pa.int64()).cast(kind)
    table = read_table(pa.table({"x": values}).slice(1))
    assert table["x"] == ["1", "2", None, "100"]


@pytest.mark.parametrize("kind", ["decimal128", "decimal256"])
def test_decimals_are_the_nearest_floats(kind):
    pa = pytest.importorskip("pyarrow")
    texts = ["0.1", "-12345678901234567890.123456789", None]
    values = [decimal.Decimal(text) if text else None for text in texts]
    column = pa.array(values, getattr(pa, kind)(38, 9))
    assert list(read_table(pa.table({"x": column})).numbers("x"))[:2] == [
        float(t) for t in texts[:2]
    ]


def test_tables_without_rows_have_their_columns():
    for made in LIBRARIES[:3]:
        table = read_table(made().slice(0, 0))
        assert (len(table), table.names) == (0, list(VALUES))


def test_parquet_files_are_read(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    parquet.write_table(by_pyarrow(), path, row_group_size=4)
    table = read_table(path)
    check(table)
    assert table.place(1) == f"{path}, row 1"
    with pytest.raises(ArgumentError, match="a Parquet file has no cache"):
        read_table(path, cache=tmp_path / "cache")
    os.truncate(path, 100)
    with pytest.raises(DataError, match=r"t.parquet is a damaged Parquet file"):
        read_table(path)


def test_a_frame_is_preprocessed_as_the_table_from_a_file_is(tmp_path):
    pl = pytest.importorskip("polars")
    columns = {"size": [1.5, 2.0, None, 4.0] * 5, "colour": ["red", "blue"] * 10}
    columns["price"] = [float(i * i) for i in range(20)]
    frame = pl.DataFrame(columns)
    path = tmp_path / "t.csv"
    frame.write_csv(path)
    states = [Preprocessor.fit(table, "price").state() for table in map(read_table, (frame, path))]
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ([("a", [1, "x"])], "the table cannot be read: .*each column must be of one type"),
        ([("a", [1, 2]), ("a", [3, 4])], "with a name of its own"),
    ],
)
def test_a_data_frame_that_has_no_arrow_form_is_refused(columns, said):
    pd = pytest.importorskip("pandas")
    frame = pd.concat([pd.Series(cells, name=name) for name, cells in columns], axis=1)
    with pytest.raises(DataError, match=said):
        read_table(frame)
