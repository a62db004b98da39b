"""Tables: columns with names, each of a kind."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from baregrad.data.cells import days, number, only_placeholders, truth
from baregrad.data.storage import (
    Cell,
    Floats,
    Numbers,
    Stored,
    Texts,
    number_text,
    stored_column,
    taken,
)
from baregrad.errors import DataError, counted, listed, unknown_name

Kind: TypeAlias = Literal["number", "category", "boolean", "date"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROWS_SHOWN, COLUMNS_SHOWN = 5, 20  # in notebooks
BLOCK_CELLS, BLOCK_ROWS = 1 << 22, 1 << 10  # how many to go through at a time, and at least

# How the text of a cell becomes a number, and what to say where it does not.
READERS = {
    "number": (number, "is not a finite number"),
    "boolean": (truth, "is neither true nor false"),
    "date": (days, "is not a date such as 2024-03-31"),
}


class Table:
    """Named columns of equal length.

    Columns of numbers lie in memory as float64, of others each different text once.

    Args:
        columns: the cells of each column. What looks like a number is one; blanks, ``?``, ``NA``,
            ``nan`` and the like are missing values.
        source: what messages call the table, such as its file.
        lines: the line of the file that each row comes from; without, messages count rows from 0.
        kinds: what columns are, where it is not to be found out, by name: ``"number"``,
            ``"category"``, ``"boolean"`` or ``"date"``.

    Raises:
        DataError: no columns, or columns of different length.
        ArgumentError: an unknown kind, or one of a column that is not there.

    Attributes:
        source: as above.
        notes: what was noticed when the table was read, in words.
        is_mapped: whether it is in a mapped file, and not in memory.

    >>> table = Table({"length": ["1.5", "?"], "colour": ["red", "blue"]})
    >>> table["length"], table.kind("colour")
    (['1.5', None], 'category')
    """

    def __init__(
        self,
        columns: Mapping[str, Sequence[object]],
        source: str = "the table",
        lines: Sequence[int] | None = None,
        kinds: Mapping[str, Kind] | None = None,
    ) -> None:
        stored = {name: stored_column(cells) for name, cells in columns.items()}
        self._set(stored, source, lines, kinds or {}, ())

    @classmethod
    def stored(
        cls,
        columns: Mapping[str, Stored],
        source: str,
        lines: Sequence[int] | None = None,
        kinds: Mapping[str, Kind] | None = None,
        notes: Sequence[str] = (),
    ) -> Table:
        """A table of columns as they are in memory.

        The arguments are those of `Table`, and `notes` on what was noticed.
        """
        table = cls.__new__(cls)
        table._set(columns, source, lines, kinds or {}, notes)
        return table

    def _set(
        self,
        columns: Mapping[str, Stored],
        source: str,
        lines: Sequence[int] | None,
        kinds: Mapping[str, Kind],
        notes: Sequence[str],
    ) -> None:
        self.source = source
        self.notes = list(notes)
        self._columns = dict(columns)
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) != 1:
            raise DataError(
                f"{source}: columns must have equal lengths, and these have {lengths}"
                if lengths
                else f"{source}: there are no columns"
            )
        # Of a table in a mapped file columns and lines stay whole, whatever rows are taken of it.
        self.is_mapped = any(column.is_mapped for column in columns.values())
        self._chosen: Sequence[int] = range(next(iter(lengths.values())))
        self._lines: Sequence[int] = self._chosen if lines is None else lines
        self._unit = "row" if lines is None else "line"
        for name, kind in kinds.items():
            self._column(name)  # an unknown name raises
            checked_kind_name(kind)
        self._kinds: dict[str, Kind] = dict(kinds)  # as given
        self._found: dict[str, Kind] = {}
        self._occurring: dict[str, set[Cell]] = {}  # the different texts of columns of text

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self._columns)

    @property
    def given_kinds(self) -> dict[str, Kind]:
        """The kinds that were given, by the names of their columns."""
        return dict(self._kinds)

    def __len__(self) -> int:
        return len(self._chosen)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> list[Cell]:
        """The cells of a column as text, None where missing.

        Raises:
            ArgumentError: there is no column of this name.
        """
        return self._column(name).cells()

    def _column(self, name: str) -> Stored:
        if name not in self._columns:
            raise unknown_name(f"column of {self.source}", name, self.names)
        column = self._columns[name]
        return column.take(self._chosen) if self.is_mapped else column

    def given(self, name: str) -> list[str]:
        """The cells of a column as they were written, of a column of numbers as short as can be.

        A table that is read with ``text=True`` has every cell as it was written.
        """
        column = self._column(name)
        if isinstance(column, Texts):
            return list(map(column.given.__getitem__, column.codes))
        return [cell or "" for cell in column.cells()]

    def __repr__(self) -> str:
        return f"Table({self.source}: {counted(len(self), 'row')}, columns {listed(self.names)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Names, kinds and first cells of the columns for notebooks, and text for terminals."""
        from baregrad.tensor import notebook  # most tables are not looked at

        names, few = self.names[:COLUMNS_SHOWN], self.take(range(min(ROWS_SHOWN, len(self))))
        cells = zip(*([cell or "" for cell in few[name]] for name in names), strict=True)
        rows = [list(map(self.kind, names)), *map(list, cells)]
        rows += [[notebook.GAP] * len(names)] if len(self) > ROWS_SHOWN else []
        if len(self.names) > COLUMNS_SHOWN:
            rows = [[*row, notebook.GAP] for row in rows]
            names.append(notebook.GAP)
        words = "".join(map(notebook.paragraph, [repr(self), *self.notes]))
        return notebook.bundle(repr(self), words + notebook.table(rows, names))

    def kind(self, name: str) -> Kind:
        """What a column is: as given, or else as all its cells that are not missing look.

        ``"number"``; ``"boolean"`` for true and false, yes and no, t and f, y and n;
        ``"date"``; or else ``"category"``.
        """
        column = self._column(name)
        if name in self._kinds:
            return self._kinds[name]
        if name not in self._found:
            is_text = isinstance(column, Texts)
            self._found[name] = _kind_of(self._texts(name)) if is_text else "number"
        return self._found[name]

    def _texts(self, name: str) -> set[Cell]:
        """The different texts of a column of text, None if some are missing.

        Of a table in a mapped file all such columns are looked through at once.
        """
        if name not in self._occurring:
            texts = [n for n, c in self._columns.items() if isinstance(c, Texts) and c.is_mapped]
            found: dict[str, set[Cell]] = {n: set() for n in texts or [name]}
            for block in self._blocks(list(found)):
                for other, column in block._columns.items():
                    assert isinstance(column, Texts)
                    found[other] |= {column.texts[code] for code in set(column.codes)}
            self._occurring |= found
        return self._occurring[name]

    def distinct(self, name: str) -> set[str]:
        """The different texts of a column, without missing."""
        column = self._column(name)
        if isinstance(column, Numbers):
            return {number_text(value) for value in set(column.values) if value == value}
        return {text for text in self._texts(name) if text is not None}

    def has_missing(self, name: str) -> bool:
        """Whether a column lacks a value in some rows."""
        column = self._column(name)
        return None in self._texts(name) if isinstance(column, Texts) else any(column.missing())

    def numbers(self, name: str, kind: Kind | None = None) -> Floats:
        """The cells of a column as finite numbers, float64, NaN where missing; not to be changed.

        Booleans are 1 and 0; dates count days since 1970-01-01.

        Args:
            name: of the column.
            kind: how to read it; by default as a boolean or date if it is one, else as a number.

        Raises:
            DataError: a cell is something else; the message says where.
        """
        column = self._column(name)
        kind = kind or self.kind(name)
        reader, problem = READERS["number" if kind == "category" else kind]
        if isinstance(column, Texts):
            known, odd = column.read(reader)
            row = next((r for r, c in enumerate(column.codes) if c in odd), None) if odd else None
            values: Floats = array("d", map(known.__getitem__, column.codes))
        else:
            values = column.values
            row = _odd_number(values, kind)
        if row is not None:
            raise DataError(
                f"{self.place(row)}, column {name!r}: {column.take([row]).cells()[0]!r} {problem}; "
                "correct it, or leave it blank if it is not known"
            )
        return values

    def place(self, row: int) -> str:
        """How messages name a row: the file and line it comes from."""
        return f"{self.source}, {self._unit} {self._lines[self._chosen[row]]}"

    def take(self, rows: Sequence[int]) -> Table:
        """A table of these rows, which messages still call as in this one.

        Of a table in a mapped file nothing is copied.
        """
        if self.is_mapped:
            table = self._with(self._columns, self._lines)
            table._chosen = taken(self._chosen, rows, "q")
            return table
        columns = {name: column.take(rows) for name, column in self._columns.items()}
        return self._with(columns, taken(self._lines, rows, "q"))

    def _with(self, columns: Mapping[str, Stored], lines: Sequence[int]) -> Table:
        """Other rows or columns, of the same names."""
        kinds = {name: kind for name, kind in self._kinds.items() if name in columns}
        table = Table.stored(columns, self.source, lines, kinds, self.notes)
        table._unit = self._unit
        return table

    def blocks(self, names: Collection[str] | None = None) -> Iterator[Table]:
        """Some rows after the others, in memory; how many depends on how many columns there are.

        Their columns are of the kinds that they have in the whole table.

        Args:
            names: the columns wanted; by default all.
        """
        names = self.names if names is None else list(names)
        kinds = {name: self.kind(name) for name in names}
        for block in self._blocks(names):
            block._found |= kinds
            yield block

    def _blocks(self, names: Sequence[str]) -> Iterator[Table]:
        size = max(BLOCK_ROWS, BLOCK_CELLS // len(self._columns))
        columns = {name: self._column(name) for name in names}
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            lines = taken(self._lines, self._chosen[rows], "q")
            parts = {name: column.loaded(rows) for name, column in columns.items()}
            yield self._with(parts, lines)

    def missing_rows(self, name: str) -> list[int]:
        """The rows in which a column has no value."""
        return [row for row, gone in enumerate(self._missing(name)) if gone]

    def drop_missing(self, name: str) -> Table:
        """The rows that have a value in this column."""
        present = array("q", (row for row, gone in enumerate(self._missing(name)) if not gone))
        return self if len(present) == len(self) else self.take(present)

    def _missing(self, name: str) -> Iterator[bool]:
        column, kind = self._column(name), self.kind(name)
        if isinstance(column, Texts) and kind != "category":
            return column.missing(READERS[kind][0])
        return column.missing()


def checked_kind_name(kind: object) -> Kind:
    """`kind`, if it is one.

    Raises:
        ArgumentError: it is not.
    """
    for known in KINDS:
        if known == kind:
            return known
    raise unknown_name("kind of column", kind, KINDS)


def _kind_of(texts: Collection[Cell]) -> Kind:
    known = [text for text in texts if text is not None]
    if only_placeholders(known):
        return "category"
    if all(number(text) is not None for text in known):
        return "number"
    if all(truth(text) is not None for text in known):
        return "boolean"
    return "date" if all(days(text) is not None for text in known) else "category"


def _odd_number(values: Sequence[float], kind: Kind) -> int | None:
    """The first row whose number cannot be of this kind; None if there is none."""
    total = sum(values) if kind in ("number", "category") else math.nan
    if total - total == 0:  # then nothing is missing or infinite
        return None
    for row, value in enumerate(values):
        if value == value and not _can_be(value, kind):
            return row
    return None


def _can_be(value: float, kind: Kind) -> bool:
    if kind == "boolean":
        return value in (0, 1)
    return kind != "date" and math.isfinite(value)
