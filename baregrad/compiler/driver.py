"""The driver: one native function that runs all kernels of a step, and many steps in a row.

Every kernel is a function of one pointer, to a table of addresses, in which each buffer has its
slot. Between two steps the driver moves some of the slots on: those of buffers that hold something
for each step, such as learning rates, or the row numbers of mini-batches. So a call can run as many
steps as their numbers have been laid out for, without a return to Python.

Several threads can run it together. Each has a table of its own, which ends with what is its alone:
scratch memory, the number of steps, and of each kernel that is shared out the blocks that it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from baregrad.compiler.vector.lowering import lower
from baregrad.compiler.vector.program import Program
from baregrad.compiler.vector.target import Target
from baregrad.machine.assembler import Assembler, Code
from baregrad.machine.convention import (
    SHADOW_SPACE,
    call,
    enter,
    flush_denormals,
    leave,
    restore_mxcsr,
)
from baregrad.machine.memory import CACHE_LINE
from baregrad.machine.registers import (
    Label,
    Memory,
    ebp,
    r12,
    r13,
    r14,
    r15,
    rax,
    rbp,
    rbx,
    rcx,
    rdi,
    rdx,
    rsi,
    rsp,
)
from baregrad.record import Record

SLOT: Final = 8  # bytes of an address in the table
_ENTRY: Final = "step"


class Table(Record):
    """What is where in the table of a thread, in slots.

    Attributes:
        buffers: how many buffers there are; they come first.
        splits: how many kernels are shared out.
    """

    buffers: int
    splits: int

    @property
    def scratch(self) -> int:
        """The address of the thread's scratch memory."""
        return self.buffers

    @property
    def steps(self) -> int:
        """How many steps are to be run."""
        return self.buffers + 1

    def first_block(self, split: int) -> int:
        """Of a kernel that is shared out, the first block; the one after the last follows."""
        return self.buffers + 2 + 2 * split

    @property
    def slots(self) -> int:
        """Of the whole table: no cache line belongs to two threads."""
        line = CACHE_LINE // SLOT
        return -(-self.first_block(self.splits) // line) * line


class Call(Record):
    """A kernel as the driver runs it.

    Attributes:
        program: of the table.
        split: its number among the kernels that are shared out; None if the first thread does it.
        waits: whether all threads meet before it.
    """

    program: Program
    split: int | None
    waits: bool


def assemble_driver(
    calls: Sequence[Call],
    table: Table,
    strides: Mapping[int, int],
    target: Target,
    *,
    waits_at_end: bool = False,
) -> tuple[Code, int]:
    """The code of all kernels, and of the driver.

    Its C type is `void (int64_t *tables, int64_t index, int64_t threads, void *barrier)`, as
    `machine.threads.WorkerPool` calls it; one thread needs no barrier. Denormal numbers count as
    zero while it runs, and the caller's floating-point state is restored.

    Args:
        calls: the kernels, in the order in which they run.
        table: of each thread; they lie one after the other.
        strides: for each slot that moves on after a step, by how many bytes.
        target: whose instructions.
        waits_at_end: whether all threads meet between two steps.

    Returns:
        The code, and where in it the driver begins.
    """
    asm = Assembler()
    labels = []
    for kernel in calls:
        asm.align(64)
        labels.append(asm.label(kernel.program.name))
        asm.bind(labels[-1])
        lower(kernel.program, target, asm)
    asm.align(64)
    entry = asm.label(_ENTRY)
    asm.bind(entry)
    saved = Memory(rsp, displacement=SHADOW_SPACE, size=32)
    scratch = Memory(rsp, displacement=SHADOW_SPACE + 4, size=32)
    frame = SHADOW_SPACE + 8
    enter(asm, frame)
    # rbx the table, r12 steps to go, rbp threads, r14 the index of this one, r15 the barrier
    asm.mov(r14, rsi)
    asm.imul(rsi, rsi, SLOT * table.slots)
    asm.lea(rbx, Memory(rdi, rsi))
    asm.mov(r12, _slot(table.steps))
    asm.mov(rbp, rdx)
    asm.mov(r15, rcx)
    flush_denormals(asm, saved, scratch)
    done, again = asm.label("done"), asm.label("next step")
    asm.test(r12, r12)
    asm.jz(done)
    asm.bind(again)
    is_parallel = any(kernel.split is not None for kernel in calls)
    for kernel, label in zip(calls, labels, strict=True):
        if kernel.waits:
            _meet(asm)
        _run(asm, kernel, label, table, is_parallel)
    for slot, stride in strides.items():
        asm.add(_slot(slot), stride)
    if waits_at_end:
        _meet(asm)
    asm.dec(r12)
    asm.jnz(again)
    asm.bind(done)
    restore_mxcsr(asm, saved)
    leave(asm, frame)
    code = asm.finish()
    return code, code.offset(entry)


def _slot(number: int) -> Memory:
    """A slot of this thread's table."""
    return Memory(rbx, displacement=SLOT * number, size=64)


def _meet(asm: Assembler) -> None:
    """Wait for all threads, unless there is only one."""
    from baregrad.machine.barrier import emit_barrier  # short steps need not load it

    alone = asm.label("alone")
    asm.cmp(ebp, 1)
    asm.je(alone)
    emit_barrier(asm, r15, ebp)
    asm.bind(alone)


def _run(asm: Assembler, kernel: Call, label: Label, table: Table, is_parallel: bool) -> None:
    """Call a kernel, unless it is not for this thread."""
    skip = asm.label("skip")
    if kernel.split is not None:
        first = table.first_block(kernel.split)
        asm.mov(rax, _slot(first))
        asm.cmp(rax, _slot(first + 1))
        asm.jge(skip)
    elif is_parallel:
        asm.test(r14, r14)
        asm.jnz(skip)
    asm.lea(r13, Memory(label=label))
    call(asm, r13, rbx)
    asm.bind(skip)
