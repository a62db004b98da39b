"""Routines: programs of arguments and results alone, that work on arrays where they lie.

A compiled step has memory of its own, in which parameters stay from call to call. A routine keeps
nothing: it reads its arguments from their arrays, and writes its results to new ones.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final, cast

from baregrad.compiler.cost import nanoseconds, size_in_bytes
from baregrad.compiler.deferred import Mask
from baregrad.compiler.fusion import Fused, fuse
from baregrad.compiler.kernel import (
    Index,
    Kernel,
    buffers_read,
    buffers_written,
)
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.kernels.plans import plan_kernel
from baregrad.compiler.launch import Launch
from baregrad.compiler.memory import plan_memory
from baregrad.compiler.program import Program
from baregrad.compiler.recycling import LEAST_BYTES, lend, take
from baregrad.compiler.simplify import simplify
from baregrad.compiler.value import CONSTANT, INPUT, Value, in_order
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compile import compile_vector
from baregrad.compiler.vector.program import POINTER
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import Array, DType, Shape
from baregrad.engines.pending import known
from baregrad.machine.convention import ARGUMENTS
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import AlignedBuffer
from baregrad.record import Record

_ZERO: Final[dict[DType, array[Any]]] = {
    "float32": array("f", [0]),
    "int64": array("q", [0]),
    "bool": array("i", [0]),
}
_LONG: Final = 20_000.0  # nanoseconds, from which on more than one thread may help
# operations whose results, integers, cannot be too large
_EXACT: Final = {INPUT, CONSTANT, "where", "cast", "take", "argmax", "max", "concat", "slice"} | {
    "reshape",
    "permute",
    "expand",
}


class Routine:
    """The machine code of a program, and how its arguments are handed to it.

    Args:
        program: with no reads, writes, draws or checks.
        target: whose instructions.

    Raises:
        UnsupportedKernelError: there is no vector code for a part of it.
    """

    def __init__(self, program: Program, target: Target) -> None:
        program = simplify(program)
        _check(program)
        fused = fuse(program)
        read = {buffer for kernel in fused.kernels for buffer in buffers_read(kernel)}
        arguments = [fused.inputs[value] for value in program.arguments]
        # of the arguments that are needed, the places
        used = [(place, b) for place, b in enumerate(arguments) if b in read]
        numbers = [(place, b.number) for place, b in used if b.dtype != "bool"]
        masks = [(place, b.number) for place, b in used if b.dtype == "bool"]
        self._numbers = [place for place, _ in numbers]
        self._masks = [place for place, _ in masks]
        self._results = [_Result.of(value) for value in program.results]
        slots = [number for _, number in (*numbers, *masks)]
        slots += [buffer.number for buffer in fused.results]
        self._run = _single(fused, slots, target) or _Several(fused, slots, target)
        rows = _rows(fused.kernels)
        self._rows = [(place, rows[number]) for place, number in numbers if number in rows]

    def __call__(self, inputs: Sequence[Array]) -> list[Array] | None:
        """The results; the inputs have the shapes and data types of the program's arguments.

        Returns:
            None if there are indices of rows that do not exist: the code would not notice.

        Raises:
            MachineError: the threads have ended with the interpreter.
        """
        for place, rows in self._rows:
            data = inputs[place].data
            if min(data) < 0 or max(data) >= rows:
                return None
        read = [inputs[place].data for place in self._numbers]
        if self._masks:
            read += [_raw(known(inputs[place])) for place in self._masks]
        results = self._results
        written = [take(r.zero, r.size) if r.is_lent else r.zero * r.size for r in results]
        self._run(*[data.buffer_info()[0] for data in read + written])
        pairs = zip(written, results, strict=True)
        return [result.around(data, result.shape, result.dtype) for data, result in pairs]


class _Result(Record):
    """What the array of a result is like.

    Attributes:
        shape: of the array.
        dtype: of the array.
        zero: an array of one element.
        size: how many elements there are.
        is_lent: whether the buffer is to be used again.
        around: makes the array of a buffer, the shape and the data type.
    """

    shape: Shape
    dtype: DType
    zero: array[Any]
    size: int
    is_lent: bool
    around: Callable[[array[Any], Shape, DType], Array]

    @classmethod
    def of(cls, value: Value) -> _Result:
        zero, size = _ZERO[value.dtype], prod(value.shape)
        is_lent = value.dtype != "bool" and size * zero.itemsize >= LEAST_BYTES
        around = lend if is_lent else _mask if value.dtype == "bool" else Array
        return cls(value.shape, value.dtype, zero, size, is_lent, around)


def _mask(data: array[Any], shape: Shape, dtype: DType) -> Array:
    return cast(Array, Mask(data, shape))


class _Several:
    """Several kernels, or long ones, run by the driver, on as many threads as they are worth.

    A caller takes the memory that it needs and puts it back, or there is more made: other threads
    may call meanwhile, and so may a signal's handler, which could not wait for whom it interrupted.

    Args:
        fused: the kernels.
        numbers: of the buffers whose addresses it is called with.
        target: whose instructions.
    """

    def __init__(self, fused: Fused, numbers: Sequence[int], target: Target) -> None:
        memory = plan_memory(fused)
        streams = {number: size_in_bytes(fused.buffers[number]) for number in numbers}
        self._launch = Launch(fused, memory, streams, target)
        inner = any(buffer.number not in streams for buffer in fused.buffers)
        self._arena_size = memory.size // 4 if inner else 0
        self._offsets = memory.offsets
        self._numbers = numbers
        self._desks = [_Desk(self._launch)]

    def __call__(self, *addresses: int) -> None:
        try:
            desk = self._desks.pop()
        except IndexError:
            desk = _Desk(self._launch.another())
        arena = _taken(self._arena_size)
        try:
            desk.move(arena, self._offsets)
            for number, address in zip(self._numbers, addresses, strict=True):
                desk.table[number] = address
            desk.launch.run(desk.table, 1)
        finally:
            self._desks.append(desk)
            _arenas.append(arena)


class _Desk:
    """What one caller at a time needs.

    Attributes:
        launch: with scratch memory of its own.
        table: of addresses.
    """

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.table = array("q")
        self._base = -1  # the address of the arena that it was made for

    def move(self, arena: AlignedBuffer, offsets: Sequence[int]) -> None:
        """Puts what is neither argument nor result into an arena."""
        if arena.address != self._base:
            self.table = array("q", [arena.address + offset for offset in offsets])
            self._base = arena.address


# Memory that nobody works in just now. All routines share it, as the next one's is then at hand.
_arenas: Final[list[AlignedBuffer]] = []


def _taken(size: int) -> AlignedBuffer:
    """An arena for so many floats; one that is too small goes."""
    try:
        arena = _arenas.pop()
    except IndexError:
        return AlignedBuffer(size)
    return arena if len(arena) >= size else AlignedBuffer(size)


def _single(fused: Fused, numbers: Sequence[int], target: Target) -> NativeFunction | None:
    """A single short kernel, as a function of the addresses of its buffers."""
    if len(fused.kernels) != 1 or len(numbers) > len(ARGUMENTS):
        return None
    (kernel,) = fused.kernels
    plan = plan_kernel(kernel, target)
    if plan.scratch_bytes or nanoseconds(kernel) > _LONG:
        return None
    builder = Builder("routine", **{f"buffer_{number}": POINTER for number in numbers})
    pointers = dict(zip(numbers, builder.parameters, strict=True))
    plan.write(builder, pointers, (0, plan.blocks), scratch=builder.parameters[0])
    return compile_vector(builder.program, target, flush_to_zero=True)


def _raw(x: Array) -> array[Any]:
    """Bools as machine code reads them, 4 bytes each."""
    return x.raw if isinstance(x, Mask) else array("i", x.data)


def _check(program: Program) -> None:
    """Refuses what a routine cannot do as the reference engine does.

    Raises:
        UnsupportedKernelError: there is something of this kind.
    """
    if program.reads or program.writes or program.draws or program.checks:
        raise UnsupportedKernelError("a routine has arguments and results alone")
    for value in in_order(program.outputs()):
        if value.dtype == "float64" or any(x.dtype == "float64" for x in value.inputs):
            raise UnsupportedKernelError("vectors have no float64")
        if value.dtype == "int64" and value.op not in _EXACT:
            raise UnsupportedKernelError(f"{value.op} of integers may overflow, which is an error")
        if value.op == "cast" and value.dtype == "int64" and value.inputs[0].dtype == "float32":
            raise UnsupportedKernelError("what is not finite becomes no integer, but an error")


def _rows(kernels: Sequence[Kernel]) -> dict[int, int]:
    """For each buffer of indices, by its number, how many rows there are to choose from.

    Raises:
        UnsupportedKernelError: indices that a kernel makes, so that they cannot be checked before.
    """
    found: dict[int, int] = {}
    for kernel in kernels:
        if not isinstance(kernel, Index) or kernel.indices is None:
            continue
        if any(kernel.indices in buffers_written(other) for other in kernels):
            raise UnsupportedKernelError("computed indices cannot be checked before")
        number = kernel.indices.number
        rows = kernel.rows if kernel.op == "take" else kernel.target.size // kernel.columns
        found[number] = min(rows, found.get(number, rows))
    return found
