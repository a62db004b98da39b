"""How many threads a compiled step runs on.

A number that counts only for speed: results are the same to the last bit for any number of threads.
"""

from __future__ import annotations

import os
from typing import Final

from baregrad.errors import ArgumentError
from baregrad.machine.cpu import available_cores
from baregrad.machine.threads import WorkerPool

VARIABLE: Final = "BAREGRAD_THREADS"
MOST_THREADS: Final = 256

_pool: WorkerPool | None = None


def threads() -> int:
    """How many threads a compiled step runs on, at most.

    One that is too small to gain from more runs on one, and so does any for which that is faster
    at the time, as where another program keeps a core busy.

    It is what `set_threads` was given; else the environment variable `BAREGRAD_THREADS`; else the
    number of cores that this process may use.

    Raises:
        ArgumentError: the environment variable is not a number from 1 to 256.
    """
    return _current().threads


def set_threads(count: int | None) -> None:
    """Choose how many threads compiled steps run on, from their next call on.

    Results do not depend on it. More threads than there are cores gain nothing.

    Args:
        count: from 1, which is only the caller's own thread, to 256; None for what it would be if
            nothing had been chosen (see `threads`).

    Raises:
        ArgumentError: not an integer, or not in this range.
    """
    global _pool
    if isinstance(count, bool) or not isinstance(count, int | None):
        raise ArgumentError(f"the number of threads must be an integer or None, not {count!r}")
    if count is None:
        count = _default()
    # the old pool ends when nobody runs on it any more
    _pool = WorkerPool(_checked(count, "the number of threads"))


def shared_pool() -> WorkerPool | None:
    """The threads of this process, running; None if the caller's own is to be the only one."""
    pool = _current()
    if pool.threads > 1:
        pool.start()  # the system may not give us as many
    return pool if pool.threads > 1 else None


def _current() -> WorkerPool:
    global _pool
    if _pool is None:
        _pool = WorkerPool(_default())
    return _pool


def _default() -> int:
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return min(available_cores(), MOST_THREADS)
    try:
        count = int(given)
    except ValueError:
        raise ArgumentError(
            f"the environment variable {VARIABLE} must be a number of threads, not {given!r}"
        ) from None
    return _checked(count, f"the environment variable {VARIABLE}")


def _checked(count: int, what: str) -> int:
    if not 1 <= count <= MOST_THREADS:
        raise ArgumentError(f"{what} must be from 1 to {MOST_THREADS}, not {count}")
    return count
