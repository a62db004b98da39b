"""Tables of other libraries, through the Arrow PyCapsule interface; and Parquet files.

The interface is a method ``__arrow_c_stream__``, which pandas, polars, pyarrow, DuckDB and others
have: "The Arrow PyCapsule Interface", in the format's documentation. nanoarrow reads
its structures.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, BinaryIO

from baregrad.data.arrow_column import NUMBERS, TEXTS, numbers_of_column, texts_of_column
from baregrad.data.storage import Numbers, Stored, TextCoder, Texts
from baregrad.data.table import Kind, Table
from baregrad.errors import DataError, MissingExtraError

PARQUET_MAGIC = b"PAR1"


def table_from_arrow(
    frame: Any, source: str = "the table", kinds: Mapping[str, Kind] | None = None
) -> Table:
    """The table in a data frame or other Arrow data; numbers become float64.

    Args:
        frame: with the method ``__arrow_c_stream__``.
        source: what messages call the table.
        kinds: what columns are, by name, where it is not to be found out.

    Raises:
        DataError: no columns, columns of the same name or of several types, or one of values that
            are neither numbers, text, booleans nor dates.
        MissingExtraError: nanoarrow is not installed.
    """
    nanoarrow = _package("nanoarrow", "tables of other libraries are read by it")
    with _stream(nanoarrow, frame, source) as stream:
        schema = nanoarrow.Schema(stream.get_schema())
        if schema.type.name != "STRUCT":
            raise DataError(f"{source} is a single column without a name; give a table")
        fields = list(schema.fields)
        _check_fields(fields, source)
        numeric = [field.type.name in NUMBERS for field in fields]
        coders = [TextCoder() for _ in fields]
        parts: list[array[Any]] = [array("d" if number else "q") for number in numeric]
        for chunk in stream:
            for place, field in enumerate(fields):
                column = chunk.child(place)
                start = chunk.offset + column.offset
                rows = range(start, start + chunk.length)
                if numeric[place]:
                    parts[place].extend(numbers_of_column(column, rows, field))
                else:
                    texts = texts_of_column(nanoarrow, column, rows, field.type.name)
                    parts[place].extend(coders[place].codes(texts))
    stored: dict[str, Stored] = {
        field.name: Numbers(part) if number else Texts(part, coder.texts())
        for field, number, part, coder in zip(fields, numeric, parts, coders, strict=True)
    }
    return Table.stored(stored, source, None, kinds)


def _stream(nanoarrow: Any, frame: Any, source: str) -> Any:
    try:
        return nanoarrow.c_array_stream(frame)
    except (ValueError, TypeError) as error:  # as pandas and pyarrow say it
        raise DataError(
            f"{source} cannot be read: {error}; each column must be of one type, with a name of "
            "its own"
        ) from error


def _check_fields(fields: Sequence[Any], source: str) -> None:
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        raise DataError(f"{source}: more than one column has the same name; rename them")
    for field in fields:
        if field.type.name not in NUMBERS | TEXTS:
            raise DataError(
                f"{source}, column {field.name!r} holds {field.type.name.lower()} values; make it "
                "numbers, text, booleans or dates, or leave it out"
            )


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
