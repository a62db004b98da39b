"""Where threads meet inside generated code, without Python and without the operating system.

A barrier is two counters on cache lines of their own: how many have arrived, and a generation
that the last to arrive advances. (Mellor-Crummey and Scott, "Algorithms for scalable
synchronization on shared-memory multiprocessors", 1991, section 3.1.) On x86 a locked instruction
is a full fence and a plain store is a release (Intel SDM volume 3, section 8.2), so what a thread
wrote before the barrier is seen by all after it; except non-temporal stores, which need an
``sfence`` before.
"""

import sys
from typing import Final

from baregrad.machine.assembler import Assembler
from baregrad.machine.memory import CACHE_LINE
from baregrad.machine.registers import Memory, Register, eax, ecx, edx

BARRIER_BYTES: Final = 2 * CACHE_LINE
# some tens of microseconds: longer than threads in step need, shorter than a time slice
_SPINS_BEFORE_YIELD: Final = 1000
_SCHED_YIELD: Final = 24  # Linux's number of the system call


def emit_barrier(asm: Assembler, barrier: Register, participants: Register) -> None:
    """Wait until all participants are here.

    Changes rax, rcx, rdx, r11 and flags.

    Args:
        asm: where to.
        barrier: 64-bit register with the address of `BARRIER_BYTES` aligned, zeroed bytes.
        participants: 32-bit register with how many threads meet.
    """
    arrived, generation = Memory(barrier, size=32), Memory(barrier, displacement=CACHE_LINE)
    wait, done = asm.label("barrier_wait"), asm.label("barrier_done")
    asm.mov(edx, generation)
    asm.mov(eax, 1)
    asm.lock_xadd(arrived, eax)
    asm.inc(eax)
    asm.cmp(eax, participants)
    asm.jne(wait)
    asm.mov(arrived, 0)
    asm.inc(edx)
    asm.mov(generation, edx)
    asm.jmp(done)
    asm.bind(wait)
    emit_spin_while_equal(asm, generation, edx)
    asm.bind(done)


def emit_spin_while_equal(asm: Assembler, place: Memory, value: Register | int) -> None:
    """Spin until 32 bits in memory are no longer `value`; now and then let other threads run.

    Changes rax, rcx, r11 and flags.
    """
    restart, spin, done = asm.label("spin_restart"), asm.label("spin"), asm.label("spin_done")
    place = Memory(place.base, place.index, place.scale, place.displacement, size=32)
    asm.bind(restart)
    asm.mov(ecx, _SPINS_BEFORE_YIELD)
    asm.bind(spin)
    asm.cmp(place, value)
    asm.jne(done)
    asm.pause()
    asm.dec(ecx)
    asm.jnz(spin)
    if sys.platform == "linux":
        # the thread waited for may be waiting for this core
        asm.mov(eax, _SCHED_YIELD)
        asm.syscall()
    asm.jmp(restart)
    asm.bind(done)
