"""Not a network: threads that do nothing but wait for each other inside machine code."""

from harness.tasks import Run, Task

from baregrad.machine.assembler import Assembler
from baregrad.machine.barrier import emit_barrier
from baregrad.machine.convention import SHADOW_SPACE, enter, leave
from baregrad.machine.function import NativeFunction
from baregrad.machine.registers import r12, r12d, r13, rbx, rcx, rdi, rdx
from baregrad.machine.threads import WorkerPool
from contenders.own import VERSION

__all__ = ["VERSION", "meet"]
UNIT = 10_000  # of one meeting: next to these, what a call costs is nothing


def meet(task: Task, threads: int) -> Run:
    """A step is one meeting at the barrier of compiled steps; the "loss" is how many were asked."""
    pool, function = WorkerPool(threads), _meetings()

    def steps(count: int) -> float:
        pool.run(function, count)
        return float(count)

    return Run(steps, UNIT)


def _meetings() -> NativeFunction:
    """As many as its argument says, which is at least one; see `WorkerPool`."""
    asm = Assembler()
    enter(asm, SHADOW_SPACE, vectors=False)
    for kept, given in ((r13, rdi), (r12, rdx), (rbx, rcx)):
        asm.mov(kept, given)
    again = asm.label("again")
    asm.bind(again)
    emit_barrier(asm, rbx, r12d)
    asm.dec(r13)
    asm.jnz(again)
    leave(asm, SHADOW_SPACE, vectors=False)
    return NativeFunction(asm.finish())
