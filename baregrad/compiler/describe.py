"""A fused program in words: its values, its kernels with what they cost, and the memory plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from baregrad.compiler.cost import flops, size_in_bytes, traffic
from baregrad.compiler.fusion import Fused
from baregrad.compiler.kernel import (
    COLUMNS,
    FULL,
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
    Uniform,
    buffers_read,
    buffers_written,
)
from baregrad.compiler.memory import Memory
from baregrad.compiler.program import Program
from baregrad.compiler.value import CONSTANT, INPUT, Value, in_order

_ACROSS = {COLUMNS: "over the columns", ROWS: "over the rows", FULL: "over all"}


def describe(program: Program, fused: Fused, memory: Memory) -> str:
    """Everything about a compiled step, one thing to a line.

    Kernels run over rows r and columns c. ``#7[64r + c]`` is the element of buffer 7 at that place.
    """
    parts = (values_text(program), kernels_text(fused), memory_text(fused, memory))
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


# --- values ---------------------------------------------------------------------------------


def values_text(program: Program) -> Iterator[str]:
    """The lines about what is computed: every value, and what is written and returned."""
    values = in_order([*program.arguments, *program.outputs()])
    numbers = {value: number for number, value in enumerate(values)}
    yield f"Program: {len(values)} values"
    for value, number in numbers.items():
        result = f"{_shape(value)} {value.dtype}"
        yield f"  %{number} = {_expression(value, numbers)}: {result}"
    for tensor, value in program.writes.items():
        yield f"  {tensor.label()} becomes %{numbers[value]}"
    if program.results:
        yield f"  returns {', '.join(f'%{numbers[value]}' for value in program.results)}"


def _shape(value: Value) -> str:
    return " × ".join(map(str, value.shape)) or "scalar"


def _expression(value: Value, numbers: dict[Value, int]) -> str:
    if value.op == INPUT:
        return f"input {value.attributes['name']!r}"
    if value.op == CONSTANT:
        return f"{value.attributes['value']:g}"
    inputs = [f"%{numbers[x]}" for x in value.inputs]
    attributes = [f"{name}={given}" for name, given in value.attributes.items()]
    return f"{value.op}({', '.join(inputs + attributes)})"


# --- kernels --------------------------------------------------------------------------------


def kernels_text(fused: Fused) -> Iterator[str]:
    """The lines about kernels: what each computes, its operations, and the bytes it touches."""
    work, moved = sum(map(flops, fused.kernels)), sum(map(traffic, fused.kernels))
    yield f"Kernels: {len(fused.kernels)}, {work:,} FLOP, {moved:,} bytes read and written"
    for number, kernel in enumerate(fused.kernels, 1):
        cost = f"{flops(kernel):,} FLOP, {traffic(kernel):,} bytes"
        yield f"  {number}. {_title(kernel)}: {cost}"
        yield from (f"       {line}" for line in _body(kernel))


def _title(kernel: Kernel) -> str:
    if isinstance(kernel, Map):
        return f"map of {kernel.rows} × {kernel.columns}"
    if isinstance(kernel, Contraction):
        return f"contraction to {kernel.rows} × {kernel.columns} over {kernel.depth}"
    if isinstance(kernel, Batch):
        size = f"{kernel.rows} × {kernel.columns} over {kernel.depth}"
        return f"batch of {kernel.products} products to {size}"
    if isinstance(kernel, Uniform):
        return f"{kernel.target.size} random numbers"
    return f"{'copy' if isinstance(kernel, Copy) else 'index'} operation {kernel.op}"


def _body(kernel: Kernel) -> Iterator[str]:
    if isinstance(kernel, Map | Contraction):
        for number, node in enumerate(kernel.nodes):
            yield f"{number} = {_node(kernel, node)}"
        for store in kernel.stores:
            yield f"{_element(store.buffer, store.access)} = {store.node}"
    elif isinstance(kernel, Copy):
        yield _call(kernel.op, [part.buffer or part.value for part in kernel.parts], kernel.target)
    elif isinstance(kernel, Index):
        operands = [kernel.source, *([kernel.indices] if kernel.indices else [])]
        yield _call(kernel.op, operands, kernel.target)
    elif isinstance(kernel, Batch):
        yield _call("matmul", [kernel.left.buffer, kernel.right.buffer], kernel.target)
    else:
        yield _call("uniform", [kernel.start], kernel.target)


def _call(op: str, operands: Sequence[Buffer | float], target: Buffer) -> str:
    inputs = [f"#{x.number}" if isinstance(x, Buffer) else f"{x:g}" for x in operands]
    return f"#{target.number} = {op}({', '.join(inputs)})"


def _node(kernel: Map | Contraction, node: Node) -> str:
    if isinstance(node, Load):
        return _element(node.buffer, node.access)
    if isinstance(node, Constant):
        return f"constant {node.value:g}"
    if isinstance(node, Accumulator):
        assert isinstance(kernel, Contraction)
        left = _element(kernel.left.buffer, kernel.left.access, column="k")
        right = _element(kernel.right.buffer, kernel.right.access, row="k")
        return f"sum over k of {left} · {right}"
    if isinstance(node, Apply):
        return f"{node.op}({', '.join(map(str, node.inputs))})"
    return f"{node.op} of {node.input} {_ACROSS[node.over]}"


def _element(buffer: Buffer, access: Access, row: str = "r", column: str = "c") -> str:
    terms = [
        index if step == 1 else f"{step}{index}"
        for step, index in ((access.row, row), (access.column, column))
        if step
    ]
    if access.offset or not terms:
        terms.append(str(access.offset))
    return f"#{buffer.number}[{' + '.join(terms)}]"


# --- memory ---------------------------------------------------------------------------------


def memory_text(fused: Fused, memory: Memory) -> Iterator[str]:
    """The lines about memory: where each buffer lies, and which kernels use it."""
    total = sum(map(size_in_bytes, fused.buffers))
    yield f"Memory: {memory.size:,} bytes, for {total:,} in {len(fused.buffers)} buffers"
    old_of = {new: old for old, new in memory.in_place}
    for buffer in fused.buffers:
        place = f"at {memory.offsets[buffer.number]:,}"
        if buffer in old_of:
            place += f", in place of #{old_of[buffer].number}"
        size = f"{buffer.size:,} {buffer.dtype}"
        yield f"  #{buffer.number} {buffer.name}: {size} {place}{_life(fused, buffer)}"
    for new, old in memory.copies:
        yield f"  #{new.number} is copied to #{old.number} after the last kernel"


def _life(fused: Fused, buffer: Buffer) -> str:
    """Which kernels write and read a buffer, numbered from 1."""
    written = [i for i, k in enumerate(fused.kernels, 1) if buffer in buffers_written(k)]
    read = [str(i) for i, k in enumerate(fused.kernels, 1) if buffer in buffers_read(k)]
    text = f", written by {written[0]}" if written else ""
    return text + (f", read by {', '.join(read)}" if read else "")
