"""What the compiler must know of a processor: lanes, registers, and the form of each operation.

A *selection* says, for every operation, which instructions it becomes (`emit`), which operand may
be memory instead of a register, which scratch registers it needs, and whether its result may lie
in an operand's register.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from baregrad.compiler.vector.program import FLOAT32, INT32, INT64, MASK, POINTER, Type
from baregrad.machine.registers import GPR64, Register, rbp, rsp

# register classes, as indices into `Target.registers`
VECTOR: Final = 0
MASKS: Final = 1
GENERAL: Final = 2

# rsp and rbp hold the frame
GENERAL_REGISTERS: Final = tuple(r for r in GPR64 if r is not rsp and r is not rbp)

# what an operation becomes: called with the emitter, the instruction, the result's register (or
# None), the operands and the scratch registers
Emit = Callable[..., None]


class Selection:
    """How operations become instructions.

    Attributes:
        emit: for each operation.
        foldable: the operands that may be memory (or, of integers, an immediate); at most one is.
        scratch: the register classes of scratch registers, for the operations that need some.
        early: the operations whose result is written before all operands were read.
        folds_broadcasts: whether memory operands can be one element for all lanes.
    """

    __slots__ = ("early", "emit", "foldable", "folds_broadcasts", "scratch")

    def __init__(
        self,
        emit: dict[str, Emit],
        foldable: dict[str, tuple[int, ...]],
        scratch: dict[str, tuple[int, ...]],
        early: frozenset[str],
        *,
        folds_broadcasts: bool,
    ) -> None:
        self.emit = emit
        self.foldable = foldable
        self.scratch = scratch
        self.early = early
        self.folds_broadcasts = folds_broadcasts


class Target:
    """A kind of processor.

    Attributes:
        name: such as ``avx2``.
        lanes: 32-bit elements of a vector.
        features: of the processor, as `machine.cpu` names them, that are needed.
        registers: those to be allocated, of each class.
        classes: the register class of each type.
    """

    __slots__ = ("classes", "features", "lanes", "name", "registers", "selection")

    def __init__(
        self,
        name: str,
        lanes: int,
        features: frozenset[str],
        vectors: tuple[Register, ...],
        masks: tuple[Register, ...],
        selection: Selection,
        general: tuple[Register, ...] = GENERAL_REGISTERS,
    ) -> None:
        self.name = name
        self.lanes = lanes
        self.features = features
        self.registers = (vectors, masks, general)
        self.selection = selection
        # without mask registers a mask is a vector, all of whose bits are equal within a lane
        self.classes: dict[Type, int] = {FLOAT32: VECTOR, INT32: VECTOR, INT64: GENERAL}
        self.classes |= {POINTER: GENERAL, MASK: MASKS if masks else VECTOR}

    def with_registers(self, vectors: int, masks: int, general: int) -> Target:
        """The same with so few registers, for testing what happens when they run out."""
        every = self.registers
        return Target(
            self.name,
            self.lanes,
            self.features,
            every[VECTOR][:vectors],
            every[MASKS][:masks],
            self.selection,
            every[GENERAL][:general],
        )
