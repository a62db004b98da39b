"""A text table as blocks of rows, so that it need not be in memory as a whole."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, BinaryIO, NamedTuple

from baregrad.errors import DataError, counted

BYTES = 1 << 19  # in a block, about: its cells fit into a processor's cache
SKIP = " (skip_rows, or --skip-rows)"
UNFINISHED = "unexpected end of data"  # what the csv module says of a quotation without an end


class Block(NamedTuple):
    """Rows that are not blank, and the line of the file on which each ends."""

    rows: list[list[str]]
    lines: list[int]


def text_chunks(file: BinaryIO, encoding: str, skip_rows: int, source: str) -> Iterator[str]:
    """The text of a file from its beginning, some whole lines at a time.

    Raises:
        DataError: it contains zero bytes.
        UnicodeError: it is not text of this encoding.
    """
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    text = ""
    while True:
        # As much as there is already, so that a line without an end is not joined again and again.
        content = file.read(max(BYTES, len(text)))
        text += decoder.decode(content, not content)
        if "\0" in text:
            raise DataError(
                f"{source} is not a text table: it contains zero bytes; save a spreadsheet as CSV; "
                "if it is text, say which encoding it has, such as utf-16-le"
            )
        end = _last_line_end(text) if content else len(text)
        chunk, text = text[:end], text[end:]
        while skip_rows and chunk:
            chunk = chunk[_first_line_end(chunk) :]
            skip_rows -= 1
        if chunk:
            yield chunk
        if not content:
            return


def _last_line_end(text: str) -> int:
    """Where the last whole line ends; a carriage return at the very end may go on with a feed."""
    return text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1


def _first_line_end(text: str) -> int:
    return len(StringIO(text, newline="").readline())


class RowReader:
    """Takes the rows out of the text of a table, chunk by chunk.

    Args:
        delimiter: what separates cells.
        line: how many lines of the file come before.
        source: what messages call the file.

    Attributes:
        line: how many lines of the file are before the next chunk.
        begun: text that belongs to the next chunk, as a cell in quotes goes on there.
    """

    def __init__(self, delimiter: str, line: int, source: str) -> None:
        self.line = line
        self.begun = ""
        self._delimiter = delimiter
        self._source = source

    def rows(self, chunk: str) -> Block:
        """The rows that end in a chunk, which may be none.

        Raises:
            DataError: a quotation that is not closed or not doubled.
        """
        text = self.begun + chunk
        reader = _reader(text, self._delimiter)
        block = Block([], [])
        try:
            for row in reader:
                if len(row) > 1 or "".join(row).strip():
                    block.rows.append(row)
                    block.lines.append(self.line + reader.line_num)
        except csv.Error as error:
            if UNFINISHED not in str(error):
                raise self._quotation(reader.line_num, error) from None
            self.begun = text
            return Block([], [])
        self.begun = ""
        self.line += reader.line_num
        return block

    def finish(self) -> None:
        """Says that there are no more chunks.

        Raises:
            DataError: a quotation does not end.
        """
        if self.begun:
            raise self._quotation(len(self.begun.splitlines()), UNFINISHED)

    def _quotation(self, line: int, problem: object) -> DataError:
        return DataError(
            f"{self._source}, line {self.line + line}: {problem}; look for a double quote that is "
            "not closed or not doubled"
        )


def _reader(text: str, delimiter: str) -> Any:
    lines = StringIO(text, newline="")
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)


def check_widths(
    rows: Sequence[Sequence[str]], lines: Sequence[int], width: int, first: int, source: str
) -> None:
    """Every row must have as many cells as the first of the table.

    Args:
        rows: to be checked.
        lines: of the file, on which they end.
        width: how many cells the first row has.
        first: its line.
        source: what messages call the file.

    Raises:
        DataError: one has not.
    """
    widths = list(map(len, rows))
    if set(widths) <= {width}:
        return
    row = next(row for row, found in enumerate(widths) if found != width)
    found, wanted = counted(widths[row], "cell"), counted(width, "cell")
    advice = "every row must have the same number (is the delimiter right?)"
    if lines[0] == first and row == 1:
        advice += f"; lines above the table can be skipped{SKIP}"
        if len(set(widths[1:])) == 1:
            advice = f"as only the first differs, skip it{SKIP}, or name every column"
    raise DataError(
        f"{source}, line {lines[row]}: {found}, and {wanted} in the first row, line {first}; "
        f"{advice}"
    )
