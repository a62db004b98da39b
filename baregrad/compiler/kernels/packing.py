"""Copies of parts of a matrix, laid out in the order in which a product reads them.

A packed panel holds as many neighbouring columns as a tile is wide, one depth after the other, so
that it is read from one end to the other; columns beyond the matrix's last are zero. (Goto & van de
Geijn, "Anatomy of high-performance matrix multiplication", 2008.)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from baregrad.compiler.kernels.epilogue import Columns
from baregrad.compiler.kernels.operands import ELEMENT, LINE, Index, Operand
from baregrad.compiler.kernels.shuffles import transpose_square
from baregrad.compiler.vector.builder import Builder

# rows that lie far apart are on pages of their own, so that nobody else asks for them early
_AHEAD: Final = 8


def copy_rows(
    builder: Builder,
    source: Operand,
    target: Operand,
    rows: Index,
    columns: Columns,
    places: Iterable[int] = (0,),
) -> None:
    """Copy some columns of so many rows; to the target go whole vectors, with zeros at the end.

    The columns that follow them in the source, as many each time, may go to further places, given
    in bytes from the target: the source is far away, and each of its lines should be read once.
    """
    b = builder
    pieces = list(enumerate(places))
    width = ELEMENT * columns.width
    with b.loop(0, rows, 1, (source.pointer, target.pointer)) as loop:
        from_, to = loop.carried
        for at in range(0, width * len(pieces), LINE):
            b.prefetch(from_, displacement=ELEMENT * _AHEAD * source.row_stride + at)
        for piece, place in pieces:
            for vector, mask in enumerate(columns.masks()):
                at = ELEMENT * vector * columns.lanes
                value = b.load(from_, displacement=piece * width + at, mask=mask)
                b.store(value, to, displacement=place + at)
        loop.carry(
            b.advance(from_, ELEMENT * source.row_stride),
            b.advance(to, ELEMENT * target.row_stride),
        )


def transpose_rows(
    builder: Builder, source: Operand, target: Operand, rows: int, length: Index, lanes: int
) -> None:
    """Transpose so many rows, at most one for each lane, of `length` elements.

    Element i of row j goes to place j of the target's row i. Written are whole vectors, and rows up
    to the next multiple of `lanes`: what the source does not have is zero.
    """
    b = builder
    zero = b.constant(0.0)
    with b.loop(0, length, lanes, (source.pointer, target.pointer)) as loop:
        from_, to = loop.carried
        present = b.mask_below(b.subtract_int64(length, loop.counter))
        square = [
            b.load(from_, displacement=ELEMENT * row * source.row_stride, mask=present)
            for row in range(rows)
        ]
        square += [zero] * (lanes - rows)
        for row, vector in enumerate(transpose_square(b, square)):
            b.store(vector, to, displacement=ELEMENT * row * target.row_stride)
        loop.carry(
            b.advance(from_, ELEMENT * lanes), b.advance(to, ELEMENT * lanes * target.row_stride)
        )
