"""Running a fused program as machine code: one call, one step or many.

The arena and a table of addresses belong to the execution. Arguments and results are streams: for
each step there is an element in a row of memory, and the driver moves on from one to the next. So
many steps can run in one call, each with its own batch, learning rate and loss.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from typing import Any

from baregrad.compiler.driver import assemble_driver
from baregrad.compiler.fusion import Fused
from baregrad.compiler.kernel import (
    FULL,
    ITEMSIZE,
    Access,
    Buffer,
    Kernel,
    Load,
    Map,
    Store,
    buffers_read,
    buffers_written,
)
from baregrad.compiler.kernels.plans import KernelPlan, plan_kernel
from baregrad.compiler.memory import Memory
from baregrad.compiler.program import Program
from baregrad.compiler.value import Value
from baregrad.compiler.vector import program as vector
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import TYPECODES, Array, DType
from baregrad.errors import ArgumentError
from baregrad.machine.assembler import Code
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import AlignedBuffer
from baregrad.tensor.tensor import Tensor

_ADDRESS = 8  # bytes
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
        code, entry, scratch_bytes = _generate(program, fused, memory, target)
        self.code = code
        self._scratch = AlignedBuffer(max(scratch_bytes // 4, 1))
        types = (ctypes.c_void_p, ctypes.c_int64)
        self._function = NativeFunction(code, types, None, entry=entry)
        self._table = array("Q", [self._arena.address + offset for offset in memory.offsets])
        self._table.append(self._scratch.address)
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
            stream = array(_IN_ARENA[buffer.dtype], bytes(steps * buffer.size * _itemsize(buffer)))
            found.append(stream)
            table[buffer.number] = stream.buffer_info()[0]
        self._function(table.buffer_info()[0], steps)
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
        data.frombytes(self._bytes[start : start + buffer.size * _itemsize(buffer)])
        return Array(array(TYPECODES[buffer.dtype], data), tensor.shape, tensor.dtype)


def _size(value: Value) -> int:
    size = 1
    for extent in value.shape:
        size *= extent
    return size


def _itemsize(buffer: Buffer) -> int:
    return ITEMSIZE[buffer.dtype]


def _generate(
    program: Program, fused: Fused, memory: Memory, target: Target
) -> tuple[Code, int, int]:
    """The code of the whole step, where it begins, and how much scratch memory it needs."""
    kernels = [*fused.kernels, *(_copy(new, old) for new, old in memory.copies)]
    scratch_slot = len(fused.buffers)
    programs, scratch_bytes = [], 0
    for number, kernel in enumerate(kernels):
        plan = plan_kernel(kernel, target)
        scratch_bytes = max(scratch_bytes, plan.scratch_bytes)
        programs.append(_kernel_program(number, kernel, plan, scratch_slot))
    streams = [fused.inputs[value] for value in program.arguments]
    strides = {b.number: b.size * _itemsize(b) for b in (*streams, *fused.results)}
    code, entry = assemble_driver(programs, strides, target)
    return code, entry, scratch_bytes


def _copy(source: Buffer, target: Buffer) -> Map:
    load = Load(source, Access(source.size, 1), FULL, source.dtype)
    return Map(1, source.size, [load], [Store(0, target, Access(target.size, 1))])


def _kernel_program(
    number: int, kernel: Kernel, plan: KernelPlan, scratch_slot: int
) -> vector.Program:
    builder = Builder(f"kernel_{number}", table=vector.POINTER)
    (table,) = builder.parameters
    used = sorted({b.number for b in (*buffers_read(kernel), *buffers_written(kernel))})
    pointers = {n: builder.load_pointer(table, displacement=_ADDRESS * n) for n in used}
    scratch = builder.load_pointer(table, displacement=_ADDRESS * scratch_slot)
    plan.write(builder, pointers, (0, plan.blocks), scratch)
    return builder.program
