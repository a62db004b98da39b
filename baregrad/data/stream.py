"""Tables gone through in blocks of rows, so that only some rows are in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar

from baregrad.data.arrow import is_parquet, read_parquet
from baregrad.data.layout import Layout, Options, typed_blocks, with_layout
from baregrad.data.source import FilePath, opened, source_name
from baregrad.data.storage import TextCoder, Texts
from baregrad.data.table import Table

Found = TypeVar("Found")


@contextmanager
def two_passes(
    path: FilePath | Any, options: Options, first: Callable[[Iterator[Table]], Found]
) -> Iterator[tuple[Found, Iterator[Table]]]:
    """A block with what a first pass through a table found, and the table for a second pass.

    Only after the first pass is it known that the table is in order to its end. Its blocks have
    cells as they were written; of what kind a column is, they do not tell. A Parquet file comes as
    one block.

    Args:
        path: see `read_table`; standard input and pipes are kept in a temporary file meanwhile.
        options: how to read the table.
        first: goes through all blocks. If the encoding turns out to be another, it is called anew.

    Raises:
        DataError: as `read_table`.
    """
    name = source_name(path)
    with opened(path) as file:
        if is_parquet(file):
            table = read_parquet(file, name, options.kinds)
            yield first(iter([table])), iter([table])
            return

        def looked_through(layout: Layout) -> tuple[Found, Layout]:
            return first(_blocks(file, layout)), layout

        found, layout = with_layout(file, options, name, looked_through)
        yield found, _blocks(file, layout)


def _blocks(file: BinaryIO, layout: Layout) -> Iterator[Table]:
    """The rows of a table some after others; each block has texts of its own."""
    coders = {place: TextCoder() for place in range(len(layout.names))}
    for lines, parts in typed_blocks(file, layout, coders):
        columns = {
            name: Texts(part, coders[place].restart())
            for place, (name, part) in enumerate(zip(layout.names, parts, strict=True))
        }
        yield Table.stored(columns, layout.source, lines, {}, layout.notes)
