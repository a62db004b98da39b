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
from baregrad.compiler.kernels.operands import ELEMENT, Index, Operand, advanced, moved, product
from baregrad.compiler.kernels.packing import copy_rows, transpose_rows
from baregrad.compiler.kernels.plan import Matrices
from baregrad.compiler.kernels.tiling import Split
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value

# matrices of more bytes are asked for ahead, if there are so many steps of the depth for each row
_NEAR: Final = 256 << 10
_LEAST_STEPS: Final = 4
_BEGINNING: Final = 512  # bytes


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
            for number, height in self.tiles(rows):
                self.pack_left(number, height, left, depth)
        for panels, width in parts(b, columns, plan.across):
            for panel in each(b, panels):
                across = self.columns(product(b, panel, plan.across.size), width)
                source = self.panel(across, right, depth)
                for number, height in self.tiles(rows):
                    row = product(b, number, plan.down.size)
                    ready = self.packed_left(number) if plan.packs_left else moved(b, left, row, 0)
                    self.tile(row, height, across, ready, source, depth)

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

    def pack_left(self, number: Index, rows: int, left: Operand, depth: _Depth) -> None:
        """Pack a tile's part of the left matrix, which is contiguous along the rows.

        A vector may reach beyond its depth; then the next one overwrites what it has written there.
        """
        b, lanes = self.b, self.plan.vectors.lanes
        source = moved(b, left, product(b, number, self.plan.down.size), 0)
        tail = b.mask_below(rows % lanes) if rows % lanes else None
        target = self.packed_left(number).transposed
        copy_rows(b, source.transposed, target, depth.length, Columns(0, rows, lanes, tail))

    def columns(self, first: Index, count: int) -> Columns:
        """The columns of a panel."""
        lanes = self.plan.vectors.lanes
        return Columns(first, count, lanes, self.tail if count % lanes else None)

    def panel(self, columns: Columns, right: Operand, depth: _Depth) -> Operand:
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

    def tile(
        self,
        row: Index,
        rows: int,
        columns: Columns,
        left: Operand,
        right: Operand,
        depth: _Depth,
    ) -> None:
        """One tile, over one block of the depth."""
        b, plan = self.b, self.plan
        read = columns if plan.packing == "none" else columns._replace(tail=None)
        ahead = self.ahead(row, rows, columns, left, depth)
        registers = plan.vectors.registers
        sums = multiply_tile(b, rows, read, left, right, depth.length, registers, ahead)
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
        self, row: Index, rows: int, columns: Columns, left: Operand, depth: _Depth
    ) -> Ahead | None:
        """What is far away: what the epilogue will read, and how the next tile's left rows begin.

        The processor finds out by itself that rows are read from end to end, but not at once.
        """
        b, plan, loads = self.b, self.plan, self.epilogue.loads
        size, steps = plan.size, plan.last_depth // rows
        matrices = []
        if ELEMENT * size.rows * size.columns * len(loads) > _NEAR:
            width = ELEMENT * columns.width
            matrices += [(moved(b, matrix, row, columns.first), width) for matrix in loads]
        if ELEMENT * size.rows * size.depth > _NEAR and not plan.strided:
            matrices.append((moved(b, left, rows, 0), _BEGINNING))
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
