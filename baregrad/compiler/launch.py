"""A step's native function, called on as many threads as it is worth.

Each thread has a table of its own (see `driver`) and scratch memory of its own. Which blocks of a
kernel it does follows from its number; the results do not.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Final, cast

from baregrad.compiler.cost import size_in_bytes
from baregrad.compiler.driver import SLOT, Call, Table, assemble_driver
from baregrad.compiler.fusion import Fused
from baregrad.compiler.kernels.work import Work
from baregrad.compiler.memory import Memory
from baregrad.compiler.pace import Pace
from baregrad.compiler.schedule import schedule_program
from baregrad.compiler.vector import program as vector
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.target import Target
from baregrad.machine.assembler import Assembler
from baregrad.machine.convention import pass_on
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import CACHE_LINE, AlignedBuffer
from baregrad.record import Record

# shorter calls are over before sleeping threads are awake
_WORTH_WAKING: Final = 40_000.0  # nanoseconds


class Launch:
    """The machine code of a fused program, ready to be called.

    Attributes:
        code: the machine code.
        schedule: which kernels the threads share.

    Args:
        fused: the kernels.
        memory: where buffers lie.
        strides: for each buffer that has an element for each step, by its number, the bytes of
            one; it does not lie in the arena.
        target: whose instructions.

    Raises:
        UnsupportedKernelError: one of the kernels has no vector code.
    """

    def __init__(
        self,
        fused: Fused,
        memory: Memory,
        strides: Mapping[int, int],
        target: Target,
    ) -> None:
        self.schedule = schedule = schedule_program(fused, memory, strides, target)
        self._is_parallel = schedule.is_parallel
        self._given = len(fused.buffers)  # addresses that a call brings
        self._blocks = [task.work.plan.blocks for task in schedule.tasks if task.is_split]
        self._layout = Table(self._given + len(schedule.added), len(self._blocks))
        self._scratch_bytes = _round_up(schedule.scratch_bytes)
        calls = self._calls()
        self.code, entry = assemble_driver(
            calls, self._layout, strides, target, waits_at_end=schedule.waits_at_end
        )
        types = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
        self._function = NativeFunction(self.code, types, None, entry=entry)
        self._begin()

    def programs(self) -> list[vector.Program]:
        """The vector code of all kernels, in the order in which they run."""
        return [call.program for call in self._calls()]

    def _calls(self) -> list[Call]:
        calls, splits = [], 0
        for number, task in enumerate(self.schedule.tasks):
            split = splits if task.is_split else None
            splits += task.is_split
            program = _program(number, task.work, split, self._layout)
            calls.append(Call(program, split, task.waits))
        return calls

    def another(self) -> Launch:
        """The same code with memory of its own, so that both can be called at the same time."""
        from copy import copy  # which looks for Jython first: most steps are not run twice at once

        other = copy(self)
        other._begin()
        return other

    def _begin(self) -> None:
        """Memory for one thread, and for what is shared by all of a call."""
        self._added = {
            buffer.number: AlignedBuffer(_round_up(size_in_bytes(buffer)), "B")
            for buffer in self.schedule.added
        }
        self._pace = Pace()
        self._prepared: dict[int, _Tables] = {}
        self._use(1)

    def bound(self, addresses: array[int]) -> Callable[[], None]:
        """A function that runs one step with buffers at these addresses, and takes no arguments.

        Of all calls from Python it is the fastest. No buffer may be one that moves on from step to
        step, and this object must not run anything else meanwhile.
        """
        if self._is_worth_sharing(1):
            return lambda: self.run(addresses, 1)
        self._set(addresses, 1)
        asm = Assembler()
        pass_on(asm, self._function.address, self._tables.address, 0, 1, 0)
        is_short = self.schedule.nanoseconds < _WORTH_WAKING
        function = NativeFunction(asm.finish(), releases_gil=not is_short)
        self._bound = function  # so that the code is kept
        return cast(Callable[[], None], function.call)

    def run(self, addresses: array[int], steps: int) -> None:
        """Run so many steps; one call at a time.

        Args:
            addresses: of the buffers; of streams, that of the first step's elements.
            steps: how many.

        Raises:
            MachineError: the threads have ended with the interpreter.
        """
        pool = None
        if self._is_worth_sharing(steps):
            from baregrad.compiler.threads import shared_pool  # short steps need not load it

            pool = shared_pool()
        if pool is None:
            self._use(1)
            self._set(addresses, steps)
            self._function(self._tables.address, 0, 1, None)
            return
        shares = self._pace.is_to_be_shared()
        self._use(pool.threads if shares else 1)
        self._set(addresses, steps)
        begin = perf_counter()
        if shares:
            pool.run(self._function, self._tables.address)
        else:
            self._function(self._tables.address, 0, 1, None)
        self._pace.note(shares, (perf_counter() - begin) / steps)

    def _is_worth_sharing(self, steps: int) -> bool:
        """Whether other threads are awake before so many steps are over."""
        return self._is_parallel and steps * self.schedule.nanoseconds >= _WORTH_WAKING

    def _set(self, addresses: array[int], steps: int) -> None:
        for buffers, to_go in self._parts:
            buffers[:] = addresses
            to_go[0] = steps

    def _use(self, threads: int) -> None:
        """Tables and scratch memory for so many threads."""
        if threads not in self._prepared:
            self._prepared[threads] = self._tables_for(threads)
        self._tables, self._parts = self._prepared[threads][:2]

    def _tables_for(self, threads: int) -> _Tables:
        layout, scratch_bytes = self._layout, self._scratch_bytes
        tables = AlignedBuffer(threads * layout.slots, "q")
        scratch = AlignedBuffer(threads * scratch_bytes, "B")
        parts: list[tuple[memoryview[int], memoryview[int]]] = []
        for thread in range(threads):
            table = tables.view[thread * layout.slots : (thread + 1) * layout.slots]
            parts.append((table[: self._given], table[layout.steps : layout.steps + 1]))
            table[layout.scratch] = scratch.address + thread * scratch_bytes
            for number, buffer in self._added.items():
                table[number] = buffer.address
            for split, blocks in enumerate(self._blocks):
                at = layout.first_block(split)
                table[at] = blocks * thread // threads
                table[at + 1] = blocks * (thread + 1) // threads
        return _Tables(tables, parts, scratch)


class _Tables(Record):
    """What so many threads need.

    Attributes:
        tables: one for each thread.
        parts: of each table what changes from call to call: addresses, and the number of steps.
        scratch: memory of all threads.
    """

    tables: AlignedBuffer
    parts: list[tuple[memoryview[int], memoryview[int]]]
    scratch: AlignedBuffer


def _round_up(size: int) -> int:
    return -(-size // CACHE_LINE) * CACHE_LINE


def _program(number: int, work: Work, split: int | None, layout: Table) -> vector.Program:
    """A program of the table: the blocks that it says if the work is shared out, else all."""
    builder = Builder(f"kernel_{number}", table=vector.POINTER)
    (table,) = builder.parameters
    used = sorted(buffer.number for buffer in work.reads | work.writes)
    pointers = {n: builder.load_pointer(table, displacement=SLOT * n) for n in used}
    scratch = builder.load_pointer(table, displacement=SLOT * layout.scratch)
    if split is None:
        work.plan.write(builder, pointers, (0, work.plan.blocks), scratch)
    else:
        at = SLOT * layout.first_block(split)
        begin, end = (builder.load_int64(table, displacement=at + d) for d in (0, SLOT))
        work.plan.write(builder, pointers, (begin, end), scratch)
    return builder.program
