"""The cells of a table: text, a number in text, true or false, a date, or nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime

# What people and programs write where a value is missing, in lower case; and what they write among
# numbers and dates, while elsewhere it may be a category.
MISSING = frozenset(
    (
        *("", "?", "na", "n/a", "#na", "#n/a", "<na>", "nan", "-nan", "nat", "null", "none"),
        *("#div/0!", "#name?", "#null!", "#num!", "#ref!", "#value!"),  # of spreadsheets
    )
)
PLACEHOLDERS = frozenset(("-", "--", ".", ".."))

# What they write for true and false, in lower case.
TRUTHS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "t": 1.0, "f": 0.0, "y": 1.0, "n": 0.0}

# Two orders of year, month and day that cannot be mistaken: ISO 8601, and the one with full stops.
YEAR_FIRST = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ](.+))?", re.ASCII)
DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: (.+))?", re.ASCII)

SECONDS_PER_DAY = 86400


def cleaned(cell: object) -> str | None:
    """A cell as text without blanks around it; None if the value is missing.

    >>> cleaned(" 3.5 "), cleaned(3.5), cleaned("N/A")
    ('3.5', '3.5', None)
    """
    if cell is None:
        return None
    text = cell.strip() if isinstance(cell, str) else str(cell)
    return None if text.lower() in MISSING else text


def only_placeholders(cells: Iterable[object]) -> bool:
    """Whether cells have dashes and the like and no other values, so that these are categories."""
    found = False
    for cell in cells:
        text = cleaned(cell)
        if text is not None and text not in PLACEHOLDERS:
            return False
        found |= text is not None
    return found


def number(text: str) -> float | None:
    """The number that a text stands for, infinity included; None if it is none.

    It is NaN for a placeholder, such as a dash.
    """
    if "_" in text:  # Python would read 1_000
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan if text in PLACEHOLDERS else None


def truth(text: str) -> float | None:
    """1 for ``true``, ``yes``, ``t``, ``y`` or 1, 0 for their opposites, else None."""
    known = TRUTHS.get(text.lower())
    if known is None and (value := number(text)) in (0, 1):
        return value
    return known


def days(text: str) -> float | None:
    """A date, with or without a time of day, as days since 1970-01-01; None if it is none.

    It is NaN for a placeholder, such as a dash. Read are ``2024-03-31``, ``2024/3/31`` and
    ``31.3.2024``, with a time as in ISO 8601 after a blank or ``T``. Orders that depend on the
    country, such as 3/4/2024, are not guessed.
    A time without an offset is taken for one in UTC.

    >>> days("1970-01-02 12:00"), days("3/4/2024")
    (1.5, None)
    """
    if match := YEAR_FIRST.fullmatch(text):
        year, _, month, day, time = match.groups()
    elif match := DAY_FIRST.fullmatch(text):
        day, month, year, time = match.groups()
    else:
        return math.nan if text in PLACEHOLDERS else None
    try:
        moment = datetime.fromisoformat(
            f"{year}-{month:0>2}-{day:0>2}" + (f"T{time.strip()}" if time else "")
        )
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() / SECONDS_PER_DAY
