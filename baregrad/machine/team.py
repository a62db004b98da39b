"""The generated code by which threads wait for work, do it together, and are waited for.

All share one block of memory, its parts on cache lines of their own. A call writes what is to be
done, advances the epoch, and joins in as participant 0. A worker compares the epoch with the last
that it has seen: it spins for some tens of microseconds, so that calls which follow each other
closely cost next to nothing, and then sleeps. On Linux it sleeps in futex(2); elsewhere its
function returns and it sleeps in Python. More threads than cores do not spin: another one needs
the core.
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from typing import Any, Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.barrier import (
    BARRIER_BYTES,
    emit_sleep,
    emit_spin_while_equal,
    emit_wait_while_equal,
    emit_wake,
    set_spins,
)
from baregrad.machine.convention import SHADOW_SPACE, call, enter, leave
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import CACHE_LINE
from baregrad.machine.registers import (
    Memory,
    eax,
    edx,
    r12,
    r13d,
    r14,
    rax,
    rbp,
    rbx,
    rdi,
    rdx,
    rsi,
)

# offsets into the shared block
EPOCH: Final = 0
_FUNCTION: Final = CACHE_LINE
_ARGUMENT: Final = CACHE_LINE + 8
_PARTICIPANTS: Final = CACHE_LINE + 16
_SPINS: Final = CACHE_LINE + 24
_PENDING: Final = 2 * CACHE_LINE
_CALLER_SLEEPING: Final = 2 * CACHE_LINE + 4
_SLEEPING: Final = 3 * CACHE_LINE
_BARRIER: Final = 4 * CACHE_LINE
BLOCK_BYTES: Final = _BARRIER + BARRIER_BYTES

STOPPED: Final = 1 << 32  # a worker's answer when it was told to end; else the epoch it has seen
# some tens of microseconds: longer than threads in step need, shorter than a time slice
_SPINS_BEFORE_SLEEP: Final = 10


def set_participants(view: memoryview[Any], participants: int, cores: int) -> None:
    """Write into the shared block how many threads there are, and so whether they spin."""
    spins = _SPINS_BEFORE_SLEEP if participants <= cores else 0
    struct.pack_into("=QQ", view, _PARTICIPANTS, participants, spins)
    set_spins(view, _BARRIER, spins)


def _at(offset: int, size: int = 32) -> Memory:
    """A part of the shared block, whose address is in rbx."""
    return Memory(rbx, displacement=offset, size=size)


@cache
def worker_function(futex: bool) -> NativeFunction:
    """``uint64 work(block, index, seen)``: take part in calls until told to end, or to sleep."""
    asm = Assembler()
    wait, sleep, begin, end = (asm.label(name) for name in ("wait", "sleep", "begin", "end"))
    enter(asm, SHADOW_SPACE, vectors=False)
    asm.mov(rbx, rdi)
    asm.mov(r12, rsi)
    asm.mov(r13d, edx)
    asm.bind(wait)
    asm.mov(edx, r13d)
    emit_spin_while_equal(asm, _at(EPOCH), _at(_SPINS), sleep)
    asm.jmp(begin)
    asm.bind(sleep)
    if futex:
        emit_sleep(asm, _at(EPOCH), _at(_SLEEPING))
        asm.cmp(_at(EPOCH), r13d)
        asm.je(wait)
    else:
        asm.mov(eax, r13d)
        asm.jmp(end)
    asm.bind(begin)
    asm.mov(r13d, _at(EPOCH))
    _take_part(asm)
    asm.jmp(wait)
    asm.bind(end)
    leave(asm, SHADOW_SPACE, vectors=False)
    arguments = (ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32)
    return NativeFunction(asm.finish(), arguments, ctypes.c_uint64)


def _take_part(asm: Assembler) -> None:
    """Call the function of this epoch; if there is none, end."""
    stop, done = asm.label("stop"), asm.label("took_part")
    asm.mov(r14, _at(_FUNCTION, 64))
    asm.test(r14, r14)
    asm.je(stop)
    asm.lea(rbp, _at(_BARRIER, 0))
    call(asm, r14, _at(_ARGUMENT, 64), r12, _at(_PARTICIPANTS, 64), rbp)
    _be_done(asm)
    asm.jmp(done)
    asm.bind(stop)
    _be_done(asm)
    asm.mov(rax, STOPPED)
    leave(asm, SHADOW_SPACE, vectors=False)
    asm.bind(done)


def _be_done(asm: Assembler) -> None:
    """One thread less that the caller waits for."""
    asm.lock_dec(_at(_PENDING))
    emit_wake(asm, _at(_PENDING), _at(_CALLER_SLEEPING))


@cache
def caller_function(futex: bool) -> NativeFunction:
    """``void run(block, function, argument)``: the workers' call and the caller's part in it."""
    asm = Assembler()
    join = asm.label("join")
    enter(asm, SHADOW_SPACE, vectors=False)
    asm.mov(rbx, rdi)
    asm.mov(r14, rsi)
    asm.mov(eax, _at(_PARTICIPANTS))
    asm.dec(eax)
    asm.mov(_at(_PENDING), eax)
    asm.mov(_at(_FUNCTION, 64), r14)
    asm.mov(_at(_ARGUMENT, 64), rdx)
    # the locked instruction orders this before the look at who sleeps
    asm.lock_inc(_at(EPOCH))
    if futex:
        emit_wake(asm, _at(EPOCH), _at(_SLEEPING))
    asm.test(r14, r14)
    asm.je(join)
    asm.lea(rbp, _at(_BARRIER, 0))
    asm.xor(r12, r12)
    call(asm, r14, _at(_ARGUMENT, 64), r12, _at(_PARTICIPANTS, 64), rbp)
    asm.bind(join)
    _wait_until_all_are_done(asm)
    leave(asm, SHADOW_SPACE, vectors=False)
    arguments = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return NativeFunction(asm.finish(), arguments)


def _wait_until_all_are_done(asm: Assembler) -> None:
    """Each worker that is done changes the count; look again until none is missing."""
    again, finished = asm.label("again"), asm.label("finished")
    asm.bind(again)
    asm.mov(edx, _at(_PENDING))
    asm.test(edx, edx)
    asm.je(finished)
    emit_wait_while_equal(asm, _at(_PENDING), _at(_CALLER_SLEEPING), _at(_SPINS))
    asm.jmp(again)
    asm.bind(finished)
