"""Results of one seed after another, kept in a file; what they come to; and tables of that."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple


class Result(NamedTuple):
    """A test error; and how long preprocessing and training took."""

    error: float
    seconds: float


class Record:
    """Results in a JSON file, by what was measured, and by seed.

    It is written anew after each of them, so that a run that is stopped goes on where it was.

    Args:
        path: of the file; None to keep nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        exists = path is not None and path.exists()
        self._found: dict[str, dict[str, Sequence[float]]] = (
            json.loads(path.read_text()) if path is not None and exists else {}
        )

    def result(self, what: str, seed: int, measure: Callable[[], Result]) -> Result:
        """What is recorded, or else what is measured now."""
        results = self._found.setdefault(what, {})
        if str(seed) not in results:
            results[str(seed)] = measure()
            self._write()
        return Result(*results[str(seed)])

    def _write(self) -> None:
        if self._path is not None:
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(self._found, indent=1) + "\n")
            os.replace(draft, self._path)


def standard_error(values: Sequence[float]) -> float:
    """Of their mean; NaN for a single one."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan


def estimate(values: Sequence[float]) -> str:
    """Their mean ± its standard error, if there are two or more."""
    error = f" ± {standard_error(values):.2g}" if len(values) > 1 else ""
    return f"{mean(values):.4g}{error}"


def verdict(differences: Sequence[float]) -> str:
    """Who is better, and whether by more than two standard errors of the differences by seed."""
    difference = mean(differences)
    if abs(difference) < 1e-9:  # the same errors, in another order
        return "equal"
    who = "better" if difference < 0 else "worse"
    is_clear = abs(difference) > 2 * standard_error(differences)
    return f"**{who}**" if is_clear else f"{who}, within the noise"


def row(cells: Sequence[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def head(columns: Sequence[str]) -> str:
    """The two lines above a table."""
    return f"{row(columns)}\n|{'---|' * len(columns)}"


def renew(path: Path, columns: Sequence[str], cells: Sequence[str]) -> None:
    """Puts a line into the table with these columns in a file.

    It replaces the one with the same first cell, if there is one; without the table, it is begun at
    the end of the file.
    """
    lines = path.read_text().splitlines() if path.exists() else []
    if row(columns) not in lines:
        lines += ["", *head(columns).splitlines()] if lines else head(columns).splitlines()
    place = lines.index(row(columns)) + 2
    while place < len(lines) and lines[place].startswith("|"):
        if lines[place].startswith(f"| {cells[0]} |"):
            del lines[place]
            break
        place += 1
    lines.insert(place, row(cells))
    path.write_text("\n".join(lines) + "\n")
