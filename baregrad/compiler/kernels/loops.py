"""Loops over an axis that is cut into equal parts and a smaller rest."""

from __future__ import annotations

from collections.abc import Iterator

from baregrad.compiler.kernels.operands import Index, product
from baregrad.compiler.kernels.tiling import Split
from baregrad.compiler.vector.builder import Builder

Span = tuple[Index, Index]  # from, to before


def parts(builder: Builder, span: Span, split: Split) -> Iterator[tuple[Span, int]]:
    """Of a range of parts, those that are whole, and the rest: from, to before, and their size."""
    start, stop = span
    if isinstance(start, int) and isinstance(stop, int):
        whole: Span = (start, min(stop, split.whole))
        rest: Span = (max(start, split.whole), stop)
    else:
        whole = (start, builder.min_int64(stop, split.whole))
        rest = (builder.max_int64(start, split.whole), stop)
    if split.whole:
        yield whole, split.size
    if split.rest:
        yield rest, split.rest


def each(builder: Builder, span: Span) -> Iterator[Index]:
    """The numbers of a range: in a loop, unless it is a single known one."""
    start, stop = span
    if isinstance(start, int) and isinstance(stop, int) and stop - start == 1:
        yield start
        return
    with builder.loop(start, stop) as loop:
        yield loop.counter


def within(builder: Builder, blocks: Span, size: int, length: int) -> Span:
    """The part of an axis that these blocks are."""
    first, last = (product(builder, block, size) for block in blocks)
    if isinstance(last, int):
        return first, min(last, length)
    return first, builder.min_int64(last, length)
