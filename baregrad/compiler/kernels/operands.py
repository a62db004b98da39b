"""Matrices in memory as a kernel sees them, and vectors of them at a place of the index space.

The index space of a kernel is its output's: rows × columns. Every operand is read as if it had that
shape: with stride 0 along an axis it is the same all along it (a bias is the same in every row),
and a transposed matrix has its strides exchanged. A vector covers neighbouring columns of a row.
"""

from typing import Final, NamedTuple

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import FLOAT32, Type, Value
from baregrad.errors import ArgumentError

ELEMENT: Final = 4  # bytes of a float32 or int32
Index = int | Value  # an integer that is known, or that the program computes


class Operand(NamedTuple):
    """A matrix in memory.

    Attributes:
        pointer: address of its first element.
        row_stride: elements from one row to the next; 0 where all rows are the same.
        column_stride: elements from one column to the next.
        type: of the elements.
    """

    pointer: Value
    row_stride: int
    column_stride: int
    type: Type = FLOAT32

    @property
    def transposed(self) -> "Operand":
        """The same memory, rows for columns."""
        return self._replace(row_stride=self.column_stride, column_stride=self.row_stride)

    @property
    def strides(self) -> tuple[int, int]:
        """Along rows and columns."""
        return self.row_stride, self.column_stride


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


def advanced(builder: Builder, pointer: Value, distance: Index) -> Value:
    """The address `distance` bytes further on, without an instruction if that is 0."""
    return pointer if distance == 0 else builder.advance(pointer, distance)


def moved(builder: Builder, operand: Operand, row: Index, column: Index) -> Operand:
    """The operand from its element at (row, column) on."""
    down = product(builder, row, ELEMENT * operand.row_stride)
    right = product(builder, column, ELEMENT * operand.column_stride)
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

    def load(self, operand: Operand) -> Value:
        """The operand's elements here."""
        b = self.tile.builder
        operand, base, displacement = self._address(operand)
        stride, type = operand.column_stride, operand.type
        if stride == 0:
            return b.load_broadcast(base, displacement=displacement, type=type)
        if stride == 1:
            return b.load(base, displacement=displacement, mask=self.mask, type=type)
        indices = b.multiply_int(b.iota(), stride)
        return b.gather(base, indices, displacement=displacement, mask=self.mask, type=type)

    def store(self, value: Value, operand: Operand) -> None:
        """Write the operand's elements here.

        Raises:
            ArgumentError: they are not neighbours in memory.
        """
        operand, base, displacement = self._address(operand)
        if operand.column_stride == 1:
            self.tile.builder.store(value, base, displacement=displacement, mask=self.mask)
        elif self.width == 1:
            self.tile.builder.store_first(value, base, displacement=displacement)
        else:
            raise ArgumentError(
                f"an output's columns must be neighbours in memory: stride 1, not "
                f"{operand.column_stride}; compute its transpose"
            )

    def _address(self, operand: Operand) -> tuple[Operand, Value, int]:
        """The operand as the kernel sees it, its address in the tile, and how far from there."""
        if self.tile.swapped:
            operand = operand.transposed
        elements = self.row * operand.row_stride + self.column * operand.column_stride
        return operand, self.tile.base(operand), ELEMENT * elements
