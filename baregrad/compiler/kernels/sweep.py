"""Passes over the columns of a row, vector by vector."""

from collections.abc import Callable, Sequence
from typing import Final

from baregrad.compiler.kernels.operands import Index, Place, Tile
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.program import Value
from baregrad.record import Record

# called with the places of one iteration and the values carried to it; gives the next ones
Body = Callable[[Sequence[Place], Sequence[Value]], Sequence[Value]]

# vectors of an iteration where there are many
UNROLL: Final = 4


class Stretch(Record):
    """Columns of one row.

    Attributes:
        row: its number.
        first: number of the first column, a multiple of the lanes.
        last: of the one after the last; all columns of the space, or a multiple of the lanes.
        columns: of the space.
        lanes: of a vector.
    """

    row: Index
    first: Index
    last: Index
    columns: int
    lanes: int

    @property
    def whole(self) -> int:
        """The columns of the space that make whole vectors."""
        return self.columns - self.columns % self.lanes

    @property
    def vectors(self) -> int:
        """Of the whole row."""
        return -(-self.columns // self.lanes)

    @property
    def is_all(self) -> bool:
        """Whether these are all columns of the space, as is known."""
        return self.first == 0 and self.last == self.columns


def whole_row(b: Builder, stretch: Stretch) -> list[Place]:
    """All vectors of a row at once."""
    lanes = stretch.lanes
    tile = Tile(b, stretch.row, 0)
    found = [Place(tile, 0, at, lanes, None) for at in range(0, stretch.whole, lanes)]
    rest = stretch.columns - stretch.whole
    if rest:
        found.append(Place(tile, 0, stretch.whole, rest, b.mask_below(rest)))
    return found


def sweep(
    b: Builder, stretch: Stretch, unroll: int, carried: Sequence[Value], body: Body
) -> Sequence[Value]:
    """Emit `body` in loops over the vectors of a row; returns what the last iteration carries.

    Args:
        b: of the program.
        stretch: the columns.
        unroll: vectors of an iteration, as long as there are so many left.
        carried: to the first iteration.
        body: emits an iteration.
    """
    lanes, whole = stretch.lanes, stretch.whole
    start = stretch.first
    last = stretch.last if isinstance(stretch.last, Value) else min(stretch.last, whole)
    end = b.min_int64(last, whole) if isinstance(last, Value) and whole != stretch.columns else last
    for step in sorted({unroll, 1}, reverse=True):
        stop = end if step == 1 else _shortened(b, end, (step - 1) * lanes)
        if isinstance(start, int) and isinstance(stop, int) and start >= stop:
            continue
        with b.loop(start, stop, step * lanes, carried) as loop:
            tile = Tile(b, stretch.row, loop.counter)
            row = [Place(tile, 0, at * lanes, lanes, None) for at in range(step)]
            loop.carry(*body(row, loop.carried))
        start, carried = loop.end, loop.results
    rest = stretch.columns - whole
    if rest:
        final = stretch.last if isinstance(stretch.last, Value) else stretch.columns
        with b.loop(whole, final, lanes, carried) as loop:
            place = Place(Tile(b, stretch.row, whole), 0, 0, rest, b.mask_below(rest))
            loop.carry(*body([place], loop.carried))
        carried = loop.results
    return carried


def _shortened(b: Builder, end: Index, distance: int) -> Index:
    return end - distance if isinstance(end, int) else b.subtract_int64(end, distance)
