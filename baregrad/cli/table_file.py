"""The table that a command works with."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection

from baregrad.data.csv_file import read_csv
from baregrad.data.table import Table


def table_of(arguments: Namespace, columns: Collection[str] = ()) -> Table:
    """The table in the file named on the command line, read as its options say.

    A first row with the names of all these columns is a header, unless the options say otherwise.

    Raises:
        DataError, ArgumentError: it cannot be read.
    """
    return read_csv(
        arguments.file,
        arguments.delimiter,
        arguments.header,
        arguments.encoding,
        arguments.skip_rows,
        columns,
    )
