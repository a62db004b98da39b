"""Running a fused program in plain Python, to prove fusion and the memory plan right.

Every kernel runs row by row in the arena, and stores a row before it loads the next: a kernel that
read what it should not have overwritten would give wrong numbers. Each operation is computed by the
reference engine's rule and rounded to its data type, and sums are taken in the reference engine's
order. So the results are those of the reference engine to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from baregrad.compiler.fusion import Fused
from baregrad.compiler.kernel import (
    COLUMNS,
    FULL,
    ITEMSIZE,
    ROWS,
    Access,
    Accumulator,
    Apply,
    Batch,
    Buffer,
    Constant,
    Contraction,
    Copy,
    Index,
    Kernel,
    Load,
    Map,
    Node,
    Operand,
    Reduce,
    Uniform,
    late_nodes,
)
from baregrad.compiler.memory import Memory
from baregrad.compiler.program import Program
from baregrad.engines import array as arrays
from baregrad.engines import reference
from baregrad.engines.array import Array, DType, Shape, offsets
from baregrad.errors import ArgumentError, OutOfRangeError
from baregrad.tensor.primitives import PRIMITIVES
from baregrad.tensor.tensor import Tensor

_FORMATS: dict[DType, str] = {"float32": "f", "float64": "d", "int64": "q", "bool": "i"}


class Execution:
    """A program in memory, which can be run again and again.

    The tensors that the program reads are copied into the arena once. Each run updates them there.
    """

    def __init__(self, program: Program, fused: Fused, memory: Memory) -> None:
        self._program = program
        self._fused = fused
        self._memory = memory
        self._arena = _Arena(memory)
        for tensor, value in program.reads.items():
            self._arena.write(fused.inputs[value], tensor.array.data)

    def run(self, *arguments: Array) -> list[Array]:
        """One step; returns what the captured function returned.

        Raises:
            ArgumentError: other arguments than the program has.
        """
        expected = [(value.shape, value.dtype) for value in self._program.arguments]
        given = [(array.shape, array.dtype) for array in arguments]
        if given != expected:
            raise ArgumentError(f"the program was captured for arguments {expected}, not {given}")
        for value, array in zip(self._program.arguments, arguments, strict=True):
            self._arena.write(self._fused.inputs[value], array.data)
        for kernel in self._fused.kernels:
            _run(kernel, self._arena)
        for new, old in self._memory.copies:
            self._arena.write(old, self._arena.read(new))
        pairs = zip(self._fused.results, self._program.results, strict=True)
        return [self._arena.array(buffer, value.shape) for buffer, value in pairs]

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
        return self._arena.array(buffer, tensor.shape)


class _Arena:
    """The memory of all buffers."""

    def __init__(self, memory: Memory) -> None:
        self._offsets = memory.offsets
        whole = memoryview(bytearray(memory.size))
        self._views = {dtype: whole.cast("B").cast(code) for dtype, code in _FORMATS.items()}  # type: ignore[call-overload]

    def read(self, buffer: Buffer, places: Iterable[int] | None = None) -> list[Any]:
        """Elements of a buffer; all of them, or those at some places."""
        view = self._views[buffer.dtype]
        start = self._offsets[buffer.number] // ITEMSIZE[buffer.dtype]
        if places is None:
            return list(view[start : start + buffer.size])
        return [view[start + place] for place in places]

    def write(self, buffer: Buffer, values: Iterable[Any], start: int = 0, step: int = 1) -> None:
        """Elements of a buffer from `start` on."""
        view = self._views[buffer.dtype]
        place = self._offsets[buffer.number] // ITEMSIZE[buffer.dtype] + start
        for value in values:
            view[place] = value
            place += step

    def array(self, buffer: Buffer, shape: Shape) -> Array:
        """The whole of a buffer."""
        return arrays.new(self.read(buffer), shape, buffer.dtype)


def _apply(op: str, *inputs: Array, **attributes: Any) -> Array:
    """A primitive's forward rule."""
    return PRIMITIVES[op].forward(*inputs, **attributes)


def _run(kernel: Kernel, arena: _Arena) -> None:
    if isinstance(kernel, Map | Contraction):
        _Rows(kernel, arena).run()
    elif isinstance(kernel, Index):
        _run_index(kernel, arena)
    elif isinstance(kernel, Batch):
        _run_batch(kernel, arena)
    elif isinstance(kernel, Copy):
        _run_copy(kernel, arena)
    else:
        _run_uniform(kernel, arena)


# --- maps and contractions ------------------------------------------------------------------


class _Rows:
    """A map or contraction, row by row.

    The value of a node, at a row, is an array of as many elements as it has there: one for each
    column, or a single one if it does not vary along the row.
    """

    def __init__(self, kernel: Map | Contraction, arena: _Arena) -> None:
        self._kernel = kernel
        self._arena = arena
        self._late = late_nodes(kernel)
        self._values: dict[int, Array] = {}
        self._rows: dict[int, list[Array]] = {
            number: []
            for number, node in enumerate(kernel.nodes)
            if isinstance(node, Reduce) and node.over & ROWS
        }

    def run(self) -> None:
        """All rows, and then what is late."""
        for row in range(self._kernel.rows):
            self._evaluate(row, False)
            for number, seen in self._rows.items():
                node = self._kernel.nodes[number]
                assert isinstance(node, Reduce)
                seen.append(self._at_every_place(node.input, node.over))
        self._evaluate(0, True)

    def _evaluate(self, row: int, late: bool) -> None:
        for number, node in enumerate(self._kernel.nodes):
            # loads and constants are there for what is late as well
            if self._late[number] == late:
                self._values[number] = self._value(number, node, row)
        for store in self._kernel.stores:
            if self._late[store.node] == late:
                self._store(self._values[store.node], store.buffer, store.access, row)

    def _value(self, number: int, node: Node, row: int) -> Array:
        if isinstance(node, Load):
            count = self._kernel.columns if node.extent & COLUMNS else 1
            return self._line(node.buffer, node.access, row, count, node.dtype)
        if isinstance(node, Constant):
            return arrays.filled(node.value, (1,), node.dtype)
        if isinstance(node, Accumulator):
            return self._product(row)
        if isinstance(node, Apply):
            attributes = {"dtype": node.dtype} if node.op == "cast" else {}
            return _apply(node.op, *(self._values[i] for i in node.inputs), **attributes)
        if node.over & ROWS:
            return self._reduced_rows(node, self._rows[number])
        whole = self._at_every_place(node.input, FULL)
        return _apply(node.op, whole, axes=(0,), keepdims=True)

    def _line(self, buffer: Buffer, access: Access, row: int, count: int, dtype: DType) -> Array:
        start = access.offset + row * access.row
        places = (start + i * access.column for i in range(count))
        return arrays.new(self._arena.read(buffer, places), (count,), dtype)

    def _at_every_place(self, number: int, over: int) -> Array:
        """A node's values at this row, one for each column if a reduction runs over these."""
        value = self._values[number]
        extent = self._kernel.nodes[number].extent
        if over & COLUMNS or extent & COLUMNS:
            return reference.expand(value, (self._kernel.columns,))
        return value

    def _reduced_rows(self, node: Reduce, rows: Sequence[Array]) -> Array:
        """All rows reduced to one, or to one number."""
        (width,) = rows[0].shape
        elements = [x for row in rows for x in row.data]
        whole = arrays.new(elements, (len(rows), width), node.dtype)
        axes = (0,) if node.over == ROWS else (0, 1)
        return _apply(node.op, whole, axes=axes, keepdims=False)._replace(
            shape=(width if node.over == ROWS else 1,)
        )

    def _product(self, row: int) -> Array:
        kernel = self._kernel
        assert isinstance(kernel, Contraction)
        left = self._matrix(kernel.left, range(row, row + 1), kernel.depth)
        right = self._matrix(kernel.right, range(kernel.depth), kernel.columns)
        return reference.matmul(left, right)._replace(shape=(kernel.columns,))

    def _matrix(self, operand: Operand, rows: range, columns: int) -> Array:
        buffer, (down, along, offset) = operand
        places = (offset + i * down + j * along for i in rows for j in range(columns))
        return arrays.new(self._arena.read(buffer, places), (len(rows), columns), buffer.dtype)

    def _store(self, value: Array, buffer: Buffer, access: Access, row: int) -> None:
        count = self._kernel.columns if access.column else 1
        start = access.offset + row * access.row
        values = reference.expand(value, (count,)).data
        self._arena.write(buffer, values, start, access.column)


# --- the others -----------------------------------------------------------------------------


def _run_copy(kernel: Copy, arena: _Arena) -> None:
    target = arrays.filled(0, (kernel.target.size,), kernel.target.dtype)
    for part in kernel.parts:
        places = offsets(part.shape, part.into, part.begin)
        if part.buffer is None:
            values = [part.value] * len(places)
        else:
            values = arena.read(part.buffer, offsets(part.shape, part.steps, part.offset))
        for place, value in zip(places, values, strict=True):
            target.data[place] = value
    arena.write(kernel.target, target.data)


def _run_batch(kernel: Batch, arena: _Arena) -> None:
    matrices = []
    for operand, step, shape in (
        (kernel.left, kernel.left_step, (kernel.products, kernel.rows, kernel.depth)),
        (kernel.right, kernel.right_step, (kernel.products, kernel.depth, kernel.columns)),
    ):
        buffer, (row, column, offset) = operand
        places = offsets(shape, (step, row, column), offset)
        matrices.append(arrays.new(arena.read(buffer, places), shape, buffer.dtype))
    arena.write(kernel.target, reference.matmul(*matrices).data)


def _run_uniform(kernel: Uniform, arena: _Arena) -> None:
    start = arena.array(kernel.start, ())
    shape = (kernel.target.size,)
    numbers = reference.uniform(start, kernel.seed, kernel.stream, shape, kernel.target.dtype)
    arena.write(kernel.target, numbers.data)


def _run_index(kernel: Index, arena: _Arena) -> None:
    source = arena.array(kernel.source, (kernel.rows, kernel.columns))
    if kernel.indices is None:
        result = _apply("argmax", source, axes=(1,), keepdims=False)
    else:
        indices = arena.array(kernel.indices, (kernel.indices.size,))
        rows = kernel.rows if kernel.op == "take" else kernel.target.size // kernel.columns
        _check_indices(indices, rows, kernel.op)
        sizes = {} if kernel.op == "take" else {"size": rows}
        result = _apply(kernel.op, source, indices, axis=0, **sizes)
    arena.write(kernel.target, result.data)


def _check_indices(indices: Array, rows: int, op: str) -> None:
    for index in indices.data:
        if not 0 <= index < rows:
            raise OutOfRangeError(f"{op}: index {index} is out of range for {rows} rows")
