"""What becomes of a product's elements once they are known: an expression, emitted per vector.

A short one is emitted for each vector of a tile while the tile is in registers. A long one would be
so many times too long; then the tile goes to scratch memory, and the code is a loop over its rows.
"""

from collections.abc import Callable

from baregrad.compiler.kernels.operands import ELEMENT, Index, Operand, Place, Tile
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.record import Record


class Epilogue(Record):
    """Code that follows a product.

    Attributes:
        emit: called with a place and the vector of the product there; emits what computes from it
            and stores the results.
        length: about how many instructions that is.
        touched: matrices of the product's size that it reads or writes, and had better be asked
            for ahead.
        swapped: whether the product is computed as its transpose, its rows being columns.
    """

    emit: Callable[[Place, Value], None]
    length: int = 1
    touched: tuple[Operand, ...] = ()
    swapped: bool = False

    @property
    def transposed(self) -> "Epilogue":
        """The same, for the product computed as its transpose."""
        return self._replace(touched=(), swapped=not self.swapped)


class Columns(Record):
    """Neighbouring columns, in vectors.

    Attributes:
        first: number of the first.
        width: how many.
        lanes: of a vector.
        tail: the lanes of the last vector that are columns; None for all.
    """

    first: Index
    width: int
    lanes: int
    tail: Value | None

    @property
    def vectors(self) -> int:
        """How many vectors."""
        return -(-self.width // self.lanes)

    def masks(self) -> list[Value | None]:
        """Of each vector, the lanes that are columns."""
        whole: list[Value | None] = [None] * (self.vectors - 1)
        return [*whole, self.tail]

    def places(self, tile: Tile, row: int) -> list[Place]:
        """Of each vector, in a row of a tile that begins with these columns."""
        return [
            Place(tile, row, at, min(self.lanes, self.width - at), mask)
            for at, mask in zip(range(0, self.width, self.lanes), self.masks(), strict=True)
        ]


def finish_in_registers(
    builder: Builder, row: Index, columns: Columns, sums: list[Value], epilogue: Epilogue
) -> None:
    """The epilogue of vectors that are given row by row, from `row` on."""
    tile = Tile(builder, row, columns.first, swapped=epilogue.swapped)
    rows = len(sums) // columns.vectors
    every = [place for i in range(rows) for place in columns.places(tile, i)]
    for place, value in zip(every, sums, strict=True):
        epilogue.emit(place, value)


def finish_from_memory(
    builder: Builder,
    row: Index,
    rows: Index,
    columns: Columns,
    source: Operand,
    epilogue: Epilogue,
) -> None:
    """The epilogue of rows that lie in memory as whole vectors."""
    b = builder
    with b.loop(0, rows, 1, (source.pointer,)) as loop:
        (pointer,) = loop.carried
        number = loop.counter if row == 0 else b.add_int64(row, loop.counter)
        tile = Tile(b, number, columns.first, swapped=epilogue.swapped)
        for place in columns.places(tile, 0):
            epilogue.emit(place, b.load(pointer, displacement=ELEMENT * place.column))
        loop.carry(b.advance(pointer, ELEMENT * source.row_stride))
