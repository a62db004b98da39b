"""A pool of threads that run one native function together.

The workers are Python threads that spend their lives in `team`'s generated code, without the GIL
and, between calls, without a core. After a fork the child has none of them; its pool starts anew
with its first call.
"""

import os
import struct
import threading
import warnings
import weakref
from contextlib import suppress
from typing import Final

from baregrad.errors import ArgumentError
from baregrad.machine import team
from baregrad.machine.barrier import HAS_FUTEX
from baregrad.machine.cpu import available_cores
from baregrad.machine.errors import ClosedError
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import AlignedBuffer

_EPOCHS: Final = 1 << 32


class _Team:
    """The workers of one process and the memory that they share with the caller."""

    def __init__(self, threads: int, futex: bool) -> None:
        self.process = os.getpid()
        self.block = AlignedBuffer(team.BLOCK_BYTES, "B")
        self.futex = futex
        self.lock = threading.RLock()  # see WorkerPool
        self.stopped = False
        self.announced = 0  # the epoch that sleepers in Python wait for
        self.changed = threading.Condition()
        self.call = team.caller_function(futex)
        self.workers: list[threading.Thread] = []
        with suppress(RuntimeError):  # the system gives us no more
            for index in range(1, threads):
                self._start(index)
        team.set_participants(self.block.view, 1 + len(self.workers), available_cores())

    def _start(self, index: int) -> None:
        name = f"baregrad-{index}"
        worker = threading.Thread(target=_work, args=(self, index), name=name, daemon=True)
        worker.start()
        self.workers.append(worker)

    def run(self, function: int, argument: int) -> None:
        """All participants call `function`; returns when all are done."""
        with self.lock:
            if self.stopped:
                raise ClosedError("the threads of this pool have ended with the interpreter")
            self._run(function, argument)

    def _run(self, function: int, argument: int) -> None:
        if not self.futex:
            with self.changed:
                (epoch,) = struct.unpack_from("=I", self.block.view, team.EPOCH)
                self.announced = (epoch + 1) % _EPOCHS
                self.changed.notify_all()
        self.call(self.block.address, function, argument)

    def stop(self) -> None:
        """End the workers; without effect on those of the parent of a forked process."""
        if self.process != os.getpid():
            return
        with self.lock:
            if not self.stopped:
                self.stopped = True
                self._run(0, 0)
        for worker in self.workers:
            worker.join()


def _work(shared: _Team, index: int) -> None:
    """A worker's whole life."""
    native = team.worker_function(shared.futex)
    address = shared.block.address
    seen = 0
    while (seen := native(address, index, seen)) != team.STOPPED:
        with shared.changed:
            while shared.announced == seen:
                shared.changed.wait()


class WorkerPool:
    """Threads for native functions ``void f(argument, index, participants, barrier)``.

    Of `participants` threads the caller is index 0. `barrier` is for `barrier.emit_barrier`. The
    threads start with the first call. One call runs at a time; others wait for it. A function
    must not call back into the pool.

    Args:
        threads: participants, the caller included; the available cores if not given.
        futex: whether workers sleep in futex(2) rather than in Python; where the system has it.
    """

    def __init__(self, threads: int | None = None, *, futex: bool = HAS_FUTEX) -> None:
        threads = available_cores() if threads is None else threads
        if threads < 1:
            raise ArgumentError(f"a pool has at least one thread, not {threads}")
        self.threads = threads
        self._futex = futex and HAS_FUTEX
        self._closed = False
        # a signal's handler may call in the midst of a call, before or after its native code
        self._lock = threading.RLock()
        self._team: _Team | None = None
        self._stop: weakref.finalize[[_Team], WorkerPool] | None = None
        _POOLS.add(self)

    def run(self, function: NativeFunction | int, argument: int = 0) -> None:
        """Call `function` (or its address) on all threads; returns when all are done."""
        address = function if isinstance(function, int) else function.address
        with self._lock:
            self._started().run(address, argument)

    def start(self) -> None:
        """Start the threads, if they do not run; from then on `threads` says how many there are.

        If the system does not give as many as were asked for, there is a warning.
        """
        with self._lock:
            self._started()

    def _started(self) -> _Team:
        if self._closed:
            raise ClosedError("the pool of threads is closed")
        if self._team is None:
            self._team = _Team(self.threads, self._futex)
            # also at the interpreter's end, while the generated code is still there
            self._stop = weakref.finalize(self, _Team.stop, self._team)
            wanted, self.threads = self.threads, 1 + len(self._team.workers)
            if self.threads < wanted:
                warnings.warn(
                    f"the system gives this process only {self.threads} of {wanted} threads; to "
                    "ask for fewer, use set_threads",
                    RuntimeWarning,
                    stacklevel=2,
                )
        return self._team

    def close(self) -> None:
        """End the threads. The pool cannot be used any more."""
        with self._lock:
            self._closed = True
            self._team = None
        if self._stop is not None:
            self._stop()

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _forget_threads(self) -> None:
        """In the child of a fork: the threads are the parent's, the lock may be held for ever."""
        self._lock = threading.RLock()
        self._team = None
        if self._stop is not None:
            self._stop.detach()


_POOLS: Final[weakref.WeakSet[WorkerPool]] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for pool in list(_POOLS):
        pool._forget_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
