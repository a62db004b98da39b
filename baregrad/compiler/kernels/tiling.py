"""Which rectangle of the product is kept in registers: a model that counts cycles.

A tile of r rows × v vectors needs r·v accumulators, v vectors of the right matrix and one broadcast
element of the left one. In each step of the depth it does r·v multiply-adds and r + v loads. The
model is Low et al., "Analytical modeling is enough for high-performance BLIS" (2016), made small.
"""

from functools import cache
from typing import Final

from baregrad.compiler.vector.target import VECTOR, Target
from baregrad.record import Record

# per cycle: two multiply-adds and two loads; a multiply-add may use the last one's result after 4,
# and no order keeps both units busy with just as many sums as that takes
_PER_CYCLE: Final = 2
_LATENCY: Final = 4.5
_TILE_CYCLES: Final = 16  # to set up and leave the loop over the depth
_ELEMENT: Final = 4  # bytes
_LINE: Final = 64  # bytes of a cache line, and the cycles in which one comes from the second cache
_LINE_CYCLES: Final = 2
_FAR_LINE_CYCLES: Final = 5  # or from a cache beyond
# lines that lie a multiple of so many bytes apart compete for few sets of both caches, and are gone
# before the next tile needs their other half
_CONFLICT: Final = 2048
_CONFLICT_CYCLES: Final = 20
_FIRST_CACHE: Final = 32 << 10
_SECOND_CACHE: Final = 1 << 20
_MOST_VECTORS: Final = 8
_REST: Final = 1.1


class Vectors(Record):
    """What the model knows of a target.

    Attributes:
        lanes: of a vector.
        registers: how many vectors they hold.
    """

    lanes: int
    registers: int

    @classmethod
    def of(cls, target: Target) -> "Vectors":
        """Those of a target."""
        return cls(target.lanes, len(target.registers[VECTOR]))


class TileShape(Record):
    """A tile: so many rows of so many vectors each."""

    rows: int
    vectors: int


class Split(Record):
    """An axis in equal parts, and a smaller rest.

    Attributes:
        size: of a part.
        whole: of whole parts, how many.
        rest: size of the one that is left; 0 if there is none.
    """

    size: int
    whole: int
    rest: int

    @classmethod
    def of(cls, length: int, size: int) -> "Split":
        """An axis of this length in parts of this size."""
        return cls(size, *divmod(length, size))

    @property
    def parts(self) -> int:
        """How many, with the rest."""
        return self.whole + (self.rest > 0)


class Traffic(Record):
    """Cache lines that a tile reads in each step of the depth, beyond the first cache.

    Attributes:
        strided: whether the left matrix lies along its rows: each step is a line of its own.
        cycles: for a line of the left matrix, by the cache that holds all of it.
    """

    strided: bool
    cycles: int

    @classmethod
    def of(cls, rows: int, depth: int, *, strided: bool) -> "Traffic":
        """That of a left matrix of this size."""
        if _ELEMENT * rows * depth <= _SECOND_CACHE // 2:
            return cls(strided, _LINE_CYCLES)
        conflict = strided and _ELEMENT * rows % _CONFLICT == 0
        return cls(strided, _CONFLICT_CYCLES if conflict else _FAR_LINE_CYCLES)


def tile_cycles(
    rows: int, vectors: int, depth: int, traffic: Traffic, vector_lines: float = 0.0
) -> float:
    """Estimated cycles for one tile.

    Args:
        rows: of the tile.
        vectors: of the tile.
        depth: steps.
        traffic: of the left matrix.
        vector_lines: cache lines of each vector that come from the second cache.
    """
    if rows == 0 or vectors == 0:
        return 0.0
    lines = traffic.cycles * (traffic.strided + _ELEMENT * rows / _LINE)
    lines += _LINE_CYCLES * vectors * vector_lines
    step = max(rows * vectors / _PER_CYCLE, (rows + vectors) / _PER_CYCLE, _LATENCY, lines)
    return depth * step + _TILE_CYCLES + 2 * rows * vectors


def product_cycles(
    rows: int, columns: int, depth: int, shape: TileShape, lanes: int, traffic: Traffic
) -> float:
    """Estimated cycles for all tiles of a matrix product."""
    down, rest = divmod(rows, shape.rows)
    across, last = divmod(-(-columns // lanes), shape.vectors)
    # a panel stays in the first cache while all tiles use it; used once, it is where it was before
    kept = shape.vectors * lanes if rows > shape.rows else columns
    is_near = _ELEMENT * kept * depth <= _FIRST_CACHE // 2
    lines = 0.0 if is_near else _ELEMENT * lanes / _LINE
    cycles = 0.0
    for panels, vectors in ((across, shape.vectors), (1, last)):
        if panels and vectors:
            strip = down * tile_cycles(shape.rows, vectors, depth, traffic, lines)
            if rest:
                strip += tile_cycles(rest, vectors, depth, traffic, lines)
            cycles += panels * strip
    return cycles


@cache
def best_tile(
    rows: int, columns: int, depth: int, vectors: Vectors, strided: bool = False
) -> TileShape:
    """The tile that needs the fewest cycles for a product of this size.

    Args:
        rows: of the product.
        columns: of the product.
        depth: terms of each sum.
        vectors: the target's.
        strided: whether the left matrix is contiguous along its rows, not along the depth.
    """
    traffic = Traffic.of(rows, depth, strided=strided)
    widest = min(-(-columns // vectors.lanes), _MOST_VECTORS)
    shapes = [
        TileShape(r, v)
        for v in range(1, max(widest, 1) + 1)
        for r in range(1, min(rows, (vectors.registers - v - 1) // v) + 1)
    ]

    def cycles(shape: TileShape) -> float:
        # a rest costs code of its own
        worth = _REST if rows % shape.rows else 1.0
        return worth * product_cycles(rows, columns, depth, shape, vectors.lanes, traffic)

    return min(shapes, key=cycles, default=TileShape(1, 1))
