"""How a product is cut into tiles: panels of columns, tiles of rows, blocks of the depth.

The columns are cut into panels as wide as a tile, the rows into tiles. Panel by panel all tiles are
computed, so that a panel stays near while the left matrix passes by: the order of Goto & van de
Geijn, "Anatomy of high-performance matrix multiplication" (2008), with fewer loops, for a tile goes
over the whole depth at once, up to `DEPTH_BLOCK`.
"""

from typing import Final

from baregrad.compiler.kernels.operands import ELEMENT, LINE
from baregrad.compiler.kernels.plan import Size, round_up
from baregrad.compiler.kernels.tiling import Split, TileShape, Traffic, Vectors, product_cycles
from baregrad.record import Record

# the sum over a block of the depth is rounded by itself, so this is part of what a product means
DEPTH_BLOCK: Final = 2048
# estimated cycles for an element of a packed matrix, on a target with one lane
_PACKING_CYCLES: Final = {"none": 0.0, "copy": 2.0, "transpose": 8.0}


class Tiling(Record):
    """The decisions.

    Attributes:
        size: of the product.
        vectors: the target's.
        tile: shape of a tile.
        packing: of the right matrix's panels: ``none``, ``copy`` or ``transpose``.
        strided: whether the left matrix is contiguous along its rows, not along the depth.
        packs_left: whether the left matrix's tiles are packed too.
        by_columns: whether a block of the work is a panel of columns; else it is a tile's rows.
        staged: whether a tile goes to its epilogue through memory.
    """

    size: Size
    vectors: Vectors
    tile: TileShape
    packing: str
    strided: bool
    packs_left: bool
    by_columns: bool
    staged: bool

    @property
    def down(self) -> Split:
        """The rows, in tiles."""
        return Split.of(self.size.rows, self.tile.rows)

    @property
    def across(self) -> Split:
        """The columns, in panels."""
        return Split.of(self.size.columns, self.tile.vectors * self.vectors.lanes)

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return self.across.parts if self.by_columns else self.down.parts

    @property
    def is_blocked(self) -> bool:
        """Whether the depth is cut in blocks."""
        return self.size.depth > DEPTH_BLOCK

    @property
    def last_depth(self) -> int:
        """The depth of the last block."""
        return self.size.depth - max(self.size.depth - 1, 0) // DEPTH_BLOCK * DEPTH_BLOCK

    @property
    def padded_columns(self) -> int:
        """Columns, up to whole vectors."""
        return round_up(self.size.columns, self.vectors.lanes)

    @property
    def panel_depth(self) -> int:
        """Rows of a packed panel; transposing writes whole squares of lanes."""
        return round_up(min(self.size.depth, DEPTH_BLOCK), self.vectors.lanes)

    @property
    def panel_bytes(self) -> int:
        """Scratch memory of the packed panel."""
        width = min(self.across.size, self.padded_columns)
        return 0 if self.packing == "none" else round_up(ELEMENT * self.panel_depth * width, LINE)

    @property
    def left_tile_bytes(self) -> int:
        """Scratch memory of a packed tile of the left matrix; whole vectors are written to it."""
        elements = self.tile.rows * min(self.size.depth, DEPTH_BLOCK) + self.vectors.lanes
        return round_up(ELEMENT * elements, LINE) if self.packs_left else 0

    @property
    def sums_bytes(self) -> int:
        """Scratch memory of sums: of all tiles between blocks of the depth, or of one tile."""
        if self.is_blocked:
            return ELEMENT * self.size.rows * self.padded_columns
        return ELEMENT * self.tile.rows * self.across.size if self.staged else 0

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""
        return self.panel_bytes + self.down.parts * self.left_tile_bytes + self.sums_bytes

    @property
    def cycles(self) -> float:
        """Estimated, for all blocks."""
        lanes = self.vectors.lanes
        size = self.size
        packing = size.columns * size.depth * _PACKING_CYCLES[self.packing] / lanes
        traffic = Traffic.of(size.rows, size.depth, strided=self.strided and not self.packs_left)
        cycles = product_cycles(size.rows, size.columns, size.depth, self.tile, lanes, traffic)
        return packing + cycles
