"""Matrix products with an epilogue: which of the ways to compute one is best.

C[m, n] = Σ A[m, k] · B[k, n], for every transposition of A and B. All ways add up the terms of an
element in an order that depends only on the product's size and the target, never on the number of
threads: the work is split over elements of C.
"""

from typing import Final

from baregrad.compiler.kernels.dot import Dot
from baregrad.compiler.kernels.loops import Span
from baregrad.compiler.kernels.plan import Matrices, Plan, Size
from baregrad.compiler.kernels.tiled import Tiled
from baregrad.compiler.kernels.tiling import Split, Vectors, best_tile
from baregrad.compiler.kernels.transposed import Transposed
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.compiler.vector.target import Target
from baregrad.errors import ArgumentError
from baregrad.record import Record

Strides = tuple[int, int]  # elements from one row to the next, and from one column to the next

# instructions of epilogues in one tile, beyond which it goes through memory
_MOST_INLINE: Final = 180
# a panel larger than this many bytes is packed if it is used by so many tiles
_LARGE_PANEL: Final = 16 << 10
_MANY_TILES: Final = 4
# and so is a left matrix of more bytes that lies along its rows, if more vectors of columns use it
_LARGE_LEFT: Final = 128 << 10
_WIDE: Final = 6
# so many panels keep the threads busy
_MANY_PANELS: Final = 8


class Swapped(Record):
    """A product with one column, computed as its transpose, which lies in memory just the same.

    Attributes:
        size: of the product.
        inner: plan of the transposed product.
    """

    size: Size
    inner: Plan

    @property
    def blocks(self) -> int:
        """How many independent parts the work has."""
        return self.inner.blocks

    @property
    def scratch_bytes(self) -> int:
        """Scratch memory that each thread needs for itself, aligned to 64."""
        return self.inner.scratch_bytes

    @property
    def cycles(self) -> float:
        """Estimated, for all blocks."""
        return self.inner.cycles

    def write(self, builder: Builder, matrices: Matrices, blocks: Span, scratch: Value) -> None:
        """Append the code; see `plan.Plan`."""
        self.inner.write(builder, matrices.transposed, blocks, scratch)


def plan_product(
    size: Size, left: Strides, right: Strides, target: Target, epilogue_length: int = 1
) -> Plan:
    """The way that is estimated to be the fastest.

    Args:
        size: of the product.
        left: strides of the left matrix.
        right: strides of the right matrix.
        target: for which code is written.
        epilogue_length: about how many instructions follow for each vector of the product.

    Raises:
        ArgumentError: the right matrix is contiguous neither along columns nor along the depth.
    """
    vectors = Vectors.of(target)
    across, down = _packing(right), _packing(left[::-1])
    if size.columns == 1 < size.rows and down:
        inner = plan_product(size.transposed, right[::-1], left[::-1], target, epilogue_length)
        return Swapped(size, inner)
    if not across:
        raise ArgumentError(
            f"the right matrix of a product has strides {right}: it must be contiguous along "
            "columns or along the depth; copy it first"
        )
    plans: list[Plan] = [_tiled(size, vectors, left, across, epilogue_length)]
    if down:
        inner = _tiled(size.transposed, vectors, right[::-1], down, 1)
        plans.append(Transposed(size, inner._replace(by_columns=False)))
    if right[0] == left[1] == 1:
        plans.append(Dot(size, vectors))
    return min(plans, key=lambda plan: plan.cycles)


def _packing(right: Strides) -> str:
    """What a right matrix needs to be read as vectors; empty if nothing helps."""
    if right[1] in (0, 1):
        return "none"
    return "transpose" if right[0] == 1 else ""


def _tiled(
    size: Size, vectors: Vectors, left: Strides, packing: str, epilogue_length: int
) -> Tiled:
    strided = left[1] not in (0, 1)
    packs_left = (
        strided
        and size.columns > _WIDE * vectors.lanes
        and 4 * size.rows * size.depth > _LARGE_LEFT
    )
    tile = best_tile(*size, vectors, strided and not packs_left)
    tiles = Split.of(size.rows, tile.rows).parts
    width = tile.vectors * vectors.lanes
    panels = Split.of(size.columns, width).parts
    if packing == "none" and tiles >= _MANY_TILES and 4 * width * size.depth > _LARGE_PANEL:
        packing = "copy"
    # each thread packs all panels if its blocks are rows, and all tiles if they are columns
    by_columns = panels >= (tiles if packing == "none" else min(tiles, _MANY_PANELS))
    if packs_left:
        by_columns = panels >= tiles
    staged = epilogue_length * tile.rows * tile.vectors > _MOST_INLINE
    return Tiled(size, vectors, tile, packing, strided, packs_left, by_columns, staged)
