"""Cells of a text table by machine code, for what is large: the numbers among them as float64."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, TypeAlias

from baregrad.data.dialect import DELIMITERS
from baregrad.data.storage import numbers_of

if TYPE_CHECKING:
    from baregrad.machine.function import NativeFunction

Cells: TypeAlias = "array[float] | Sequence[str]"  # of a column: as numbers, or as text


class NativeCells:
    """Reads chunks of a text table.

    Args:
        delimiter: what separates cells.
        width: how many columns there are.
        texts: the places of those that are not numbers.
    """

    def __init__(self, delimiter: str, width: int, texts: Collection[int]) -> None:
        self._delimiter = delimiter
        self._width = width
        self._texts = sorted(texts)

    def columns(self, chunk: str) -> tuple[int, list[Cells | None]] | None:
        """How many rows a chunk of whole lines has, and its columns.

        None stands for a column of numbers with text in it; or for all, if there are quotation
        marks, blank lines, or rows with another number of cells, and they must be read in another
        way.
        """
        # A row of one column may be blank, and is then no row.
        if '"' in chunk or self._width == 1 or self._delimiter not in DELIMITERS:
            return None
        text = chunk.replace("\r\n", "\n") if "\r" in chunk else chunk
        text = text if text.endswith("\n") else text + "\n"
        rows = text.count("\n")
        if "\r" in text or text.count(self._delimiter) != rows * (self._width - 1):
            return None
        from baregrad.data.cell_code import cell_function  # loads the assembler

        function = cell_function()
        columns = None if function is None else self._read(function, text, rows)
        return None if columns is None else (rows, columns)

    def _read(self, function: NativeFunction, text: str, rows: int) -> list[Cells | None] | None:
        from baregrad.data.cell_code import REST, powers_of_ten

        width, content = self._width, text.encode()
        raw = array("b", content)
        numbers = array("d", bytes(8 * rows * width))
        spans = array("q", bytes(16 * rows * len(self._texts)))
        rest = array("q", bytes(24 * rows * (width - len(self._texts))))
        is_text = array("b", [place in self._texts for place in range(width)])
        powers = powers_of_ten()
        start, out, rest_start = (x.buffer_info()[0] for x in (raw, numbers, rest))
        places = [x.buffer_info()[0] for x in (spans, rest, is_text)]
        last = [width, ord(self._delimiter), powers.buffer_info()[0]]
        parameters = array("q", [start, start + len(raw), out, *places, *last])
        if function(parameters.buffer_info()[0]):
            return None
        source = text if len(text) == len(content) else content
        left = rest[: (parameters[REST] - rest_start) // 8]
        broken = set()
        for address, begin, end in zip(left[0::3], left[1::3], left[2::3], strict=True):
            place = (address - out) // 8
            value = numbers_of(_texts(source, [begin], [end]))
            if value is None:
                broken.add(place % width)
            else:
                numbers[place] = value[0]
        columns: list[Cells | None] = [
            None if place in broken else numbers[place::width] for place in range(width)
        ]
        step = 2 * len(self._texts)
        for number, place in enumerate(self._texts):
            begins, ends = spans[2 * number :: step], spans[2 * number + 1 :: step]
            columns[place] = _texts(source, begins, ends)
        return columns


def _texts(source: str | bytes, begins: Sequence[int], ends: Sequence[int]) -> list[str]:
    """Parts of a text, or of its bytes where some letters are of several."""
    parts = map(source.__getitem__, map(slice, begins, ends))
    return list(parts if isinstance(source, str) else map(bytes.decode, parts))  # type: ignore[arg-type]
