"""The IDX format of the MNIST files: a few bytes of header, then the values.

Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits", section "File
formats": two zero bytes, a type code, the number of axes, each size as a big-endian 32-bit
integer, and then the elements in row-major order.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, BinaryIO, TypeAlias

from baregrad.data.source import FilePath, opened
from baregrad.engines.array import TYPECODES, Array, DType, Shape
from baregrad.errors import DataError
from baregrad.tensor.tensor import Tensor

# from the bytes of a block to its numbers, as they lie in memory
Conversion: TypeAlias = Callable[[bytes], "bytearray | memoryview"]

UNSIGNED_BYTE = 0x08  # the type code of every MNIST file, and the only one read here
BLOCK = 1 << 16  # values that are converted at once, within the caches; whole groups of `byte_code`
LARGE = 1 << 20  # values from which on machine code is worth making: Python takes 20 ms for so many


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
    dtype: DType = "float32" if scale else "int64"
    data: array[Any] = array(TYPECODES[dtype])
    with opened(path) as file:
        shape = _shape(file, path)
        expected = prod(shape)
        convert = _conversion(scale, expected)
        while len(data) <= expected and (block := file.read(BLOCK)):
            data.frombytes(convert(block))
    if len(data) != expected:
        raise DataError(
            f"{path}: the header says {expected} values, shape {shape}, and the file has "
            f"{'more' if len(data) > expected else len(data)}; it is damaged or cut off, so fetch "
            "it again"
        )
    return Tensor.leaf(Array(data, shape, dtype))


def _conversion(scale: bool, count: int) -> Conversion:
    """What makes numbers of the blocks of so many values: float32 from 0 to 1, or int64."""
    if not scale:
        return partial(_looked_up, meanings=array("q", range(256)))
    in_python = partial(_looked_up, meanings=array("f", [value / 255 for value in range(256)]))
    return in_python if count < LARGE else _native_conversion(in_python)


def _native_conversion(otherwise: Conversion) -> Conversion:
    """To float32 by machine code; `otherwise` for what it cannot do."""
    from baregrad.data.byte_code import fractions_function  # loads the assembler

    function = fractions_function()
    if function is None:
        return otherwise
    found = array("f", bytes(4 * BLOCK))
    target, numbers = found.buffer_info()[0], memoryview(found).cast("B")

    def natively(block: bytes) -> bytearray | memoryview:
        if len(block) < BLOCK:  # the last one
            return otherwise(block)
        function(block, len(block), target)
        return numbers

    return natively


def _looked_up(block: bytes, meanings: array[Any]) -> bytearray:
    """What each byte stands for, of 256 meanings.

    The first bytes of all results are made at once, then all second ones, and so on: some twenty
    times as fast as one result after another.
    """
    size, table = meanings.itemsize, meanings.tobytes()
    content = bytearray(size * len(block))
    for place in range(size):
        content[place::size] = block.translate(table[place::size])
    return content


def _shape(file: BinaryIO, path: FilePath) -> Shape:
    """The shape of the tensor; what follows in the file are its values."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{path} is not an IDX file: it does not begin with two zero bytes, a type code and "
            "the number of axes"
        )
    code, ndim = magic[2:]
    if code != UNSIGNED_BYTE:
        raise DataError(
            f"{path}: the values have type code 0x{code:02X}; only unsigned bytes (0x08) are read"
        )
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise DataError(f"{path}: the file ends within the sizes of its {ndim} axes")
    return struct.unpack(f">{ndim}I", sizes)
