"""Tables of other libraries, through the Arrow PyCapsule interface; and Parquet files.

The interface is a method ``__arrow_c_stream__``, which pandas, polars, pyarrow, DuckDB and others
have: "The Arrow PyCapsule Interface", in the format's documentation. nanoarrow reads
its structures.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, BinaryIO

from baregrad.data.storage import Numbers, Stored, TextCoder, Texts
from baregrad.data.table import Kind, Table
from baregrad.errors import DataError, MissingExtraError

PARQUET_MAGIC = b"PAR1"
INTEGERS = {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
NUMBERS = {*INTEGERS, "HALF_FLOAT", "FLOAT", "DOUBLE", "DECIMAL128", "DECIMAL256"}
TEXTS = {"STRING", "LARGE_STRING", "STRING_VIEW", "DICTIONARY"}
SHOWN = {*TEXTS, "BOOL", "NULL", "DATE32", "DATE64", "TIMESTAMP"}  # read by how Python writes them


def table_from_arrow(
    frame: Any, source: str = "the table", kinds: Mapping[str, Kind] | None = None
) -> Table:
    """The table in a data frame or other Arrow data; numbers become float64.

    Args:
        frame: with the method ``__arrow_c_stream__``.
        source: what messages call the table.
        kinds: what columns are, by name, where it is not to be found out.

    Raises:
        DataError: no columns, columns of the same name, or one of values that are neither numbers,
            text, booleans nor dates.
        MissingExtraError: nanoarrow is not installed.
    """
    nanoarrow = _package("nanoarrow", "tables of other libraries are read by it")
    stream = nanoarrow.ArrayStream(frame)
    if stream.schema.type.name != "STRUCT":
        raise DataError(f"{source} is a single column without a name; give a table")
    names = [str(field.name) for field in stream.schema.fields]
    types = [field.type.name for field in stream.schema.fields]
    if len(set(names)) < len(names):
        raise DataError(f"{source}: more than one column has the same name; rename them")
    for name, found in zip(names, types, strict=True):
        if found not in NUMBERS | SHOWN:
            raise DataError(
                f"{source}, column {name!r} holds {found.lower()} values; make it numbers, text, "
                "booleans or dates, or leave it out"
            )
    numeric = [found in NUMBERS for found in types]
    coders = [TextCoder() for _ in names]
    parts: list[array[Any]] = [array("d" if number else "q") for number in numeric]
    for chunk in stream:
        for place, column in enumerate(chunk.iter_children()):
            if numeric[place]:
                parts[place].extend(_numbers(column))
            else:
                parts[place].extend(coders[place].codes(_texts(column)))
    stored: dict[str, Stored] = {
        name: Numbers(part) if number else Texts(part, coder.texts())
        for name, number, part, coder in zip(names, numeric, parts, coders, strict=True)
    }
    return Table.stored(stored, source, None, kinds)


def _numbers(column: Any) -> array[float]:
    """A chunk of a column as numbers, NaN where missing."""
    nan = float("nan")
    values = column.to_pysequence() if not column.buffer(0).size_bytes else column.to_pylist()
    return array("d", [nan if value is None else float(value) for value in values])


def _texts(column: Any) -> Iterator[str]:
    return ("" if value is None else str(value) for value in column.iter_py())


def is_parquet(file: BinaryIO) -> bool:
    """Whether a file, at its beginning, is a Parquet file."""
    return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def read_parquet(file: BinaryIO, source: str, kinds: Mapping[str, Kind]) -> Table:
    """The table in a Parquet file.

    Raises:
        DataError: the file is damaged, or as for `table_from_arrow`.
        MissingExtraError: pyarrow or nanoarrow is not installed.
    """
    parquet = _package("pyarrow.parquet", f"{source} is a Parquet file, which it reads")
    file.seek(0)
    try:
        frame = parquet.read_table(file)
    except (ValueError, OSError) as error:
        raise DataError(f"{source} is a damaged Parquet file: {error}") from error
    return table_from_arrow(frame, source, kinds)


def _package(name: str, purpose: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        package = name.split(".")[0]
        raise MissingExtraError(
            f"{package} is not installed; {purpose}: pip install 'baregrad[tables]'"
        ) from None
