"""Kernels, run by the interpreter and as machine code, and their meaning in plain Python."""

import math
import operator
from array import array
from itertools import pairwise

import pytest

from baregrad.compiler.kernel import (
    COLUMNS,
    FULL,
    ROWS,
    Access,
    Accumulator,
    Apply,
    Buffer,
    Constant,
    Contraction,
    Index,
    Load,
    Reduce,
    Store,
    buffers_read,
    buffers_written,
)
from baregrad.compiler.kernels.plans import plan_kernel
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compile import TARGETS, compile_vector
from baregrad.compiler.vector.interpreter import Memory, interpret
from baregrad.compiler.vector.program import INT64, POINTER
from baregrad.engines import ieee
from baregrad.machine.cpu import is_x86_64, processor_features
from baregrad.machine.memory import AlignedBuffer

FEATURES = processor_features() if is_x86_64() else frozenset()
on_every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
runs_on_every_target = pytest.mark.parametrize(
    "target",
    [
        pytest.param(
            target,
            id=target.name,
            marks=pytest.mark.skipif(
                not target.features <= FEATURES, reason=f"the processor has no {target.name}"
            ),
        )
        for target in TARGETS
    ],
)
FORMATS = {"float32": "f", "int64": "q", "bool": "i"}
GUARD = 32  # elements around each buffer, which nothing may change
CANARY = 77


def strided(numbers, start, step, count):
    """Every step-th number from a place on."""
    return numbers[start : start + step * count : step] if step else [numbers[start]] * count


def float32(number):
    return array("f", [number])[0]


# --- running ------------------------------------------------------------------------------------


def program_of(kernel, target, *, whole=False):
    """The kernel's plan, and its program: table of addresses, range of blocks, scratch.

    The range is that of the arguments, or known to be `whole` when the code is written.
    """
    plan = plan_kernel(kernel, target)
    b = Builder("kernel", table=POINTER, begin=INT64, end=INT64, scratch=POINTER)
    table, begin, end, scratch = b.parameters
    buffers = sorted(buffers_read(kernel) | buffers_written(kernel))
    pointers = {
        buffer.number: b.load_pointer(table, displacement=8 * slot)
        for slot, buffer in enumerate(buffers)
    }
    plan.write(b, pointers, (0, plan.blocks) if whole else (begin, end), scratch)
    return plan, b.program, buffers


def pieces(blocks, cuts):
    """Ranges of blocks, as threads would have them."""
    if cuts is None:
        return [(0, blocks)]
    edges = sorted({0, blocks, *[cut % (blocks + 1) for cut in cuts]})
    return list(pairwise(edges))


def run(kernel, memory, target, *, native=True, aliases=None, cuts=None):
    """What the kernel makes of `memory`, a list of numbers for each buffer number.

    Args:
        kernel: to be run.
        memory: is left as it is.
        target: for which it is compiled.
        native: as machine code; otherwise by the interpreter.
        aliases: buffers that lie where another does.
        cuts: where the blocks are cut into calls of their own; the code is for all blocks, if
            it is None.
    """
    plan, program, buffers = program_of(kernel, target, whole=cuts is None)
    aliases = aliases or {}
    execute = _run_native if native else _run_interpreted
    return execute(plan, program, buffers, memory, target, aliases, cuts)


def _run_native(plan, program, buffers, memory, target, aliases, cuts):
    places = {}
    for buffer in buffers:
        if buffer.number not in aliases:
            numbers = memory[buffer.number]
            place = AlignedBuffer(len(numbers) + 2 * GUARD, FORMATS[buffer.dtype])
            guard = [CANARY] * GUARD
            place.view[:] = array(FORMATS[buffer.dtype], [*guard, *numbers, *guard])
            places[buffer.number] = place
    for number, other in aliases.items():
        places[number] = places[other]
    table = AlignedBuffer(max(len(buffers), 1), "q")
    for slot, buffer in enumerate(buffers):
        size = 8 if buffer.dtype == "int64" else 4
        table.view[slot] = places[buffer.number].address + GUARD * size
    function = compile_vector(program, target)
    for begin, end in pieces(plan.blocks, cuts):
        scratch = AlignedBuffer(plan.scratch_bytes // 4 + GUARD)
        scratch.view[:] = array("f", [math.nan]) * scratch.count
        function(table.address, begin, end, scratch.address)
        tail = list(scratch.view[plan.scratch_bytes // 4 :])
        assert all(x != x for x in tail), "written beyond the scratch memory"
    result = {}
    for number, place in places.items():
        everything = list(place.view)
        assert everything[:GUARD] == [CANARY] * GUARD, "written before a buffer"
        assert everything[-GUARD:] == [CANARY] * GUARD, "written beyond a buffer"
        result[number] = everything[GUARD:-GUARD]
    return result


def _run_interpreted(plan, program, buffers, memory, target, aliases, cuts):
    space = Memory()
    places = {
        b.number: array(FORMATS[b.dtype], memory[b.number] or [0])
        for b in buffers
        if b.number not in aliases
    }
    addresses = {number: space.add(place) for number, place in places.items()}
    for number, other in aliases.items():
        places[number], addresses[number] = places[other], addresses[other]
    table = array("q", [addresses[buffer.number] for buffer in buffers] or [0])
    for begin, end in pieces(plan.blocks, cuts):
        scratch = array("f", [math.nan]) * (plan.scratch_bytes // 4 + 1)
        interpret(program, [table, begin, end, scratch], target.lanes, space)
    return {number: list(place)[: len(memory[number])] for number, place in places.items()}


# --- meaning ------------------------------------------------------------------------------------

FUNCTIONS = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": ieee.divide,
    "power": ieee.power,
    "negative": lambda x: -x,
    "abs": abs,
    "exp": ieee.exp,
    "expm1": ieee.expm1,
    "log": ieee.log,
    "sqrt": ieee.sqrt,
    "sin": ieee.sin,
    "cos": ieee.cos,
    "erf": math.erf,
    "tanh": math.tanh,
    "sigmoid": ieee.sigmoid,
    "softplus": ieee.softplus,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "maximum": ieee.maximum,
    "where": lambda c, x, y: x if c else y,
}


class Meaning:
    """The nodes of a kernel in double precision, place by place."""

    def __init__(self, kernel, memory):
        self.kernel = kernel
        self.memory = memory
        self.known = {}

    def value(self, index, row, column):
        node = self.kernel.nodes[index]
        key = index, row if node.extent & ROWS else 0, column if node.extent & COLUMNS else 0
        if key not in self.known:
            self.known[key] = self._value(node, key[1], key[2])
        return self.known[key]

    def _value(self, node, row, column):
        if isinstance(node, Load):
            access = node.access
            place = access.offset + row * access.row + column * access.column
            return self.memory[node.buffer.number][place]
        if isinstance(node, Constant):
            return float32(node.value) if node.dtype == "float32" else node.value
        if isinstance(node, Accumulator):
            return self._product(row, column)
        if isinstance(node, Apply):
            operands = [self.value(i, row, column) for i in node.inputs]
            if node.op == "cast":
                return {"float32": float, "int64": int, "bool": bool}[node.dtype](operands[0])
            return FUNCTIONS[node.op](*operands)
        rows = range(self.kernel.rows) if node.over & ROWS else [row]
        columns = range(self.kernel.columns) if node.over & COLUMNS else [column]
        terms = [self.value(node.input, r, c) for r in rows for c in columns]
        if node.op == "sum":
            return math.fsum(terms)
        return math.nan if any(x != x for x in terms) else max(terms)

    def _product(self, row, column):
        k = self.kernel
        (left, a), (right, b) = k.left, k.right
        x, y = self.memory[left.number], self.memory[right.number]
        first = a.offset + row * a.row, b.offset + column * b.column
        rows = strided(x, first[0], a.column, k.depth)
        return math.fsum(map(operator.mul, rows, strided(y, first[1], b.row, k.depth)))

    def result(self):
        """Every buffer after the kernel."""
        result = {number: list(numbers) for number, numbers in self.memory.items()}
        for store in self.kernel.stores:
            access, target = store.access, result[store.buffer.number]
            for row in range(self.kernel.rows if access.row else 1):
                for column in range(self.kernel.columns if access.column else 1):
                    place = row * access.row + column * access.column
                    target[place] = self.value(store.node, row, column)
        return result


def assert_close(found, expected, tolerance, scale=1.0):
    """|found - expected| <= tolerance * (scale + |expected|), element by element; NaN is NaN."""
    assert len(found) == len(expected)
    for place, (x, y) in enumerate(zip(found, expected, strict=True)):
        same = x == y or (x != x and y != y)
        assert same or abs(x - y) <= tolerance * (scale + abs(y)), (place, x, y)


# --- making kernels -----------------------------------------------------------------------------


def buffer(number, size, dtype="float32"):
    return Buffer(number, dtype, size, f"b{number}")


class Nodes:
    """The nodes and stores of a kernel being made, with the buffers' contents."""

    def __init__(self, rows, columns):
        self.rows = rows
        self.columns = columns
        self.nodes = []
        self.stores = []
        self.memory = {}

    def _add(self, node):
        self.nodes.append(node)
        return len(self.nodes) - 1

    def new(self, numbers, dtype="float32"):
        number = len(self.memory)
        self.memory[number] = list(numbers)
        return buffer(number, len(self.memory[number]), dtype)

    def access(self, extent):
        row = self.columns if extent == FULL else 1
        return Access(
            row if extent & ROWS and self.rows != 1 else 0,
            1 if extent & COLUMNS and self.columns != 1 else 0,
        )

    def count(self, extent):
        rows = self.rows if extent & ROWS else 1
        return rows * (self.columns if extent & COLUMNS else 1)

    def load(self, numbers, extent=FULL, dtype="float32", access=None):
        """A load of a new buffer, or of a given one."""
        place = numbers if isinstance(numbers, Buffer) else self.new(numbers, dtype)
        return self._add(Load(place, access or self.access(extent), extent, place.dtype))

    def constant(self, value, dtype="float32"):
        return self._add(Constant(value, dtype))

    def accumulator(self):
        return self._add(Accumulator())

    def apply(self, op, *inputs, dtype="float32"):
        extent = 0
        for i in inputs:
            extent |= self.nodes[i].extent
        return self._add(Apply(op, inputs, dtype, extent))

    def reduce(self, op, node, over, dtype="float32"):
        extent = self.nodes[node].extent & ~over
        return self._add(Reduce(op, node, over, dtype, extent))

    def store(self, node, extent=None, place=None):
        """A store to a new buffer, or to a given one; returns its number."""
        extent = self.nodes[node].extent if extent is None else extent
        dtype = self.nodes[node].dtype
        place = place or self.new([0] * self.count(extent), dtype)
        self.stores.append(Store(node, place, self.access(extent)))
        return place.number


def index_kernel(op, rows, columns, source, indices, target):
    return Index(op, rows, columns, source, indices, target)


def contraction(nodes, depth, left, right):
    return Contraction(nodes.rows, nodes.columns, depth, left, right, nodes.nodes, nodes.stores)
