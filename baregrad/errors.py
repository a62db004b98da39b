"""What can go wrong, by name. Every message says what was wrong, where, and what to do.

Each class also derives from the built-in exception a Python programmer would expect, so both
``except baregrad.ShapeError`` and ``except ValueError`` work.
"""

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

N = TypeVar("N", bound=str)
MOST_LISTED = 30  # names in a message


class BaregradError(Exception):
    """Base of every error that baregrad raises on purpose."""


class ShapeError(BaregradError, ValueError):
    """Shapes that do not fit together, a ragged list, an axis that is not there."""


class DTypeError(BaregradError, TypeError):
    """A data type that cannot do what was asked, or data that is not numbers."""


class GradientError(BaregradError, RuntimeError):
    """A gradient that does not exist, was not asked for, or would be wrong."""


class ArgumentError(BaregradError, ValueError):
    """An argument outside its range, or a name that is not known."""


class CopyError(BaregradError, BufferError):
    """Numbers that cannot be shared with their owner and were not to be copied."""


class OutOfRangeError(BaregradError, IndexError):
    """An index past the end of an axis, or one for an axis that is not there."""


class DataError(BaregradError, ValueError):
    """A table or data set that cannot be used as it is: empty, one class only, NaN."""


class NotFittedError(BaregradError, ValueError, AttributeError):
    """An estimator that is asked for what it learns in `fit`, before that."""


class ModelFileError(BaregradError, ValueError):
    """A model file that is damaged, not a model file, or does not fit the model."""


class FileWriteError(BaregradError, OSError):
    """A file that cannot be written: no such folder, no permission, no space left."""


class MissingExtraError(BaregradError, ImportError):
    """A feature whose optional dependency is not installed."""


class CaptureError(BaregradError, RuntimeError):
    """A step that cannot be captured for compilation, such as one that looks at a result."""


class NonFiniteError(BaregradError, ArithmeticError):
    """Training produced infinity or NaN; the message names the layer, operation and step."""


def checked_name(kind: str, name: Any, known: Collection[N]) -> N:
    """`name`, which is to be one of `known`.

    Raises:
        ArgumentError: it is not; the message suggests the nearest one.
    """
    if isinstance(name, str) and name in known:
        return name  # type: ignore[return-value]
    raise unknown_name(kind, name, known)


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ArgumentError:
    """The error for a name that is none of `known`, with the nearest one suggested."""
    import difflib  # only needed once something is wrong

    names = sorted(known)
    near = difflib.get_close_matches(str(name).lower(), names, n=1)  # names are in lower case
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return ArgumentError(f"unknown {kind} {name!r}{hint} Known: {listed(names)}.")


def listed(names: Iterable[str]) -> str:
    """Names with commas between; of very many only the first."""
    names = list(names)
    more = [f"... and {len(names) - MOST_LISTED:,} more"] if len(names) > MOST_LISTED else []
    return ", ".join([*names[:MOST_LISTED], *more])


def counted(count: int, thing: str, things: str = "") -> str:
    """How many there are, such as "1 epoch" or "2,000 epochs"."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"
