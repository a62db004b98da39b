"""Where threads meet inside generated code, without Python and mostly without the operating system.

A barrier is two counters on cache lines of their own: how many have arrived, and a generation
that the last to arrive advances. (Mellor-Crummey and Scott, "Algorithms for scalable
synchronization on shared-memory multiprocessors", 1991, section 3.1.) On x86 a locked instruction
is a full fence (Intel SDM volume 3, section 8.2), so what a thread wrote before the barrier is seen
by all after it; except non-temporal stores, which need an ``sfence`` before.

Whoever waits looks again and again for a while, for most waits are short. On Linux it lets other
threads have the core now and then, and in the end sleeps in futex(2): the thread that is waited for
may need this core.
"""

from __future__ import annotations

import struct
import sys
from typing import Any, Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.memory import CACHE_LINE
from baregrad.machine.registers import (
    Label,
    Memory,
    Register,
    eax,
    ecx,
    edx,
    esi,
    r10,
    rdi,
)

BARRIER_BYTES: Final = 2 * CACHE_LINE
# offsets into a barrier: on the first line arrivals, on the second what those who wait look at
_GENERATION: Final = CACHE_LINE
_SLEEPING: Final = CACHE_LINE + 4
_SPINS: Final = CACHE_LINE + 8

HAS_FUTEX: Final = sys.platform == "linux"
_FUTEX: Final = 202  # Linux's number of the system call, and its operations on private memory
_FUTEX_WAIT: Final = 128
_FUTEX_WAKE: Final = 129
_ALL: Final = 0x7FFF_FFFF
_SCHED_YIELD: Final = 24
# of a spin; each takes some tens of nanoseconds
_LOOKS: Final = 200


def set_spins(view: memoryview[Any], barrier: int, spins: int) -> None:
    """How often who waits at a barrier looks, before it sleeps; 0 in zeroed memory.

    Args:
        view: memory, as bytes.
        barrier: offset of the barrier in it.
        spins: each takes some microseconds.
    """
    struct.pack_into("=I", view, barrier + _SPINS, spins)


def emit_barrier(asm: Assembler, barrier: Register, participants: Register) -> None:
    """Wait until all participants are here.

    Changes rax, rcx, rdx, rsi, rdi, r10, r11 and flags.

    Args:
        asm: where to.
        barrier: 64-bit register with the address of `BARRIER_BYTES` aligned bytes, zeroed but for
            `set_spins`.
        participants: 32-bit register with how many threads meet.
    """
    arrived, generation, sleeping, spins = (
        Memory(barrier, displacement=offset, size=32)
        for offset in (0, _GENERATION, _SLEEPING, _SPINS)
    )
    wait, done = asm.label("barrier_wait"), asm.label("barrier_done")
    asm.mov(edx, generation)
    asm.mov(eax, 1)
    asm.lock_xadd(arrived, eax)
    asm.inc(eax)
    asm.cmp(eax, participants)
    asm.jne(wait)
    asm.mov(arrived, 0)
    # the locked instruction orders this before the look at who sleeps
    asm.lock_inc(generation)
    emit_wake(asm, generation, sleeping)
    asm.jmp(done)
    asm.bind(wait)
    emit_wait_while_equal(asm, generation, sleeping, spins)
    asm.bind(done)


def emit_wait_while_equal(
    asm: Assembler, place: Memory, sleeping: Memory, spins: Memory | int
) -> None:
    """Wait until 32 bits in memory are no longer what edx is.

    Changes rax, rcx, rsi, rdi, r10, r11 and flags.

    Args:
        asm: where to.
        place: 32 bits, changed by whoever then calls `emit_wake`.
        sleeping: 32 bits that count who sleeps, 0 at first.
        spins: how often to look, for some microseconds each, before sleeping.
    """
    again, sleep, done = asm.label("wait_again"), asm.label("wait_sleep"), asm.label("wait_done")
    asm.bind(again)
    emit_spin_while_equal(asm, place, spins, sleep)
    asm.jmp(done)
    asm.bind(sleep)
    if HAS_FUTEX:
        emit_sleep(asm, place, sleeping)
    asm.cmp(place, edx)
    asm.je(again)
    asm.bind(done)


def emit_spin_while_equal(asm: Assembler, place: Memory, spins: Memory | int, spent: Label) -> None:
    """Look at 32 bits in memory until they are no longer what edx is; jump if `spins` are spent.

    In each spin other threads of this core may run, for the one waited for may be among them.
    Changes rax, rcx, rsi, r11 and flags.
    """
    spin, look, done = asm.label("spin"), asm.label("spin_look"), asm.label("spin_done")
    asm.mov(esi, spins)
    asm.bind(spin)
    asm.mov(ecx, _LOOKS)
    asm.bind(look)
    asm.cmp(place, edx)
    asm.jne(done)
    asm.pause()
    asm.dec(ecx)
    asm.jnz(look)
    asm.dec(esi)
    asm.jl(spent)
    if HAS_FUTEX:
        asm.mov(eax, _SCHED_YIELD)
        asm.syscall()
    asm.jmp(spin)
    asm.bind(done)


def emit_sleep(asm: Assembler, place: Memory, sleeping: Memory) -> None:
    """Sleep until woken; not at all if 32 bits in memory are no longer what edx is.

    futex(place, FUTEX_WAIT, edx, no timeout): the kernel compares once more. It may wake for no
    reason. Changes rax, rcx, rsi, rdi, r10, r11 and flags.
    """
    asm.lock_inc(sleeping)
    asm.lea(rdi, place)
    asm.mov(esi, _FUTEX_WAIT)
    asm.xor(r10, r10)
    asm.mov(eax, _FUTEX)
    asm.syscall()
    asm.lock_dec(sleeping)


def emit_wake(asm: Assembler, place: Memory, sleeping: Memory) -> None:
    """Wake who sleeps, after 32 bits in memory were changed by a locked instruction.

    Changes rax, rcx, rdx, rsi, rdi, r11 and flags.
    """
    if not HAS_FUTEX:
        return
    awake = asm.label("awake")
    asm.cmp(sleeping, 0)
    asm.je(awake)
    asm.lea(rdi, place)
    asm.mov(esi, _FUTEX_WAKE)
    asm.mov(edx, _ALL)
    asm.mov(eax, _FUTEX)
    asm.syscall()
    asm.bind(awake)
