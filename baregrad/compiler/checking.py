"""Checks of numbers, such as that indices are in range, which are made before a step and not in it.

What is checked must be known by then: an argument, a tensor, or elements of one. Of numbers that
the step itself computes, some are known to be in range, such as the place of the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any, TypeAlias

from baregrad.compiler.value import CONSTANT, Value, in_order
from baregrad.engines.array import offsets, strides
from baregrad.errors import BaregradError

Check: TypeAlias = Callable[[Any], None]  # raises if it does not like some elements
Bounds: TypeAlias = tuple[float, float]

# operations whose results have elements of their first input alone
_SAME_NUMBERS = ("cast", "reshape", "permute", "expand", "take", "slice", "stop_gradient")
_UNKNOWN: Bounds = (-inf, inf)


def origin(value: Value) -> list[Value]:
    """Whose elements a value has, then what chose among them one after another, itself the last.

    The last may also be their sums along the last axis.
    """
    if value.op == "sum" and value.attributes["axes"] == (len(value.inputs[0].shape) - 1,):
        path = origin(value.inputs[0])
        keeps_rows = all(map(_keeps_rows, path[1:]))
        return [*path, value] if keeps_rows else [value]
    path = [value]
    while path[-1].op in _SAME_NUMBERS:
        path.append(path[-1].inputs[0])
    return path[::-1]


def _keeps_rows(value: Value) -> bool:
    """Whether rows of a value are rows of what it was chosen from, or a slice of each."""
    if value.op == "take":
        axis = value.attributes["axis"]
        return len(value.inputs[1].shape) == 1 and axis != len(value.shape) - 1
    return value.op in ("cast", "slice", "stop_gradient")


def check_of_origin(path: Sequence[Value], check: Check) -> Check:
    """A check of the elements that a value may have, given all elements of its origin.

    Slices are respected, so that a column can be checked by itself. Where elements are chosen by
    their indices, all are checked.

    Args:
        path: as `origin` gives it.
        check: of the value's elements.

    Returns:
        A check of the origin's elements, at any number of steps one after another.
    """
    source, last = path[0], path[-1]
    if last.op == "sum" and last is not source:
        return check_of_origin(path[:-1], _check_of_sums(last.inputs[0].shape[-1], check))
    chosen = _chosen(path)
    lengths = tuple(map(len, chosen))
    if lengths == source.shape:
        return check
    pairs = list(zip(chosen, strides(source.shape), strict=True))
    steps = tuple([places.step * stride for places, stride in pairs])
    start = sum(places.start * stride for places, stride in pairs)
    size = prod(source.shape)

    def check_part(elements: Any) -> None:
        count = len(elements) // size
        places = offsets((count, *lengths), (size, *steps), start)
        check([elements[place] for place in places])

    return check_part


def _check_of_sums(width: int, check: Check) -> Check:
    """A check of the sums of rows, given their elements."""

    def check_sums(elements: Any) -> None:
        check([sum(elements[i : i + width]) for i in range(0, len(elements), max(width, 1))])

    return check_sums


def _chosen(path: Sequence[Value]) -> list[range]:
    """The places along each axis of the origin from which the elements come, or may come."""
    chosen = [range(size) for size in path[0].shape]
    gathered = set()  # axes along which the slices' places are no longer the origin's
    for value in path[1:]:
        if value.op == "take" and len(value.inputs[1].shape) == 1:
            gathered.add(value.attributes["axis"])
        elif value.op == "slice":
            for axis, (start, step, count) in enumerate(value.attributes["window"]):
                if axis not in gathered:
                    first, by = chosen[axis].start, chosen[axis].step
                    end = first + by * (start + step * count)
                    chosen[axis] = range(first + by * start, end, by * step)
        elif value.op not in ("cast", "stop_gradient"):
            break  # other axes
    return chosen


def is_in_range(value: Value, check: Check) -> bool:
    """Whether integers that a step computes pass a check of their range, whatever they are."""
    low, high = _bounds(value)
    if low == -inf or high == inf:
        return False
    try:
        check([int(low), int(high)])
    except BaregradError:
        return False
    return True


def _bounds(value: Value) -> Bounds:
    """The smallest and the largest that an element can be."""
    found: dict[Value, Bounds] = {}
    for x in in_order([value]):
        found[x] = _bounds_of(x, found)
    return found[value]


def _bounds_of(x: Value, found: dict[Value, Bounds]) -> Bounds:
    inputs = [found[part] for part in x.inputs]
    if x.op == CONSTANT:
        return x.attributes["value"], x.attributes["value"]
    if x.op == "argmax":
        return 0, prod(x.inputs[0].shape[axis] for axis in x.attributes["axes"]) - 1
    if x.dtype == "bool":
        return 0, 1
    if x.dtype != "int64" or any(part.dtype == "float32" for part in x.inputs):
        return _UNKNOWN  # it may be NaN
    if x.op in _SAME_NUMBERS:
        return inputs[0]
    if x.op == "maximum":
        (low, high), (other_low, other_high) = inputs
        return max(low, other_low), max(high, other_high)
    if x.op == "negative":
        ((low, high),) = inputs
        return -high, -low
    if x.op == "where":
        return _bounds_of_where(x, found)
    return _UNKNOWN


def _bounds_of_where(x: Value, found: dict[Value, Bounds]) -> Bounds:
    """Also of `clip`, which chooses a bound where an element lies beyond it."""
    condition, chosen, other = x.inputs
    (low, high), (other_low, other_high) = found[chosen], found[other]
    if condition.op == "less" and low == high:
        smaller, larger = condition.inputs
        if smaller is other and found[larger] == (low, high):
            return max(low, other_low), max(high, other_high)
        if larger is other and found[smaller] == (low, high):
            return min(low, other_low), min(high, other_high)
    return min(low, other_low), max(high, other_high)
