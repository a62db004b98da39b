"""Strides: how an array is read that was reshaped, transposed or broadcast, without a copy of it.

Steps are counted in elements, one for each axis. Along axes of size 1 they do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from baregrad.engines.array import Shape


def linear_step(sizes: Sequence[int], steps: Sequence[int]) -> int | None:
    """The one step that walks all the elements in row-major order, if there is one.

    0 if there is one element, or the same one everywhere.
    """
    step = extent = 0
    for size, own in zip(reversed(sizes), reversed(steps), strict=True):
        if size == 1:
            continue
        if not extent:
            step, extent = own, size
        elif own != step * extent:
            return None
        else:
            extent *= size
    return step


def reshaped_steps(sizes: Shape, steps: Shape, shape: Shape) -> Shape | None:
    """The steps with which another shape of as many elements reads the same ones, in order.

    None where there are none: then the elements must be copied. No size is 0.
    """
    old = [(size, step) for size, step in zip(sizes, steps, strict=True) if size != 1]
    result = [0] * len(shape)
    extent, step = 1, 0  # what is left of the run of old axes that new axes are laid along
    for axis in reversed(range(len(shape))):
        size = shape[axis]
        if size == 1:
            continue
        if extent == 1:
            extent, step = old.pop()
        # a new axis may be longer than an old one if the next old one goes on where that ends
        while extent % size and old and old[-1][1] == extent * step:
            extent *= old.pop()[0]
        if extent % size:
            return None
        result[axis] = step
        extent, step = extent // size, step * size
    return tuple(result)


def broadcast(sizes: Shape, steps: Shape, to: Shape) -> Shape:
    """The steps that read an array as if it had the larger shape `to`."""
    own = (0 if size == 1 else step for size, step in zip(sizes, steps, strict=True))
    return (0,) * (len(to) - len(sizes)) + tuple(own)


def split_axis(shape: Shape, rows: int) -> int | None:
    """The axis before which there are so many rows; None where they end in the midst of one."""
    product = 1
    for axis, size in enumerate(shape):
        if product == rows:
            return axis
        product *= size
    return None
