"""Standard output, which may be full, or whose reader may have gone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from baregrad.errors import FileWriteError


def write_output(lines: Iterable[str] = ()) -> None:
    """Writes lines, and what is still waiting to be written.

    Raises:
        FileWriteError: they cannot be written.
        BrokenPipeError: nobody reads them any more, as in ``baregrad predict ... | head``.
    """
    for line in lines:
        _checked(sys.stdout.write, line)
    _checked(sys.stdout.flush)


def _checked(write: Callable[..., object], *arguments: str) -> None:
    try:
        write(*arguments)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileWriteError(f"standard output cannot be written: {error.strerror}") from error
