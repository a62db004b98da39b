"""Matrix products tile by tile: the loops around the innermost one, and what is packed for it.

A depth of more than one block is summed block by block: the sums are added one after the other to
partial results in scratch memory, and the epilogue follows the last block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from baregrad.compiler.kernels.blocking import DEPTH_BLOCK, Tiling
from baregrad.compiler.kernels.epilogue import (
    Columns,
    Epilogue,
    finish_from_memory,
    finish_in_registers,
)
from baregrad.compiler.kernels.loops import Span, each, parts
from baregrad.compiler.kernels.microkernel import Ahead, multiply_tile
from baregrad.compiler.kernels.operands import (
    ELEMENT,
    Index,
    Operand,
    advanced,
    difference,
    moved,
    product,
    total,
)
from baregrad.compiler.kernels.packing import copy_rows, transpose_rows
from baregrad.compiler.kernels.plan import Matrices
from baregrad.compiler.kernels.tiling import Split
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.record import Record

# so many bytes of a row are packed at once, of a left matrix that lies along its rows
_PACKED_AT_ONCE: Final = 256
# matrices of more bytes are asked for ahead, if there are so many steps of the depth for each row
_NEAR: Final = 256 << 10
_LEAST_STEPS: Final = 4
_BEGINNING: Final = 512  # bytes
# with a row of a tile so many of the next panel are asked for at most, lest they come in a burst
_MOST_ROWS: Final = 8


class Tiled(Tiling):
    """The plan of a product that is computed tile by tile."""

    __slots__ = ()

    def write(self, builder: Builder, matrices: Matrices, blocks: Span, scratch: Value) -> None:
        """Append the code; see `plan.Plan`."""
        left, right, epilogue = matrices
        writer = _Writer(builder, self, epilogue, scratch)
        rows: Span = (0, self.down.parts)
        columns: Span = (0, self.across.parts)
        if self.by_columns:
            columns = blocks
        else:
            rows = blocks
        if self.is_blocked:
            writer.depth_blocks(rows, columns, left, right)
        else:
            writer.product(rows, columns, left, right, _Depth(self.size.depth))


class _Depth:
    """What a tile must know of the block of the depth that it is in.

    Attributes:
        length: terms of its sums.
        started: lanes that have partial sums from blocks before; all or none. None without blocks.
        last: 1 in the last block, else 0.
    """

    def __init__(
        self, length: Index, started: Value | None = None, last: Value | None = None
    ) -> None:
        self.length = length
        self.started = started
        self.last = last


class _Panel(Record):
    """Neighbouring columns of the right matrix.

    Attributes:
        columns: which.
        matrix: they themselves, packed if they are to be.
        next: where those after them are still to be copied from; None if that is not far away.
    """

    columns: Columns
    matrix: Operand
    next: Operand | None


class _Writer:
    """What is known while the code of one product is written."""

    def __init__(self, builder: Builder, plan: Tiling, epilogue: Epilogue, scratch: Value) -> None:
        self.b = builder
        self.plan = plan
        self.epilogue = epilogue
        self.packed = scratch
        self.left = advanced(builder, scratch, plan.panel_bytes)
        self.sums = advanced(builder, self.left, plan.down.parts * plan.left_tile_bytes)
        rest = plan.size.columns % plan.vectors.lanes
        self.tail = builder.mask_below(rest) if rest else None

    def depth_blocks(self, rows: Span, columns: Span, left: Operand, right: Operand) -> None:
        b, depth = self.b, self.plan.size.depth
        with b.loop(0, depth, DEPTH_BLOCK) as loop:
            start = loop.counter
            length = b.min_int64(DEPTH_BLOCK, b.subtract_int64(depth, start))
            beyond = b.add_int64(start, DEPTH_BLOCK + 1 - depth)
            last = b.max_int64(0, b.min_int64(1, beyond))
            left, right = moved(b, left, 0, start), moved(b, right, start, 0)
            self.product(rows, columns, left, right, _Depth(length, b.mask_below(start), last))

    def product(
        self, rows: Span, columns: Span, left: Operand, right: Operand, depth: _Depth
    ) -> None:
        """All tiles in these ranges, over one block of the depth."""
        b, plan = self.b, self.plan
        if plan.packs_left:
            self.pack_left(rows, left, depth)
        for panels, width in parts(b, columns, plan.across):
            for index in each(b, panels):
                across = self.columns(product(b, index, plan.across.size), width)
                matrix = self.packed_panel(across, right, depth)
                panel = _Panel(across, matrix, self.next_panel(across, right))
                for number, height in self.tiles(rows):
                    row = product(b, number, plan.down.size)
                    ready = self.packed_left(number) if plan.packs_left else moved(b, left, row, 0)
                    self.tile(row, height, panel, ready, depth)

    def tiles(self, rows: Span) -> Iterator[tuple[Index, int]]:
        """Of a range of tiles, in loops, the number and the rows of each."""
        for numbers, height in parts(self.b, rows, self.plan.down):
            for number in each(self.b, numbers):
                yield number, height

    def packed_left(self, number: Index) -> Operand:
        """A tile's part of the left matrix as it is packed."""
        plan = self.plan
        place = product(self.b, number, plan.left_tile_bytes)
        return Operand(advanced(self.b, self.left, place), 1, plan.tile.rows)

    def pack_left(self, tiles: Span, left: Operand, depth: _Depth) -> None:
        """Pack these tiles' part of the left matrix, which is contiguous along the rows.

        Several tiles are packed at once. For a range that is no multiple of so many, the last of
        them begin earlier, and are packed again or with the range's neighbours.
        """
        b, down = self.b, self.plan.down
        count = max(1, min(_PACKED_AT_ONCE // (ELEMENT * down.size), down.whole))
        for (start, stop), rows in parts(b, tiles, down):
            together = count if rows == down.size else 1
            with b.loop(start, stop, together) as loop:
                last = difference(b, stop, together)
                first = b.max_int64(0, b.min_int64(loop.counter, last))
                self.pack_tiles(first, together, rows, left, depth)

    def pack_tiles(self, first: Index, count: int, rows: int, left: Operand, depth: _Depth) -> None:
        """Pack the part of so many tiles, each of so many rows.

        A vector may reach beyond its depth; then the next one overwrites what it has written there.
        """
        b, plan = self.b, self.plan
        lanes = plan.vectors.lanes
        source = moved(b, left, product(b, first, plan.down.size), 0)
        tail = b.mask_below(rows % lanes) if rows % lanes else None
        target = self.packed_left(first).transposed
        places = range(0, count * plan.left_tile_bytes, plan.left_tile_bytes)
        columns = Columns(0, rows, lanes, tail)
        copy_rows(b, source.transposed, target, depth.length, columns, places)

    def columns(self, first: Index, count: int) -> Columns:
        """The columns of a panel."""
        lanes = self.plan.vectors.lanes
        return Columns(first, count, lanes, self.tail if count % lanes else None)

    def packed_panel(self, columns: Columns, right: Operand, depth: _Depth) -> Operand:
        """A panel of the right matrix; packed, if it is to be."""
        b, lanes = self.b, columns.lanes
        source = moved(b, right, 0, columns.first)
        if self.plan.packing == "none":
            return source
        width = columns.vectors * lanes
        packed = Operand(self.packed, width, 1)
        if self.plan.packing == "copy":
            copy_rows(b, source, packed, depth.length, columns)
            return packed
        for vectors, count in parts(b, (0, columns.vectors), Split.of(columns.width, lanes)):
            for vector in each(b, vectors):
                at = product(b, vector, lanes)
                from_, to = moved(b, source, 0, at), moved(b, packed, 0, at)
                transpose_rows(b, from_.transposed, to, count, depth.length, lanes)
        return packed

    def next_panel(self, columns: Columns, right: Operand) -> Operand | None:
        """The panel after these columns; of the last one, whatever is there."""
        plan = self.plan
        is_far = _is_far(plan.size.depth, plan.size.columns)
        if plan.packing != "copy" or plan.across.parts == 1 or not is_far:
            return None
        return moved(self.b, right, 0, total(self.b, columns.first, plan.across.size))

    def tile(self, row: Index, rows: int, panel: _Panel, left: Operand, depth: _Depth) -> None:
        """One tile, over one block of the depth."""
        b, plan, columns = self.b, self.plan, panel.columns
        read = columns if plan.packing == "none" else columns._replace(tail=None)
        ahead = self.ahead(row, rows, panel, left, depth)
        registers = plan.vectors.registers
        sums = multiply_tile(b, rows, read, left, panel.matrix, depth.length, registers, ahead)
        if depth.started is None and not plan.staged:
            finish_in_registers(b, row, columns, sums, self.epilogue)
            return
        stride = columns.vectors * columns.lanes
        place = Operand(self.sums, stride, 1)
        if depth.started is not None:
            stride = plan.padded_columns
            place = moved(b, Operand(self.sums, stride, 1), row, columns.first)
        self.keep(sums, columns, place, depth)
        for _ in each(b, (0, 1 if depth.last is None else depth.last)):
            finish_from_memory(b, row, rows, columns, place, self.epilogue)

    def ahead(
        self, row: Index, rows: int, panel: _Panel, left: Operand, depth: _Depth
    ) -> Ahead | None:
        """What is far away: what the epilogue will use, and how the next tile's left rows begin.

        The processor finds out by itself that rows are read from end to end, but not at once. Each
        tile asks for its share of the next panel, too.
        """
        b, plan, touched = self.b, self.plan, self.epilogue.touched
        size, steps = plan.size, plan.last_depth // rows
        matrices, first, width = [], panel.columns.first, ELEMENT * panel.columns.width
        if _is_far(size.rows, size.columns * len(touched)):
            matrices += [(moved(b, matrix, row, first), 1, width) for matrix in touched]
        if _is_far(size.rows, size.depth) and not plan.strided:
            matrices.append((moved(b, left, rows, 0), 1, _BEGINNING))
        if panel.next is not None:
            share = min(-(-min(size.depth, DEPTH_BLOCK) // size.rows), _MOST_ROWS)
            begin = moved(b, panel.next, product(b, row, share), 0)
            matrices.append((begin, share, width))
        if not matrices or steps < _LEAST_STEPS:
            return None
        return Ahead(matrices, steps, 1 if depth.last is None else depth.last)

    def keep(self, sums: list[Value], columns: Columns, place: Operand, depth: _Depth) -> None:
        """Store a tile, or add it to what is there from the blocks of the depth before."""
        b = self.b
        for number, value in enumerate(sums):
            row, vector = divmod(number, columns.vectors)
            at = ELEMENT * (row * place.row_stride + vector * columns.lanes)
            if depth.started is not None:
                value = b.add(b.load(place.pointer, displacement=at, mask=depth.started), value)
            b.store(value, place.pointer, displacement=at)


def _is_far(rows: int, columns: int) -> bool:
    """Whether a matrix of this size is too large to stay near."""
    return ELEMENT * rows * columns > _NEAR
