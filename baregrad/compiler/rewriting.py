"""Operations that no kernel computes as they stand, in terms of those that kernels compute.

Like the identities, all of this is exact. Axes are brought where kernels want them: those that are
chosen along in front, those that are reduced in front or at the end. Matrix products of a batch
that share the right matrix are one product with more rows.
"""

from __future__ import annotations

from math import prod

from baregrad.compiler.identities import Builder, Rule
from baregrad.compiler.value import CONSTANT, INPUT, Value
from baregrad.engines.array import Shape


def rewritten(value: Value, build: Builder) -> Value | None:
    """An equal value that kernels compute; None if they compute this one."""
    if _is_empty(value):
        return build.constant(0, value.shape, value.dtype)
    rule = _RULES.get(value.op)
    return rule(value, build) if rule else None


def _is_empty(value: Value) -> bool:
    """Whether there is nothing to compute, or it is computed from nothing: a sum, which is 0."""
    if value.op in (CONSTANT, INPUT):
        return False
    return 0 in value.shape or (value.op != "concat" and 0 in value.inputs[0].shape)


def _concat(value: Value, build: Builder) -> Value | None:
    full = [x for x in value.inputs if 0 not in x.shape]
    if len(full) == len(value.inputs):
        return None
    return build.apply("concat", *full, axis=value.attributes["axis"])


# --- rows ---------------------------------------------------------------------------------------


def _take(value: Value, build: Builder) -> Value | None:
    x, indices = value.inputs
    axis = value.attributes["axis"]
    if axis == 0:
        return None
    others = _without(len(x.shape), (axis,))
    moved = build.apply("permute", x, axes=(axis, *others))
    taken = build.apply("take", moved, indices, axis=0)
    chosen = len(indices.shape)
    back = (*range(chosen, chosen + axis), *range(chosen), *range(chosen + axis, len(value.shape)))
    return build.apply("permute", taken, axes=back)


def _scatter_add(value: Value, build: Builder) -> Value | None:
    x, indices = value.inputs
    axis, size = value.attributes["axis"], value.attributes["size"]
    if axis == 0:
        return None
    chosen = tuple(range(axis, axis + len(indices.shape)))
    moved = build.apply("permute", x, axes=chosen + _without(len(x.shape), chosen))
    added = build.apply("scatter_add", moved, indices, axis=0, size=size)
    back = (*range(1, axis + 1), 0, *range(axis + 1, len(value.shape)))
    return build.apply("permute", added, axes=back)


# --- reductions ---------------------------------------------------------------------------------


def _reduction(value: Value, build: Builder) -> Value | None:
    """With the axes at the end, and of truth values as numbers."""
    (x,) = value.inputs
    axes = value.attributes["axes"]
    if x.dtype == "bool":
        numbers = build.apply("cast", x, dtype="float32")
        return build.apply(
            "cast", build.apply(value.op, numbers, **value.attributes), dtype=value.dtype
        )
    if _is_in_place(value.op, x.shape, axes):
        return None
    kept = _without(len(x.shape), axes)
    moved = build.apply("permute", x, axes=kept + axes)
    last = tuple(range(len(kept), len(x.shape)))
    reduced = build.apply(value.op, moved, axes=last, keepdims=False)
    return build.apply("reshape", reduced, shape=value.shape)


def _is_in_place(op: str, shape: Shape, axes: Shape) -> bool:
    """Whether the axes are the last ones, or, but for the place of the largest, the first."""
    reduced = [axis for axis in axes if shape[axis] != 1]
    kept = [axis for axis in _without(len(shape), axes) if shape[axis] != 1]
    if not reduced or not kept:
        return True
    return max(kept) < min(reduced) or (op != "argmax" and max(reduced) < min(kept))


def _without(rank: int, axes: Shape) -> Shape:
    return tuple([axis for axis in range(rank) if axis not in axes])


# --- matrices -----------------------------------------------------------------------------------


def _matmul(value: Value, build: Builder) -> Value | None:
    if value.dtype == "int64":
        return _sum_of_products(value, build)
    x, y = value.inputs
    if len(value.shape) == 2 or prod(y.shape[:-2]) != 1:
        return None
    left = build.apply("reshape", x, shape=(prod(x.shape[:-1]), x.shape[-1]))
    right = build.apply("reshape", y, shape=y.shape[-2:])
    product = build.apply("matmul", left, right)
    return build.apply("reshape", product, shape=value.shape)


def _sum_of_products(value: Value, build: Builder) -> Value:
    """A product of matrices of integers: all products of two elements, added up."""
    x, y = value.inputs
    rank = len(y.shape)
    left = build.apply("reshape", x, shape=(*x.shape[:-1], 1, x.shape[-1]))
    turned = build.apply("permute", y, axes=(*range(rank - 2), rank - 1, rank - 2))
    right = build.apply("reshape", turned, shape=(*turned.shape[:-2], 1, *turned.shape[-2:]))
    products = build.apply("multiply", left, right)
    return build.apply("sum", products, axes=(len(products.shape) - 1,), keepdims=False)


_RULES: dict[str, Rule] = {
    "concat": _concat,
    "take": _take,
    "scatter_add": _scatter_add,
    "sum": _reduction,
    "max": _reduction,
    "argmax": _reduction,
    "matmul": _matmul,
}
