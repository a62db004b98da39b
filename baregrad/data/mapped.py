"""Tensors whose numbers come part by part: into memory, or into a file that is mapped into it."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterable
from math import prod
from typing import Any

from baregrad.data.source import FilePath
from baregrad.engines.array import TYPECODES, Array, DType, Shape
from baregrad.files.atomic import write_atomically
from baregrad.tensor.borrowed import Borrowed
from baregrad.tensor.tensor import Tensor


def joined(
    parts: Iterable[array[Any]], shape: Shape, dtype: DType, into: FilePath | None = None
) -> Tensor:
    """A tensor of numbers that come in parts, one after another.

    Args:
        parts: its elements.
        shape: of the tensor, which is not empty.
        dtype: of the tensor, and of the parts.
        into: the file that its numbers are to be in, written anew; without, they are in memory.

    Raises:
        FileWriteError: the file cannot be written.
    """
    if into is None:
        data = array(TYPECODES[dtype])
        for part in parts:
            data.extend(part)
        return Tensor.leaf(Array(data, shape, dtype))
    write_atomically(into, (part.tobytes() for part in parts))
    with open(into, "rb") as file:
        whole: Any = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    code: Any = TYPECODES[dtype]
    view = whole[: prod(shape) * array(code).itemsize].cast(code)
    return Tensor.leaf(Borrowed(view, shape, dtype))
