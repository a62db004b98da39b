"""Matrices in memory as a kernel sees them, and vectors of them at a place of the index space.

The index space of a kernel is its output's: rows × columns. Every operand is read as if it had that
shape: with stride 0 along an axis it is the same all along it (a bias is the same in every row),
and a transposed matrix has its strides exchanged. A vector covers neighbouring columns of a row.

In memory a bool takes 4 bytes and is 0 or 1; in a vector it is a mask. An int64 takes 8 bytes, the
lower half first; its halves are vectors of their own.
"""

from typing import Final

from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.integers import Vector, Wide
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import FLOAT32, INT32, LANES, Type, Value
from baregrad.engines.array import DType
from baregrad.record import Record

ELEMENT: Final = 4  # bytes of a float32
LINE: Final = 64  # bytes of a cache line
Index = int | Value  # an integer that is known, or that the program computes


class Operand(Record):
    """A matrix in memory.

    Attributes:
        pointer: address of the buffer that it is in.
        row_stride: elements from one row to the next; 0 where all rows are the same.
        column_stride: elements from one column to the next.
        dtype: of the elements.
        offset: elements from the pointer to its first element.
    """

    pointer: Value
    row_stride: int
    column_stride: int
    dtype: DType = "float32"
    offset: int = 0

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return 2 * ELEMENT if self.dtype == "int64" else ELEMENT

    @property
    def transposed(self) -> "Operand":
        """The same memory, rows for columns."""
        return self._replace(row_stride=self.column_stride, column_stride=self.row_stride)


def product(builder: Builder, index: Index, factor: int) -> Index:
    """index * factor, without an instruction where it is known."""
    if isinstance(index, int) or factor == 0:
        return index * factor if isinstance(index, int) else 0
    return builder.multiply_int64(index, factor) if factor != 1 else index


def total(builder: Builder, a: Index, b: Index) -> Index:
    """a + b, without an instruction where it is known."""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if a == 0 or b == 0:
        return b if a == 0 else a
    return builder.add_int64(a, b)


def difference(builder: Builder, a: Index, b: Index) -> Index:
    """a - b, without an instruction where it is known."""
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    return builder.subtract_int64(a, b)


def advanced(builder: Builder, pointer: Value, distance: Index) -> Value:
    """The address `distance` bytes further on, without an instruction if that is 0."""
    return pointer if distance == 0 else builder.advance(pointer, distance)


def moved(builder: Builder, operand: Operand, row: Index, column: Index) -> Operand:
    """The operand from its element at (row, column) on."""
    down = product(builder, row, operand.itemsize * operand.row_stride)
    right = product(builder, column, operand.itemsize * operand.column_stride)
    pointer = advanced(builder, operand.pointer, total(builder, down, right))
    return operand._replace(pointer=pointer)


class Tile:
    """A part of the index space, from (row, column) on. It belongs to one region of the program.

    Args:
        builder: of the program.
        row: number of the first row.
        column: number of the first column.
        swapped: whether the kernel works on the transpose, so that operands must be, too.
    """

    __slots__ = ("_bases", "builder", "column", "row", "swapped")

    def __init__(
        self, builder: Builder, row: Index, column: Index, *, swapped: bool = False
    ) -> None:
        self.builder = builder
        self.row = row
        self.column = column
        self.swapped = swapped
        self._bases: dict[Operand, Value] = {}

    def base(self, operand: Operand) -> Value:
        """The address of the operand's element at the first row and column."""
        base = self._bases.get(operand)
        if base is None:
            base = moved(self.builder, operand, self.row, self.column).pointer
            self._bases[operand] = base
        return base


class Place:
    """One vector of the index space: neighbouring columns of one row.

    Attributes:
        tile: the part of the index space that it belongs to.
        row: counted from the tile's first.
        column: likewise, its first.
        width: how many of its lanes are columns; the others are neither read nor written.
        mask: these lanes; None for all.
    """

    __slots__ = ("column", "mask", "row", "tile", "width")

    def __init__(self, tile: Tile, row: int, column: int, width: int, mask: Value | None) -> None:
        self.tile = tile
        self.row = row
        self.column = column
        self.width = width
        self.mask = mask

    @property
    def builder(self) -> Builder:
        """Of the program."""
        return self.tile.builder

    def load(self, operand: Operand) -> Vector:
        """The operand's elements here."""
        operand, base, displacement = self._address(operand)
        if operand.dtype == "float32":
            return self._load(operand, base, displacement, FLOAT32)
        number = self._load(operand, base, displacement, INT32)
        if operand.dtype == "bool":
            return self.builder.mask_not(self.builder.compare_int("equal", number, 0))
        return Wide(number, self._load(operand, base, displacement + ELEMENT, INT32))

    def _load(self, operand: Operand, base: Value, displacement: int, type: Type) -> Value:
        """Four bytes of each of the operand's elements here."""
        b, step = self.builder, self.step(operand)
        if step == 0:
            return b.load_broadcast(base, displacement=displacement, type=type)
        if step == 1 and operand.itemsize == ELEMENT:
            return b.load(base, displacement=displacement, mask=self.mask, type=type)
        return b.gather(
            base,
            self.numbers(operand),
            scale=operand.itemsize,
            displacement=displacement,
            mask=self.mask,
            type=type,
        )

    def step(self, operand: Operand) -> int | None:
        """Elements from one lane to the next; None where it is not always the same."""
        return operand.column_stride

    def numbers(self, operand: Operand) -> Value:
        """Where the element of each lane is, counted from that of the first; an int32."""
        return self.builder.multiply_int(self.builder.iota(), operand.column_stride)

    def store(self, value: Vector, operand: Operand) -> None:
        """Write the operand's elements here.

        Raises:
            UnsupportedKernelError: they are not neighbours in memory.
        """
        b = self.builder
        operand, base, displacement = self._address(operand)
        if operand.column_stride != 1 and self.width != 1:
            raise UnsupportedKernelError(
                f"the columns of an output lie {operand.column_stride} elements apart; they must "
                "be neighbours"
            )
        if isinstance(value, Wide):
            self._store_wide(value, base, displacement)
            return
        if operand.dtype == "bool":
            value = b.select(value, b.constant_int(1), b.constant_int(0))
        if self.width == 1:
            b.store_first(value, base, displacement=displacement)
        else:
            b.store(value, base, displacement=displacement, mask=self.mask)

    def _store_wide(self, value: Wide, base: Value, displacement: int) -> None:
        """Both halves of 64-bit integers."""
        b = self.builder
        if self.width == 1:
            b.store_first(value.low, base, displacement=displacement)
            b.store_first(value.high, base, displacement=displacement + ELEMENT)
            return
        halves = b.float_from_bits(value.low), b.float_from_bits(value.high)
        for part, interleave in enumerate((b.interleave_low, b.interleave_high)):
            mask = self.mask
            if mask is not None:
                chosen = b.select(mask, 1.0, 0.0)
                mask = b.compare("equal", interleave(chosen, chosen), 1.0)
            at = displacement + part * ELEMENT * LANES
            b.store(interleave(*halves), base, displacement=at, mask=mask)

    def _address(self, operand: Operand) -> tuple[Operand, Value, int]:
        """The operand as the kernel sees it, its address in the tile, and how far from there."""
        if self.tile.swapped:
            operand = operand.transposed
        elements = self.row * operand.row_stride + self.column * operand.column_stride
        elements += operand.offset
        return operand, self.tile.base(operand), operand.itemsize * elements
