"""The way from a kernel to vector code: a plan, decided first, that then writes the code."""

from __future__ import annotations

from typing import Protocol

from baregrad.compiler.kernel import Batch, Contraction, Copy, Index, Kernel, Map, is_narrow
from baregrad.compiler.kernels.expression import Pointers
from baregrad.compiler.kernels.loops import Span
from baregrad.compiler.kernels.maps import plan_map
from baregrad.compiler.kernels.products import plan_contraction
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target


class KernelPlan(Protocol):
    """How a kernel is computed.

    The blocks of its work write to different places and need nothing of each other. They are the
    same for any number of threads, and so are the numbers that come out.
    """

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""

    def write(self, builder: Builder, pointers: Pointers, blocks: Span, scratch: Value) -> None:
        """Append the code for a range of blocks.

        Args:
            builder: of the program.
            pointers: the address of each buffer, by its number.
            blocks: the first, and the one after the last.
            scratch: address of the scratch memory.
        """


def plan_kernel(kernel: Kernel, target: Target) -> KernelPlan:
    """Decide how a kernel is computed.

    Raises:
        UnsupportedKernelError: there is no vector code for it.
    """
    # what most steps lack is imported when it comes up
    if isinstance(kernel, Map):
        if not is_narrow(kernel):
            return plan_map(kernel, target)
        from baregrad.compiler.kernels.narrow import plan_narrow

        return plan_narrow(kernel, target)
    if isinstance(kernel, Contraction):
        return plan_contraction(kernel, target)
    if isinstance(kernel, Index):
        from baregrad.compiler.kernels.indexing import plan_index

        return plan_index(kernel, target)
    if isinstance(kernel, Batch):
        from baregrad.compiler.kernels.batches import plan_batch

        return plan_batch(kernel, target)
    if isinstance(kernel, Copy):
        from baregrad.compiler.kernels.copies import plan_copy

        return plan_copy(kernel, target)
    from baregrad.compiler.kernels.randomness import plan_uniform

    return plan_uniform(kernel, target)
