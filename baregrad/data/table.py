"""Tables: columns of text with names, as they are in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from baregrad.data.cells import cleaned, number
from baregrad.errors import DataError, unknown_name

Kind: TypeAlias = Literal["number", "category"]
Cell: TypeAlias = "str | None"


class Table:
    """Named columns of equal length; each cell is text, or None where the value is missing.

    Args:
        columns: the cells of each column. Numbers become text; blanks, ``?``, ``NA``, ``nan`` and
            the like become None.
        source: what messages call the table, such as its file.
        lines: the line of the file that each row comes from; without, messages count rows from 0.

    Raises:
        DataError: no columns, or columns of different length.

    >>> table = Table({"length": ["1.5", "?"], "colour": ["red", "blue"]})
    >>> table["length"], table.kind("colour")
    (['1.5', None], 'category')
    """

    def __init__(
        self,
        columns: Mapping[str, Sequence[object]],
        source: str = "the table",
        lines: Sequence[int] | None = None,
    ) -> None:
        self.source = source
        self._given = {name: list(cells) for name, cells in columns.items()}
        self._columns = {name: [cleaned(c) for c in cells] for name, cells in self._given.items()}
        lengths = {name: len(cells) for name, cells in self._columns.items()}
        if len(set(lengths.values())) != 1:
            raise DataError(
                f"{source}: columns must have equal lengths, and these have {lengths}"
                if lengths
                else f"{source}: there are no columns"
            )
        self._unit = "row" if lines is None else "line"
        self._rows = range(len(self)) if lines is None else lines

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> list[Cell]:
        """The cells of a column.

        Raises:
            ArgumentError: there is no column of this name.
        """
        if name not in self._columns:
            raise unknown_name(f"column of {self.source}", name, self.names)
        return self._columns[name]

    def given(self, name: str) -> list[object]:
        """The cells of a column as they were given, with blanks, ``?`` and the like."""
        self[name]  # an unknown name raises
        return self._given[name]

    def __repr__(self) -> str:
        return f"Table({self.source}: {len(self)} rows, columns {', '.join(self.names)})"

    def kind(self, name: str) -> Kind:
        """``"number"`` if every cell that is not missing is a number, else ``"category"``."""
        is_number = all(cell is None or number(cell) is not None for cell in self[name])
        return "number" if is_number else "category"

    def numbers(self, name: str) -> list[float | None]:
        """The cells of a column as finite numbers, None where missing.

        Raises:
            DataError: a cell is something else; the message says where.
        """
        values = [None if cell is None else number(cell) for cell in self[name]]
        for row, (cell, value) in enumerate(zip(self[name], values, strict=True)):
            # value - value is NaN for infinity and NaN
            if cell is not None and (value is None or value - value != 0):
                raise DataError(
                    f"{self.place(row)}, column {name!r}: {cell!r} is not a finite number; "
                    "correct it, or leave it blank if it is not known"
                )
        return values

    def place(self, row: int) -> str:
        """How messages name a row: the file and line it comes from."""
        return f"{self.source}, {self._unit} {self._rows[row]}"

    def take(self, rows: Sequence[int]) -> Table:
        """A table of these rows, which messages still call as in this one."""
        columns = {name: [cells[i] for i in rows] for name, cells in self._given.items()}
        table = Table(columns, self.source, [self._rows[i] for i in rows])
        table._unit = self._unit
        return table

    def drop_missing(self, name: str) -> Table:
        """The rows that have a value in this column."""
        return self.take([i for i, cell in enumerate(self[name]) if cell is not None])
