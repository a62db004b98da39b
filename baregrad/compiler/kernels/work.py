"""What there is to do for a kernel: its plan, or two where it is reduced in parts."""

from __future__ import annotations

from typing import Final

from baregrad.compiler.cost import nanoseconds
from baregrad.compiler.kernel import Buffer, Kernel, Map, buffers_read, buffers_written
from baregrad.compiler.kernels.plans import KernelPlan, plan_kernel
from baregrad.compiler.vector.target import Target
from baregrad.record import Record

# a map that takes less is not cut
_WORTH_CUTTING: Final = 4_000.0  # nanoseconds


class Work(Record):
    """A kernel, or a part of one that follows another, as it is scheduled.

    Attributes:
        plan: how it is computed.
        reads: buffers.
        writes: buffers.
        nanoseconds: that it takes on one thread, roughly.
    """

    plan: KernelPlan
    reads: set[Buffer]
    writes: set[Buffer]
    nanoseconds: float


def plan_work(kernel: Kernel, target: Target, number: int) -> tuple[list[Work], list[Buffer]]:
    """Decide how a kernel is computed, and whether that is done in parts.

    Args:
        kernel: what is computed.
        target: for which code is written.
        number: of the first buffer that may be added.

    Returns:
        One thing to do or several in order, and the buffers that were added.

    Raises:
        UnsupportedKernelError: there is no vector code for it.
    """
    reads, writes, time = buffers_read(kernel), buffers_written(kernel), nanoseconds(kernel)
    cut = None
    if isinstance(kernel, Map) and time >= _WORTH_CUTTING:
        from baregrad.compiler.kernels.parts import plan_parts  # small steps need not load it

        cut = plan_parts(kernel, target, number)
    if cut is None:
        return [Work(plan_kernel(kernel, target), reads, writes, time)], []
    parts, combined = cut
    partials = {parts.partials}
    first = Work(parts, reads, writes | partials, time)
    return [first, Work(combined, reads | partials, writes | partials, 0.0)], [parts.partials]
