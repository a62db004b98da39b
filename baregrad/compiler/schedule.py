"""Which kernels are shared out over threads, and where the threads wait for each other.

A kernel that takes long enough is *split*: each thread does some of its blocks. All others are done
by the first thread alone. A kernel *waits*, at a barrier of all threads, where it touches memory
that a kernel since the last barrier writes, or writes memory that one reads; unless the first
thread does both. All this is decided before the number of threads is known, and so it is the same
for any: blocks write to different places, and what each computes does not depend on who does it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from baregrad.compiler.cost import size_in_bytes
from baregrad.compiler.fusion import Fused
from baregrad.compiler.kernel import FULL, Access, Buffer, Load, Map, Store
from baregrad.compiler.kernels.work import Work, plan_work
from baregrad.compiler.memory import Memory
from baregrad.compiler.vector.target import Target
from baregrad.record import Record

# a kernel that takes less is not worth being split
_WORTH_SPLITTING: Final = 1_200.0  # nanoseconds
# at a barrier threads also wait for the slower of them, and for memory that the other has written
_BARRIER: Final = 1_500.0  # nanoseconds
# two threads must save at least this part of a step's time
_LEAST_GAIN: Final = 0.2


class Place(Record):
    """Memory of a buffer.

    Attributes:
        region: addresses of different regions are different.
        start: in bytes.
        stop: the byte after the last.
    """

    region: int
    start: int
    stop: int

    def overlaps(self, other: Place) -> bool:
        """Whether both have bytes in common."""
        return self.region == other.region and self.start < other.stop and other.start < self.stop


class Task(Record):
    """Work in a schedule.

    Attributes:
        work: what is computed, and how.
        is_split: whether every thread does some of its blocks.
        waits: whether all threads meet before it.
    """

    work: Work
    is_split: bool
    waits: bool


class Schedule(Record):
    """The kernels of a step, in order.

    Attributes:
        tasks: the kernels.
        waits_at_end: whether all threads meet between two steps.
        nanoseconds: that a step takes on one thread; a rough estimate.
        added: buffers for partial results, which the program does not have.
    """

    tasks: list[Task]
    waits_at_end: bool
    nanoseconds: float
    added: Sequence[Buffer] = ()

    @property
    def is_parallel(self) -> bool:
        """Whether more than one thread has anything to do."""
        return any(task.is_split for task in self.tasks)

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""
        return max((task.work.plan.scratch_bytes for task in self.tasks), default=0)


def schedule_program(
    fused: Fused, memory: Memory, apart: Collection[int], target: Target
) -> Schedule:
    """Decide how the kernels of a step are computed, by whom, and when.

    Args:
        fused: the kernels.
        memory: where buffers lie in the arena.
        apart: numbers of the buffers that do not lie there.
        target: for which code is written.

    Raises:
        UnsupportedKernelError: one of the kernels has no vector code.
    """
    works: list[Work] = []
    buffers = list(fused.buffers)
    for kernel in (*fused.kernels, *(_copy(new, old) for new, old in memory.copies)):
        more, added = plan_work(kernel, target, len(buffers))
        works += more
        buffers += added
    known = len(fused.buffers)
    places = [
        Place(1 + buffer.number, 0, 1)
        if buffer.number in apart or buffer.number >= known
        else _in_arena(memory.offsets[buffer.number], buffer)
        for buffer in buffers
    ]
    return plan_schedule(works, places)._replace(added=buffers[known:])


def _copy(source: Buffer, target: Buffer) -> Map:
    load = Load(source, Access(source.size, 1), FULL, source.dtype)
    return Map(1, source.size, [load], [Store(0, target, Access(target.size, 1))])


def _in_arena(offset: int, buffer: Buffer) -> Place:
    return Place(0, offset, offset + max(size_in_bytes(buffer), 1))


def plan_schedule(works: Sequence[Work], places: Sequence[Place]) -> Schedule:
    """Decide what is split, and where threads wait.

    Args:
        works: in the order in which they run.
        places: where each buffer lies, by its number.
    """
    split = [work.plan.blocks > 1 and work.nanoseconds >= _WORTH_SPLITTING for work in works]
    schedule = _with_barriers(works, split, places)
    if _time_on_two(schedule) <= (1 - _LEAST_GAIN) * schedule.nanoseconds:
        return schedule
    return _with_barriers(works, [False] * len(works), places)


def _time_on_two(schedule: Schedule) -> float:
    """Nanoseconds of a step on two threads."""
    barriers = schedule.waits_at_end + sum(task.waits for task in schedule.tasks)
    times = (task.work.nanoseconds / (1 + task.is_split) for task in schedule.tasks)
    return barriers * _BARRIER + sum(times)


class _Footprint(Record):
    """What a task touches."""

    is_split: bool
    reads: list[Place]
    writes: list[Place]

    def must_wait_for(self, other: _Footprint) -> bool:
        """Whether it is wrong to begin before another task is done."""
        if not self.is_split and not other.is_split:
            return False
        return (
            _meet(self.reads, other.writes)
            or _meet(self.writes, other.reads)
            or _meet(self.writes, other.writes)
        )


def _meet(some: Sequence[Place], others: Sequence[Place]) -> bool:
    return any(place.overlaps(other) for place in some for other in others)


def _with_barriers(
    works: Sequence[Work], split: Sequence[bool], places: Sequence[Place]
) -> Schedule:
    """A barrier before each task that cannot do without, as late as possible."""
    tasks = []
    head: list[_Footprint] = []  # before the first barrier
    since: list[_Footprint] = []  # after the last one
    for work, is_split in zip(works, split, strict=True):
        reads, writes = (
            [places[buffer.number] for buffer in some] for some in (work.reads, work.writes)
        )
        footprint = _Footprint(is_split, reads, writes)
        waits = any(map(footprint.must_wait_for, since))
        since = [footprint] if waits else [*since, footprint]
        tasks.append(Task(work, is_split, waits))
        if not any(task.waits for task in tasks):
            head.append(footprint)
    waits_at_end = any(first.must_wait_for(last) for first in head for last in since)
    return Schedule(tasks, waits_at_end, sum(work.nanoseconds for work in works))
