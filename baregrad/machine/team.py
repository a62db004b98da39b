"""The generated code by which threads wait for work, do it together, and are waited for.

All share one block of memory, its parts on cache lines of their own. A call writes what is to be
done, advances the epoch, and joins in as participant 0. A worker compares the epoch with the last
that it has seen: it spins for some tens of microseconds, so that calls which follow each other
closely cost next to nothing, and then sleeps. On Linux it sleeps in futex(2); elsewhere its
function returns and it sleeps in Python.
"""

import ctypes
import sys
from functools import cache
from typing import Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.barrier import BARRIER_BYTES, emit_spin_while_equal
from baregrad.machine.convention import SHADOW_SPACE, call, enter, leave
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import CACHE_LINE
from baregrad.machine.registers import (
    Memory,
    eax,
    ebp,
    edi,
    edx,
    esi,
    r10,
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
PARTICIPANTS: Final = CACHE_LINE + 16
_PENDING: Final = 2 * CACHE_LINE
_SLEEPING: Final = 3 * CACHE_LINE
_BARRIER: Final = 4 * CACHE_LINE
BLOCK_BYTES: Final = _BARRIER + BARRIER_BYTES

STOPPED: Final = 1 << 32  # a worker's answer when it was told to end; else the epoch it has seen
HAS_FUTEX: Final = sys.platform == "linux"
_SPINS_BEFORE_SLEEP: Final = 2000
_FUTEX: Final = 202  # Linux's number of the system call, and its operations on private memory
_FUTEX_WAIT: Final = 128
_FUTEX_WAKE: Final = 129


def _at(offset: int, size: int = 32) -> Memory:
    """A part of the shared block, whose address is in rbx."""
    return Memory(rbx, displacement=offset, size=size)


@cache
def worker_function(futex: bool) -> NativeFunction:
    """``uint64 work(block, index, seen)``: take part in calls until told to end, or to sleep."""
    asm = Assembler()
    wait, spin, begin, end = (asm.label(name) for name in ("wait", "spin", "begin", "end"))
    enter(asm, SHADOW_SPACE, vectors=False)
    asm.mov(rbx, rdi)
    asm.mov(r12, rsi)
    asm.mov(r13d, edx)
    asm.bind(wait)
    asm.mov(ebp, _SPINS_BEFORE_SLEEP)
    asm.bind(spin)
    asm.cmp(_at(EPOCH), r13d)
    asm.jne(begin)
    asm.pause()
    asm.dec(ebp)
    asm.jnz(spin)
    if futex:
        _sleep(asm)
        asm.jmp(wait)
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


def _sleep(asm: Assembler) -> None:
    """futex(&epoch, FUTEX_WAIT, seen, no timeout): the kernel compares once more, then sleeps."""
    asm.lock_inc(_at(_SLEEPING))
    asm.mov(eax, _FUTEX)
    asm.mov(rdi, rbx)
    asm.mov(esi, _FUTEX_WAIT)
    asm.mov(edx, r13d)
    asm.xor(r10, r10)
    asm.syscall()
    asm.lock_dec(_at(_SLEEPING))


def _take_part(asm: Assembler) -> None:
    """Call the function of this epoch; if there is none, end."""
    stop, done = asm.label("stop"), asm.label("took_part")
    asm.mov(r14, _at(_FUNCTION, 64))
    asm.test(r14, r14)
    asm.je(stop)
    asm.lea(rbp, _at(_BARRIER, 0))
    call(asm, r14, _at(_ARGUMENT, 64), r12, _at(PARTICIPANTS, 64), rbp)
    asm.lock_dec(_at(_PENDING))
    asm.jmp(done)
    asm.bind(stop)
    asm.lock_dec(_at(_PENDING))
    asm.mov(rax, STOPPED)
    leave(asm, SHADOW_SPACE, vectors=False)
    asm.bind(done)


@cache
def caller_function(futex: bool) -> NativeFunction:
    """``void run(block, function, argument)``: the workers' call and the caller's part in it."""
    asm = Assembler()
    awake, join = asm.label("awake"), asm.label("join")
    enter(asm, SHADOW_SPACE, vectors=False)
    asm.mov(rbx, rdi)
    asm.mov(r14, rsi)
    asm.mov(eax, _at(PARTICIPANTS))
    asm.dec(eax)
    asm.mov(_at(_PENDING), eax)
    asm.mov(_at(_FUNCTION, 64), r14)
    asm.mov(_at(_ARGUMENT, 64), rdx)
    # the locked instruction orders this before the look at who sleeps
    asm.lock_inc(_at(EPOCH))
    if futex:
        asm.cmp(_at(_SLEEPING), 0)
        asm.je(awake)
        asm.mov(eax, _FUTEX)
        asm.mov(rdi, rbx)
        asm.mov(esi, _FUTEX_WAKE)
        asm.mov(edx, 0x7FFF_FFFF)
        asm.syscall()
    asm.bind(awake)
    asm.test(r14, r14)
    asm.je(join)
    asm.lea(rbp, _at(_BARRIER, 0))
    asm.xor(r12, r12)
    call(asm, r14, _at(_ARGUMENT, 64), r12, _at(PARTICIPANTS, 64), rbp)
    asm.bind(join)
    _spin_until_all_are_done(asm)
    leave(asm, SHADOW_SPACE, vectors=False)
    arguments = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return NativeFunction(asm.finish(), arguments)


def _spin_until_all_are_done(asm: Assembler) -> None:
    """Each worker that is done changes the count; look again until none is missing."""
    again, finished = asm.label("again"), asm.label("finished")
    asm.bind(again)
    asm.mov(edi, _at(_PENDING))
    asm.test(edi, edi)
    asm.je(finished)
    emit_spin_while_equal(asm, _at(_PENDING), edi)
    asm.jmp(again)
    asm.bind(finished)
