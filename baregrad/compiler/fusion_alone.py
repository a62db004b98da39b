"""Kernels without an expression: nothing is computed together with these."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TypeAlias

from baregrad.compiler.fusion_terms import Strided, Term
from baregrad.compiler.fusion_views import linear_step
from baregrad.compiler.kernel import (
    Access,
    Batch,
    Buffer,
    Copy,
    Index,
    Kernel,
    Operand,
    Part,
    Uniform,
)
from baregrad.compiler.value import CONSTANT
from baregrad.engines.array import Shape, strides

# Keeps a term in memory, and says where.
Keep: TypeAlias = Callable[[Term], Buffer]


def alone(term: Term, keep: Keep) -> Kernel:
    """The kernel that computes this term and nothing else."""
    writers = {"index": _index, "batch": _batch, "copy": _copy, "uniform": _uniform}
    return writers[term.kind](term, keep)


def operand(matrix: Strided, keep: Keep) -> Operand:
    """A matrix, or the first of many."""
    row, column = matrix.steps[-2:]
    return Operand(keep(matrix.term), Access(row, column, matrix.offset))


def _index(term: Term, keep: Keep) -> Kernel:
    buffers = [keep(operand.term) for operand in term.operands]
    source = term.operands[0]
    if term.op == "argmax":
        rows = term.size
    elif term.op == "take":
        rows = source.shape[0]
    else:
        rows = buffers[1].size
    columns = buffers[0].size // rows
    indices = None if term.op == "argmax" else buffers[1]
    return Index(term.op, rows, columns, buffers[0], indices, keep(term))


def _batch(term: Term, keep: Keep) -> Kernel:
    left, right = term.operands
    *batch, rows, depth = left.shape
    first, second = (_first_matrix(x, keep) for x in (left, right))
    left_step, right_step = (linear_step(batch, x.steps[:-2]) or 0 for x in (left, right))
    sizes = prod(batch), rows, right.shape[-1], depth
    return Batch(*sizes, first, second, left_step, right_step, keep(term))


def _first_matrix(x: Strided, keep: Keep) -> Operand:
    """With no step along axes of size 1."""
    row, column = (
        step if n != 1 else 0 for n, step in zip(x.shape[-2:], x.steps[-2:], strict=True)
    )
    return Operand(keep(x.term), Access(row, column, x.offset))


def _copy(term: Term, keep: Keep) -> Kernel:
    attributes, dense = term.value.attributes, strides(term.value.shape)
    if term.op == "unslice":
        (x,), window = term.operands, attributes["window"]
        into = tuple(w[1] * step for w, step in zip(window, dense, strict=True))
        begin = sum(w[0] * step for w, step in zip(window, dense, strict=True))
        return Copy(term.op, [_part(x, into, begin, keep)], keep(term))
    axis = attributes.get("axis", 0)
    parts, begin = [], 0
    for x in term.operands:
        parts.append(_part(x, dense, begin, keep))
        begin += x.shape[axis] * dense[axis]
    return Copy(term.op, parts, keep(term))


def _part(x: Strided, into: Shape, begin: int, keep: Keep) -> Part:
    term, shape, steps, offset, _ = x
    if term.kind == CONSTANT:
        return Part(None, shape, steps, offset, into, begin, term.value.attributes["value"])
    return Part(keep(term), shape, steps, offset, into, begin)


def _uniform(term: Term, keep: Keep) -> Kernel:
    attributes, (start,) = term.value.attributes, term.operands
    return Uniform(attributes["seed"], attributes["stream"], keep(start.term), keep(term))
