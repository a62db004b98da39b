"""Text from files, which may come from anybody, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def printable(text: str) -> str:
    r"""The text with everything but letters and signs escaped, which could steer a terminal.

    >>> printable("größe \x1b[2J")
    'größe \\x1b[2J'
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def aligned(rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells as lines, with the cells of a column below each other."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
