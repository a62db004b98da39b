"""Running a fused program as machine code: one call, one step or many.

The arena and a table of addresses belong to the execution. Arguments and results are streams: for
each step there is an element in a row of memory, and the driver moves on from one to the next. So
many steps can run in one call, each with its own batch, learning rate and loss.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from baregrad.compiler.cost import size_in_bytes
from baregrad.compiler.fusion import Fused
from baregrad.compiler.kernel import Buffer
from baregrad.compiler.launch import Launch
from baregrad.compiler.memory import Memory
from baregrad.compiler.program import Program
from baregrad.compiler.value import Value
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import TYPECODES, Array, DType
from baregrad.errors import ArgumentError
from baregrad.machine.memory import AlignedBuffer
from baregrad.tensor.tensor import Tensor

_IN_ARENA: dict[DType, str] = {"float32": "f", "int64": "q", "bool": "i"}


class NativeExecution:
    """A program in memory and in machine code, which can be run again and again.

    The tensors that the program reads are copied into the arena once. Each run updates them there;
    `value` says what they hold.

    Raises:
        UnsupportedKernelError: one of the kernels has no vector code.
    """

    def __init__(self, program: Program, fused: Fused, memory: Memory, target: Target) -> None:
        self._program = program
        self._fused = fused
        self._memory = memory
        self._arena = AlignedBuffer(max(memory.size // 4, 1))
        self._bytes = self._arena.view.cast("B")
        streams = [*(fused.inputs[value] for value in program.arguments), *fused.results]
        strides = {buffer.number: size_in_bytes(buffer) for buffer in streams}
        self._launch = Launch(fused, memory, strides, target)
        self.code = self._launch.code
        self._table = array("q", [self._arena.address + offset for offset in memory.offsets])
        for tensor, value in program.reads.items():
            self.write(fused.inputs[value], tensor.array)

    def run(self, *arguments: Array) -> list[Array]:
        """One step; returns what the captured function returned.

        Raises:
            ArgumentError: other arguments than the program has.
        """
        expected = [(value.shape, value.dtype) for value in self._program.arguments]
        given = [(x.shape, x.dtype) for x in arguments]
        if given != expected:
            raise ArgumentError(f"the program was captured for arguments {expected}, not {given}")
        found = self.run_steps(1, [x.data for x in arguments])
        pairs = zip(found, self._program.results, strict=True)
        return [Array(data, value.shape, value.dtype) for data, value in pairs]

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
        """
        table = self._table[:]
        kept = []  # alive while the native code runs
        for value, data in zip(self._program.arguments, arguments, strict=True):
            if len(data) != steps * _size(value):
                raise ArgumentError(
                    f"{value!r} needs {steps} times {_size(value)} elements, not {len(data)}"
                )
            stream = array(_IN_ARENA[value.dtype], data)
            kept.append(stream)
            table[self._fused.inputs[value].number] = stream.buffer_info()[0]
        found = []
        for buffer in self._fused.results:
            stream = array(_IN_ARENA[buffer.dtype], bytes(steps * size_in_bytes(buffer)))
            found.append(stream)
            table[buffer.number] = stream.buffer_info()[0]
        self._launch.run(table, steps)
        codes = [TYPECODES[buffer.dtype] for buffer in self._fused.results]
        return [x if x.typecode == c else array(c, x) for x, c in zip(found, codes, strict=True)]

    def write(self, buffer: Buffer, values: Array) -> None:
        """Fills a buffer of the arena."""
        raw = array(_IN_ARENA[buffer.dtype], values.data).tobytes()
        start = self._memory.offsets[buffer.number]
        self._bytes[start : start + len(raw)] = raw

    def value(self, tensor: Tensor) -> Array:
        """What a tensor that the program reads or writes holds now.

        Raises:
            ArgumentError: the program does neither.
        """
        if tensor in self._program.reads:
            buffer = self._fused.inputs[self._program.reads[tensor]]
        elif tensor in self._fused.writes:
            buffer = self._fused.writes[tensor]
        else:
            raise ArgumentError(f"the program neither reads nor writes {tensor.label()}")
        start = self._memory.offsets[buffer.number]
        data = array(_IN_ARENA[buffer.dtype])
        data.frombytes(self._bytes[start : start + size_in_bytes(buffer)])
        return Array(array(TYPECODES[buffer.dtype], data), tensor.shape, tensor.dtype)


def _size(value: Value) -> int:
    size = 1
    for extent in value.shape:
        size *= extent
    return size
