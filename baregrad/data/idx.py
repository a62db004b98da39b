"""The IDX format of the MNIST files: a few bytes of header, then the values.

Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits", section "File
formats": two zero bytes, a type code, the number of axes, each size as a big-endian 32-bit
integer, and then the elements in row-major order.
"""

from __future__ import annotations

import struct
from array import array
from math import prod
from typing import Any

from baregrad.data.source import FilePath, read_bytes
from baregrad.engines.array import TYPECODES, Array, DType, Shape
from baregrad.errors import DataError
from baregrad.tensor.tensor import Tensor

UNSIGNED_BYTE = 0x08  # the type code of every MNIST file, and the only one read here
BLOCK = 1 << 16  # values that are converted at once


def read_idx(path: FilePath, scale: bool = False) -> Tensor:
    """The tensor in an IDX file of unsigned bytes, which may be compressed with gzip.

    Args:
        path: such as ``train-images-idx3-ubyte.gz``.
        scale: divide by 255, for float32 values from 0 to 1; otherwise int64 from 0 to 255.

    Raises:
        DataError: the file is not there, not an IDX file, of other values than unsigned bytes, or
            not as long as its header says.
        ArgumentError: not the path of a file.
    """
    content = read_bytes(path)
    shape, start = _header(content, path)
    expected, found = prod(shape), len(content) - start
    if found != expected:
        raise DataError(
            f"{path}: the header says {expected} values, shape {shape}, and the file has {found}; "
            "it is damaged or cut off, so fetch it again"
        )
    dtype: DType = "float32" if scale else "int64"
    meanings: array[Any] = array(TYPECODES[dtype])
    meanings.extend([value / 255 for value in range(256)] if scale else range(256))
    return Tensor.leaf(Array(_looked_up(content[start:], meanings), shape, dtype))


def _looked_up(values: bytes, meanings: array[Any]) -> array[Any]:
    """What each byte stands for, of 256 meanings.

    The first bytes of all results are made at once, then all second ones, and so on: some twenty
    times as fast as one result after another. It is done block by block, within the caches.
    """
    size, table = meanings.itemsize, meanings.tobytes()
    found = array(meanings.typecode)
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        content = bytearray(size * len(block))
        for place in range(size):
            content[place::size] = block.translate(table[place::size])
        found.frombytes(content)
    return found


def _header(content: bytes, path: FilePath) -> tuple[Shape, int]:
    """The shape of the tensor, and where its values begin."""
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(
            f"{path} is not an IDX file: it does not begin with two zero bytes, a type code and "
            "the number of axes"
        )
    code, ndim = content[2], content[3]
    if code != UNSIGNED_BYTE:
        raise DataError(
            f"{path}: the values have type code 0x{code:02X}; only unsigned bytes (0x08) are read"
        )
    start = 4 + 4 * ndim
    if len(content) < start:
        raise DataError(f"{path}: the file ends within the sizes of its {ndim} axes")
    return struct.unpack(f">{ndim}I", content[4:start]), start
