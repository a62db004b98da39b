"""From a program to kernels: fusion, and the order in which the kernels run.

The stages are in files of their own: `fusion_resolution` resolves views, `fusion_clusters` decides
what is computed together, `fusion_expressions` writes the kernels. Here, they are put in order.

A training step's update replaces tensors that the same step reads. A new value can be written over
the old one (in place) only if all that need the old one come before. So a kernel that reads a
weight runs before the one that updates it: the product that carries a gradient back through the
weight comes before the product that computes the weight's own gradient and update.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from baregrad.compiler.fusion_clusters import Clusters
from baregrad.compiler.fusion_expressions import Kernels
from baregrad.compiler.fusion_resolution import Terms
from baregrad.compiler.kernel import Buffer, Kernel, buffers_read, buffers_written
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.program import Program
from baregrad.compiler.value import Value
from baregrad.record import Record
from baregrad.tensor.tensor import Tensor


class Fused(Record):
    """A program made of kernels.

    Attributes:
        buffers: all that is in memory, by number; those of inputs come first.
        kernels: in the order in which they run.
        inputs: the buffer of each argument and each tensor read.
        writes: for each tensor that is assigned to, the buffer with its new value.
        updates: of these, where the tensor is read as well, the buffers of its old and new value.
        results: the buffers of what the step returns, each of its own: none of them is another
            result, or the new value of a tensor.
    """

    buffers: list[Buffer]
    kernels: list[Kernel]
    inputs: dict[Value, Buffer]
    writes: dict[Tensor, Buffer]
    updates: list[tuple[Buffer, Buffer]]
    results: list[Buffer]


def fuse(program: Program) -> Fused:
    """Gathers the values of a simplified program in kernels."""
    terms = Terms(program)
    clusters = Clusters()
    for term in terms.order:
        clusters.place(term)
    kernels = Kernels(clusters)
    inputs = {value: kernels.keep(term) for value, term in terms.inputs.items()}
    new = [kernels.keep(term) for term in terms.writes]
    results = [kernels.keep(term) for term in terms.results]
    kernels.write_all()
    writes = dict(zip(program.writes, new, strict=True))
    updates = [
        (inputs[program.reads[tensor]], new)
        for tensor, new in writes.items()
        if tensor in program.reads and new.size
    ]
    ordered = in_execution_order(
        [kernel for _, kernel in sorted(kernels.written, key=lambda pair: pair[0])], updates
    )
    return Fused(kernels.buffers, ordered, inputs, writes, updates, results)


def in_execution_order(kernels: list[Kernel], updates: list[tuple[Buffer, Buffer]]) -> list[Kernel]:
    """Each kernel after those it needs, and if possible readers of old values before new ones.

    Otherwise kernels keep the order in which they are given.

    Raises:
        UnsupportedKernelError: there is no such order; it would be a mistake of the clusters'.
    """
    writers = {buffer: i for i, kernel in enumerate(kernels) for buffer in buffers_written(kernel)}
    reads = [buffers_read(kernel) for kernel in kernels]
    readers: dict[Buffer, list[int]] = {}
    for i, read in enumerate(reads):
        for buffer in read:
            readers.setdefault(buffer, []).append(i)
    after = [{writers[buffer] for buffer in read if buffer in writers} for read in reads]
    needed = set().union(*after)  # those that must run before another one
    before = [0] * len(kernels)  # of each kernel, a bit for every one that must run before it
    for i in _sorted(after):
        for j in after[i]:
            before[i] |= before[j] | 1 << j
    for old, new in updates:
        writer = writers[new]
        first = {i for i in readers.get(old, ()) if i != writer}
        if any(before[i] >> writer & 1 for i in first):
            continue  # an old value is needed after the new one: they cannot share a place
        after[writer] |= first
        needed |= first
        added = 0
        for i in first:
            added |= before[i] | 1 << i
        before[writer] |= added
        for i in range(len(kernels)) if writer in needed else ():
            if before[i] >> writer & 1:
                before[i] |= added
    return [kernels[i] for i in _sorted(after)]


def _sorted(after: list[set[int]]) -> list[int]:
    """Numbers in a topological order, the smallest possible one first (Kahn, 1962)."""
    waiting = [len(needed) for needed in after]
    followers: list[list[int]] = [[] for _ in after]
    for i, needed in enumerate(after):
        for j in needed:
            followers[j].append(i)
    ready = [i for i, count in enumerate(waiting) if not count]
    heapify(ready)
    order = []
    while ready:
        i = heappop(ready)
        order.append(i)
        for j in followers[i]:
            waiting[j] -= 1
            if not waiting[j]:
                heappush(ready, j)
    if len(order) < len(after):
        raise UnsupportedKernelError("kernels that need each other, in a circle")
    return order
