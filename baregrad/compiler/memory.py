"""Memory: where each buffer lies in one arena, so that those needed at different times share it.

Inputs keep their places from step to step. So do new values of tensors, which are written over the
old ones if no kernel needs these any more. All others live from the kernel that writes them to the
last one that reads them, and get the smallest free gap that is large enough (best fit).
"""

from __future__ import annotations

from typing import Final

from baregrad.compiler.fusion import Fused
from baregrad.compiler.kernel import (
    ITEMSIZE,
    Buffer,
    Contraction,
    Kernel,
    Load,
    Map,
    buffers_read,
    buffers_written,
)
from baregrad.record import Record

ALIGNMENT: Final = 64  # bytes: a cache line, and the widest vector


class Memory(Record):
    """A plan of the arena.

    Attributes:
        offsets: of each buffer, by its number, in bytes.
        size: of the arena, in bytes.
        inputs: of its first part, where the inputs lie, in bytes. A part that `native` leaves out,
            as there they have memory of their own.
        in_place: buffers of tensors' old and new values that share their place.
        copies: buffers of new values and old ones that must be copied after the last kernel.
    """

    offsets: list[int]
    size: int
    inputs: int
    in_place: list[tuple[Buffer, Buffer]]
    copies: list[tuple[Buffer, Buffer]]


def plan_memory(fused: Fused) -> Memory:
    """Gives every buffer a place."""
    in_place, copies = _updates(fused)
    offsets = [0] * len(fused.buffers)
    arena = _Arena()
    for buffer in fused.inputs.values():
        offsets[buffer.number] = arena.allocate(_bytes(buffer))
    inputs = arena.size
    for old, new in in_place:
        offsets[new.number] = offsets[old.number]
    kept = {*fused.results, *fused.writes.values()}
    placed = {*fused.inputs.values(), *(new for _, new in in_place)}
    last = _last_uses(fused.kernels)
    for number, kernel in enumerate(fused.kernels):
        for buffer in sorted(buffers_written(kernel) - placed):
            offsets[buffer.number] = arena.allocate(_bytes(buffer))
        for buffer in last[number]:
            if buffer not in placed and buffer not in kept:
                arena.free(offsets[buffer.number], _bytes(buffer))
    return Memory(offsets, arena.size, inputs, in_place, copies)


def _bytes(buffer: Buffer) -> int:
    """How much a buffer takes up, with what is left to the next one; at least a cache line."""
    size = max(1, buffer.size * ITEMSIZE[buffer.dtype])
    return -(-size // ALIGNMENT) * ALIGNMENT


def _last_uses(kernels: list[Kernel]) -> list[list[Buffer]]:
    """For each kernel the buffers that no later one uses, by number."""
    last: dict[Buffer, int] = {}
    for number, kernel in enumerate(kernels):
        for buffer in buffers_read(kernel) | buffers_written(kernel):
            last[buffer] = number
    uses: list[list[Buffer]] = [[] for _ in kernels]
    for buffer in sorted(last):
        uses[last[buffer]].append(buffer)
    return uses


# --- in place -------------------------------------------------------------------------------


def _updates(
    fused: Fused,
) -> tuple[list[tuple[Buffer, Buffer]], list[tuple[Buffer, Buffer]]]:
    """Which new values are written over the old ones, and which must be copied there later."""
    last_reads = {b: i for i, kernel in enumerate(fused.kernels) for b in buffers_read(kernel)}
    writers = {b: i for i, kernel in enumerate(fused.kernels) for b in buffers_written(kernel)}
    in_place: list[tuple[Buffer, Buffer]] = []
    copies = []
    taken: set[Buffer] = set()
    for old, new in fused.updates:
        writer = writers[new]
        later = last_reads.get(old, -1) > writer
        if new in taken or later or not _may_overwrite(fused.kernels[writer], old, new):
            copies.append((new, old))
        else:
            in_place.append((old, new))
            taken.add(new)
    return in_place, copies


def _may_overwrite(kernel: Kernel, old: Buffer, new: Buffer) -> bool:
    """Whether a kernel that writes a new value reads the old one only at the same places."""
    if old not in buffers_read(kernel):
        return True
    if not isinstance(kernel, Map | Contraction):
        return False
    if isinstance(kernel, Contraction) and old in (kernel.left.buffer, kernel.right.buffer):
        return False
    (access,) = (store.access for store in kernel.stores if store.buffer == new)
    loads = (node for node in kernel.nodes if isinstance(node, Load))
    return all(node.access == access for node in loads if node.buffer == old)


# --- the arena ------------------------------------------------------------------------------


class _Arena:
    """Memory with gaps.

    Attributes:
        size: in bytes.
        gaps: free memory: for each gap that begins at an offset, its size.
    """

    def __init__(self) -> None:
        self.size = 0
        self.gaps: dict[int, int] = {}
        self._begins: dict[int, int] = {}  # of the gap that ends at an offset

    def allocate(self, size: int) -> int:
        """The offset of so many bytes: in the smallest gap that has them, or at the end."""
        fitting = [(free, offset) for offset, free in self.gaps.items() if free >= size]
        if fitting:
            free, offset = min(fitting)
            self._remove(offset)
            if free > size:
                self._add(offset + size, free - size)
            return offset
        offset = self._begins.get(self.size, self.size)
        if offset < self.size:
            self._remove(offset)  # the arena's end was unused, and is made longer
        self.size = offset + size
        return offset

    def free(self, offset: int, size: int) -> None:
        """Makes a gap, one with those that it touches."""
        if offset in self._begins:
            begin = self._begins[offset]
            size += self._remove(begin)
            offset = begin
        if offset + size in self.gaps:
            size += self._remove(offset + size)
        self._add(offset, size)

    def _add(self, offset: int, size: int) -> None:
        self.gaps[offset] = size
        self._begins[offset + size] = offset

    def _remove(self, offset: int) -> int:
        size = self.gaps.pop(offset)
        del self._begins[offset + size]
        return size
