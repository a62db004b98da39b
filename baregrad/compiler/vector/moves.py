"""Parallel moves: several values change place at once, as at a loop's beginning and end.

Moves are done one by one, each when nothing still waits to be read from its destination. Where they
form circles, one value goes by way of a free slot (Leroy et al., "Tilting at windmills with Coq:
formal verification of a compilation algorithm for parallel moves", 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from baregrad.compiler.vector.program import Instruction
from baregrad.machine.registers import Register

# a register, a slot's offset in the frame, or (to read from only) a constant to be made
Place = Register | int | Instruction
Move = tuple[Place, Place, int]  # to, from, register class
FREE_SLOT: Final = 0


def move_all(moves: list[Move], emit: Callable[[Place, Place, int], None]) -> None:
    """Do `moves`, whose destinations differ, as if all at once; `emit` does a single one."""
    waiting = [move for move in moves if move[0] != move[1]]
    while waiting:
        sources = [source for _, source, _ in waiting]
        blocked = [move for move in waiting if move[0] in sources]
        for move in waiting:
            if move not in blocked:
                emit(*move)
        if len(blocked) == len(waiting):
            place, _, kind = blocked[0]
            emit(FREE_SLOT, place, kind)
            blocked = [(to, FREE_SLOT if of == place else of, k) for to, of, k in blocked]
        waiting = blocked
