"""The table that a command works with."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from baregrad.cli.printable import printable
from baregrad.data.read import checked_options, read_table
from baregrad.data.source import STANDARD_INPUT
from baregrad.data.stream import two_passes
from baregrad.data.table import Kind, Table
from baregrad.errors import DataError

Found = TypeVar("Found")


def table_of(
    arguments: Namespace,
    columns: Collection[str] = (),
    text: bool = False,
    cache: Path | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Table:
    """The table in the file named on the command line, read as its options say.

    A first row with the names of all these columns is a header, unless the options say otherwise.
    With `text`, every cell is kept as it was written. The file `cache` and `kinds` are as for
    `read_table`.

    Raises:
        DataError, ArgumentError: it cannot be read.
    """
    _check_open(arguments)
    return read_table(
        arguments.file,
        arguments.delimiter,
        arguments.header,
        arguments.encoding,
        arguments.skip_rows,
        columns,
        kinds=kinds,
        text=text,
        cache=cache,
        decimal=arguments.decimal,
    )


def table_in_blocks(
    arguments: Namespace, columns: Collection[str], first: Callable[[Iterator[Table]], Found]
) -> AbstractContextManager[tuple[Found, Iterator[Table]]]:
    """The same table in blocks of rows, every cell as it was written: see `two_passes`.

    Raises:
        DataError, ArgumentError: it cannot be read.
    """
    _check_open(arguments)
    options = checked_options(
        *(arguments.delimiter, arguments.header, arguments.encoding, arguments.skip_rows),
        *(columns, None, True, arguments.decimal),
    )
    return two_passes(arguments.file, options, first)


def show_notes(notes: Iterable[str]) -> None:
    """Prints what was noticed when a table was read, to standard error."""
    for note in notes:
        print(f"baregrad: {printable(note)}", file=sys.stderr)


def _check_open(arguments: Namespace) -> None:
    if arguments.file == STANDARD_INPUT and not sys.stdin:  # as after `<&-` in a shell
        raise DataError("standard input is closed; give it a table, or name a file")
