"""What is said of categories that a model was not trained with."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from baregrad.cli.printable import printable
from baregrad.errors import counted

SHOWN = 5  # categories of a column


def warn_of_unseen(unseen: Mapping[str, set[str]]) -> None:
    """A line for each column on standard error.

    Args:
        unseen: of each column, see `Preprocessor.unseen`.
    """
    for name, found in unseen.items():
        shown = ", ".join(map(repr, sorted(found)[:SHOWN]))
        more = ", ..." if len(found) > SHOWN else ""
        count = "a category" if len(found) == 1 else counted(len(found), "category", "categories")
        text = (
            f"column {name!r} has {count} that the model was not trained with, and takes for none "
            f"of those that it knows: {shown}{more}"
        )
        print(f"baregrad: {printable(text)}", file=sys.stderr)
