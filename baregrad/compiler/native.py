"""Running a fused program as machine code: one call, one step or many.

The arena and a table of addresses belong to the execution; tensors have homes, which they share
with other programs. Arguments and results are streams: for each step there is an element in a row
of memory, and the driver moves on from one to the next. So many steps can run in one call, each
with its own batch, learning rate and loss.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import prod
from operator import is_
from typing import Any

from baregrad.compiler.cost import size_in_bytes
from baregrad.compiler.fusion import Fused
from baregrad.compiler.launch import Launch
from baregrad.compiler.memory import Memory
from baregrad.compiler.program import Program
from baregrad.compiler.residence import FORMATS, Home, home_of
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import TYPECODES, Array
from baregrad.errors import ArgumentError
from baregrad.machine.errors import MachineError
from baregrad.machine.memory import AlignedBuffer
from baregrad.record import Record
from baregrad.tensor.borrowed import address_of, code_of
from baregrad.tensor.tensor import Tensor


class _Resident(Record):
    """A tensor that a program reads.

    Attributes:
        tensor: which.
        home: its memory.
        slots: in the table, where the home's address belongs.
        is_written: whether the program writes there.
    """

    tensor: Tensor
    home: Home
    slots: list[int]
    is_written: bool


class NativeExecution:
    """A program in memory and in machine code, which can be run again and again.

    Each run takes the tensors that the program reads as they are, and updates those it writes.

    Raises:
        UnsupportedKernelError: one of the kernels has no vector code.
    """

    def __init__(self, program: Program, fused: Fused, memory: Memory, target: Target) -> None:
        program.require_checks()
        self._program = program
        self._fused = fused
        streams = [*(fused.inputs[value] for value in program.arguments), *fused.results]
        self._streams = [buffer.number for buffer in streams]
        strides = {buffer.number: size_in_bytes(buffer) for buffer in streams}
        self._launch = Launch(fused, memory, strides, target)
        self.code = self._launch.code
        self.programs = self._launch.programs
        # inputs come first in the plan, and have memory elsewhere
        first = memory.inputs
        self._arena = AlignedBuffer(max(memory.size - first, 1), "B")
        self._table = array("q", [self._arena.address - first + at for at in memory.offsets])
        residents = [self._resident(tensor, memory) for tensor in program.reads]
        self._residents = sorted(residents, key=lambda resident: resident.home.number)
        self._written = [(r.tensor, r.home) for r in self._residents if r.is_written]
        self._seen: list[Any] = [None] * len(residents)  # what they held when addresses were noted
        self._is_running = False
        self._written_only = [tensor for tensor in program.writes if tensor not in program.reads]

    def _resident(self, tensor: Tensor, memory: Memory) -> _Resident:
        old = self._fused.inputs[self._program.reads[tensor]]
        new = [new.number for place, new in memory.in_place if place == old]
        is_written = tensor in self._program.writes
        return _Resident(tensor, home_of(tensor), [old.number, *new], is_written)

    def run_steps(self, steps: int, arguments: Sequence[array[Any]]) -> list[array[Any]]:
        """Many steps in one native call.

        Args:
            steps: how many.
            arguments: for each argument of the program its elements for all steps, one after
                another.

        Returns:
            For each result its elements at every step.

        Raises:
            ArgumentError: an argument of another size.
            MachineError: it is running already, and was interrupted by a signal's handler.
        """
        if self._is_running:
            raise MachineError(
                "the step was interrupted by a signal's handler, which must not run the same step; "
                "note in the handler what is to be done, and do it when the step is over"
            )
        self._is_running = True
        try:
            return self._run_streams(steps, arguments)
        finally:
            self._is_running = False

    def _run_streams(self, steps: int, arguments: Sequence[array[Any]]) -> list[array[Any]]:
        results = [
            array(FORMATS[buffer.dtype], [0]) * (steps * buffer.size)
            for buffer in self._fused.results
        ]
        streams = self._given(steps, arguments) + results
        new_values = self._new_values()
        exports = [memoryview(x) for x in streams]  # nobody can resize, and so move, them
        for slot, stream in zip(self._streams, streams, strict=True):
            self._table[slot] = address_of(stream)
        for resident in self._residents:
            resident.home.lock.acquire()
        try:
            self._bring_in()
            self._run(steps, new_values)
        finally:
            del exports
            for resident in self._residents:
                resident.home.lock.release()
        pairs = zip(results, self._program.results, strict=True)
        return [_in_format(TYPECODES[value.dtype], data) for data, value in pairs]

    def _given(self, steps: int, arguments: Sequence[array[Any]]) -> list[array[Any]]:
        """The arguments as native code reads them."""
        for value, data in zip(self._program.arguments, arguments, strict=True):
            if len(data) != steps * prod(value.shape):
                raise ArgumentError(
                    f"{value!r} needs {steps} times {prod(value.shape)} elements, not {len(data)}"
                )
        pairs = zip(self._program.arguments, arguments, strict=True)
        return [_in_format(FORMATS[value.dtype], data) for value, data in pairs]

    def _bring_in(self) -> None:
        """Sees to it that all tensors' values are in their homes."""
        held = [resident.tensor.held for resident in self._residents]
        if all(map(is_, held, self._seen)):
            return
        for tensor, home, slots, is_written in self._residents:
            address = home.bring_in(tensor, is_written)
            for slot in slots:
                self._table[slot] = address
        self._seen = held

    def _run(self, steps: int, new_values: list[array[Any]]) -> None:
        try:
            self._launch.run(self._table, steps)
        finally:  # also where Ctrl-C was pressed meanwhile
            for tensor, home in self._written:
                if tensor.held is not home:
                    home.written(tensor)
        for tensor, data in zip(self._written_only, new_values, strict=True):
            buffer = self._fused.writes[tensor]
            start = self._table[buffer.number] - self._arena.address
            memoryview(data).cast("B")[:] = self._arena.view[start : start + size_in_bytes(buffer)]
            value = _in_format(TYPECODES[buffer.dtype], data)
            tensor.hold(Array(value, tensor.shape, tensor.dtype))

    def _new_values(self) -> list[array[Any]]:
        """Room for the tensors that the program writes but does not read."""
        buffers = [self._fused.writes[tensor] for tensor in self._written_only]
        return [array(FORMATS[buffer.dtype], [0]) * buffer.size for buffer in buffers]


def _in_format(code: str, data: array[Any]) -> array[Any]:
    """The same numbers as an array of this type code."""
    return data if code_of(data) == code else array(code, data)
