"""The table that a command works with."""

from __future__ import annotations

from argparse import Namespace

from baregrad.data.csv_file import read_csv
from baregrad.data.table import Table


def table_of(arguments: Namespace) -> Table:
    """The table in the file named on the command line, read as its options say.

    Raises:
        DataError, ArgumentError: it cannot be read.
    """
    return read_csv(
        arguments.file,
        arguments.delimiter,
        arguments.header,
        arguments.encoding,
        arguments.skip_rows,
    )
