"""Forks: while other threads are inside compiled steps, a fork waits until the steps are over.

A child process has only the thread that forked. It must not find a lock that a thread it has not
got will never release, nor tensors of which a step has updated some.
"""

from __future__ import annotations

import os
from _thread import RLock, get_ident
from typing import Final, Protocol
from weakref import WeakValueDictionary

# seconds; where two wait for each other the fork takes place, and the child begins anew
PATIENCE: Final = 20.0


class Locked(Protocol):
    """What threads use one after another.

    Attributes:
        lock: held by who uses it.
    """

    lock: RLock

    def begin_anew(self) -> None:
        """Nobody uses it any more, nor has come to an end with it."""


_all: WeakValueDictionary[int, Locked] = WeakValueDictionary()
_taken: dict[int, list[RLock]] = {}  # by the threads that are forking


def let_forks_wait_for(used: Locked) -> None:
    """From now on forks wait until nobody uses this."""
    _all[id(used)] = used


def renewed(lock: RLock) -> RLock:
    """In a child: the lock, or another one if a thread that is gone holds it."""
    if not lock.acquire(blocking=False):
        return RLock()
    lock.release()
    return lock


def _living() -> list[Locked]:
    # a list of references is made in one go, while other threads go on
    return [used for used in (here() for here in _all.valuerefs()) if used is not None]


def _before() -> None:
    _taken[get_ident()] = [x.lock for x in _living() if x.lock.acquire(timeout=PATIENCE)]


def _after() -> None:
    for lock in _taken.pop(get_ident(), ()):
        lock.release()


def _after_in_child() -> None:
    _after()
    _taken.clear()
    for used in _living():
        lock = renewed(used.lock)
        if lock is not used.lock:
            used.lock = lock
            used.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
