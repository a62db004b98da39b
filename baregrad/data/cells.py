"""The cells of a table: text, a number in text, or nothing."""

from __future__ import annotations

# What people and programs write where a value is missing, in lower case.
MISSING = frozenset(("", "?", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none"))


def cleaned(cell: object) -> str | None:
    """A cell as text without blanks around it; None if the value is missing.

    >>> cleaned(" 3.5 "), cleaned(3.5), cleaned("N/A")
    ('3.5', '3.5', None)
    """
    if cell is None:
        return None
    text = cell.strip() if isinstance(cell, str) else str(cell)
    return None if text.lower() in MISSING else text


def number(text: str) -> float | None:
    """The number that a text stands for, infinity included; None if it is none."""
    if "_" in text:  # Python would read 1_000
        return None
    try:
        return float(text)
    except ValueError:
        return None
