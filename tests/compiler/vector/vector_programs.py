"""Random programs, and running a program on the interpreter and as machine code."""

import array
import math
import struct

import pytest

from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compile import TARGETS, compile_vector
from baregrad.compiler.vector.interpreter import interpret
from baregrad.compiler.vector.operations import (
    INTEGER_PREDICATES,
    PREDICATES,
    ROUNDINGS,
    SHUFFLES,
)
from baregrad.compiler.vector.program import FLOAT, FLOAT32, INT32, INT64, LANES, MASK, POINTER
from baregrad.machine.cpu import is_x86_64, processor_features
from baregrad.machine.memory import AlignedBuffer

FEATURES = processor_features() if is_x86_64() else frozenset()
# every target that code is generated for, and those of them that can be run here
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

FLOATS = 192  # floats, and integers, in each buffer of a random program
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e-3, 7.25, -1e10, 1e-40, math.inf, math.nan, 16777217.0)

UNARY = ("sqrt", "negate", "absolute")
BINARY = ("add", "subtract", "multiply", "divide", "max", "min", "copy_sign")
TERNARY = ("fma", "fms", "fnma", "fnms")
INTEGER = ("add_int", "subtract_int", "multiply_int", "bit_and", "bit_or", "bit_xor")
SHIFTS = ("shift_left", "shift_right", "shift_right_signed")
MASKS = ("mask_and", "mask_or", "mask_xor")
SCALARS = ("add_int64", "subtract_int64", "multiply_int64", "min_int64", "max_int64")


class RandomProgram:
    """A program of every operation, which writes all that it computes.

    Buffers: `source` floats and `indices` (0 to 15) are read, `target` is written. `n` is small.
    """

    def __init__(self, random, length=40):
        self.random = random
        self.builder = Builder(
            "random", source=POINTER, indices=POINTER, target=POINTER, a=FLOAT, n=INT64, b=FLOAT
        )
        source, indices, target, a, n, b = self.builder.parameters
        self.source, self.indices, self.target, self.n = source, indices, target, n
        self.stored = 0
        floats = [a, b, self.builder.load(source)]
        self.scopes = [
            {
                FLOAT32: floats,
                INT32: [self.builder.load(indices, type=INT32)],
                MASK: [self.builder.compare("less", a, floats[2])],
                INT64: [n],
            }
        ]
        self.steps(length, 0)
        for value in self.all_of(FLOAT32)[-12:]:
            self.store(value)
        for value in self.all_of(INT32)[-6:]:
            self.store(value)
        for value in self.all_of(INT64)[-4:]:
            self.store(self.builder.broadcast_int(value))
        for value in self.all_of(MASK)[-4:]:
            self.store(self.builder.select(value, 1.0, 2.0))
        self.program = self.builder.program

    def all_of(self, type):
        return [value for scope in self.scopes for value in scope[type]]

    def pick(self, type):
        # recent values more often than old ones, or a constant
        if type in (FLOAT32, INT64) and self.random.random() < 0.15:
            if type == INT64:
                return self.builder.constant_int64(self.random.choice([0, 1, 5, LANES, 1 << 40]))
            return self.builder.constant(self.random.choice(NUMBERS))
        values = self.all_of(type)
        if self.random.random() < 0.6:
            values = values[-5:]
        return self.random.choice(values)

    def keep(self, value):
        self.scopes[-1][value.type].append(value)

    def store(self, value):
        # beyond what is read; the last slots of the buffer are used again and again
        place = min(self.stored, FLOATS // 16 - 1)
        self.stored += 1
        self.builder.store(value, self.target, displacement=64 * place)

    def steps(self, length, depth):
        for _ in range(length):
            kind = self.random.choice(KINDS if depth < 3 else KINDS[:-1])
            getattr(self, kind)(depth)

    def arithmetic(self, depth):
        b, pick = self.builder, self.pick
        names = self.random.choice((UNARY, BINARY, BINARY, TERNARY, TERNARY))
        count = {UNARY: 1, BINARY: 2, TERNARY: 3}[names]
        name = self.random.choice(names)
        operands = [pick(FLOAT32) for _ in range(count)]
        if name == "copy_sign":
            operands[1] = self.number()
        self.keep(getattr(b, name)(*operands))

    def number(self):
        """A float32 that is not NaN: which NaN an operation gives is not specified."""
        value = self.pick(FLOAT32)
        return self.builder.select(self.builder.compare("unordered", value, value), 1.0, value)

    def rounding(self, depth):
        self.keep(self.builder.round(self.pick(FLOAT32), self.random.choice(ROUNDINGS)))

    def scaling(self, depth):
        b = self.builder
        mantissa = b.bit_or(b.bit_and(b.bits(self.number()), 0x807FFFFF), 0x3F800000)
        exponent = b.to_float(b.subtract_int(b.bit_and(self.pick(INT32), 255), 127))
        self.keep(b.scale(b.float_from_bits(mantissa), exponent))

    def integer(self, depth):
        b, random = self.builder, self.random
        if random.random() < 0.6:
            self.keep(getattr(b, random.choice(INTEGER))(self.pick(INT32), self.pick(INT32)))
        else:
            self.keep(getattr(b, random.choice(SHIFTS))(self.pick(INT32), random.randrange(32)))

    def conversion(self, depth):
        b = self.builder
        choice = self.random.randrange(5)
        if choice == 0:
            self.keep(b.to_int(self.pick(FLOAT32)))
        elif choice == 1:
            self.keep(b.truncate_to_int(self.pick(FLOAT32)))
        elif choice == 2:
            self.keep(b.to_float(self.pick(INT32)))
        elif choice == 3:
            self.keep(b.bits(self.number()))
        else:
            self.keep(b.float_from_bits(self.pick(INT32)))

    def comparison(self, depth):
        b, random = self.builder, self.random
        if random.random() < 0.6:
            a, c = self.pick(FLOAT32), self.pick(FLOAT32)
            self.keep(b.compare(random.choice(PREDICATES), a, c))
        else:
            a, c = self.pick(INT32), self.pick(INT32)
            self.keep(b.compare_int(random.choice(INTEGER_PREDICATES), a, c))

    def mask(self, depth):
        b, random = self.builder, self.random
        choice = random.randrange(4)
        if choice == 0:
            self.keep(b.mask_not(self.pick(MASK)))
        elif choice == 1:
            self.keep(b.mask_below(b.max_int64(b.min_int64(self.pick(INT64), 100), -100)))
        else:
            self.keep(getattr(b, random.choice(MASKS))(self.pick(MASK), self.pick(MASK)))

    def selection(self, depth):
        type = self.random.choice((FLOAT32, INT32))
        self.keep(self.builder.select(self.pick(MASK), self.pick(type), self.pick(type)))

    def reduction(self, depth):
        name = self.random.choice(("reduce_add", "reduce_max", "reduce_min"))
        self.keep(getattr(self.builder, name)(self.pick(FLOAT32)))

    def interleaving(self, depth):
        if self.random.random() < 0.3:
            self.keep(self.builder.exchange(self.pick(FLOAT32), self.random.choice((1, 2, 4))))
            return
        a, b = self.pick(FLOAT32), self.pick(FLOAT32)
        how = self.random.choice(("interleave_low", "interleave_high", *SHUFFLES))
        if how in SHUFFLES:
            self.keep(self.builder.shuffle(how, a, b))
        else:
            self.keep(getattr(self.builder, how)(a, b))

    def scalar(self, depth):
        b, random = self.builder, self.random
        choice = random.randrange(6)
        if choice == 0:
            self.keep(b.any(self.pick(MASK)))
        elif choice == 1:
            self.keep(b.load_int64(self.indices, displacement=8 * random.randrange(8)))
        elif choice == 2:
            self.keep(b.broadcast_int(self.pick(INT64)))
        elif choice == 3:
            self.keep(b.iota())
        else:
            self.keep(getattr(b, random.choice(SCALARS))(self.pick(INT64), self.pick(INT64)))

    def loading(self, depth):
        b, random = self.builder, self.random
        type = random.choice((FLOAT32, INT32))
        pointer = self.source if type == FLOAT32 else self.indices
        choice = random.randrange(6)
        far = 4 * random.randrange(64)
        if choice == 0:
            self.keep(b.load(pointer, displacement=far, mask=self.pick(MASK), type=type))
        elif choice == 1:
            self.keep(b.load_broadcast(pointer, displacement=far, type=type))
        elif choice == 2:
            indices = b.bit_and(self.pick(INT32), 63)
            mask = self.pick(MASK) if random.random() < 0.5 else None
            self.keep(b.gather(pointer, indices, displacement=far, mask=mask, type=type))
        elif choice == 3:
            table = b.table(struct.pack("<32f", *range(32)))
            self.keep(b.load(table, displacement=4 * random.randrange(16)))
        else:
            self.keep(b.load(pointer, displacement=far + LANES * random.randrange(4), type=type))

    def storing(self, depth):
        if self.random.random() < 0.3:
            place = 64 * (FLOATS // 16 - 1)
            self.builder.store(
                self.pick(FLOAT32), self.target, displacement=place, mask=self.pick(MASK)
            )
        elif self.random.random() < 0.2:
            self.builder.store_first(self.pick(FLOAT32), self.target, displacement=4 * (FLOATS - 1))
        else:
            self.store(self.pick(FLOAT32))

    def looping(self, depth):
        b, random = self.builder, self.random
        types = [
            random.choice((FLOAT32, FLOAT32, INT32, MASK, INT64))
            for _ in range(random.randrange(6))
        ]
        stop = random.choice((0, 1, 3, self.n, b.add_int64(self.n, 1)))
        initial = [self.pick(type) for type in types]
        bounded = random.random() < 0.2
        if bounded:
            loop = b.when(self.pick(MASK), initial)
        else:
            loop = b.loop(random.choice((0, 0, 1, self.n)), stop, random.choice((1, 2)), initial)
        with loop:
            self.scopes.append({FLOAT32: [], INT32: [], MASK: [], INT64: [loop.counter]})
            for value in loop.carried:
                self.keep(value)
            self.steps(random.randrange(2, 9), depth + 1)
            loop.carry(*[self.pick(type) for type in types])
            self.scopes.pop()
        for value in loop.results:
            self.keep(value)
        self.keep(loop.end)


KINDS = (
    *("arithmetic",) * 6,
    *("loading",) * 3,
    *("integer",) * 2,
    "rounding",
    "scaling",
    "conversion",
    "comparison",
    "mask",
    "selection",
    "reduction",
    "interleaving",
    "scalar",
    "storing",
    "looping",
)


def random_arguments(random):
    """Buffers for a random program."""
    source = [random.choice((*NUMBERS, random.uniform(-8, 8))) for _ in range(FLOATS)]
    indices = [random.choice((random.randrange(16), random.getrandbits(31))) for _ in range(FLOATS)]
    return (
        array.array("f", source),
        array.array("i", indices),
        array.array("f", [0.0] * FLOATS),
        random.uniform(-2, 2),
        random.randrange(4),
        1.5,
    )


def aligned(buffer):
    """A copy of an array at an address."""
    out = AlignedBuffer(len(buffer), buffer.typecode)
    out.view[:] = memoryview(buffer)
    return out


def run_native(program, target, arguments, **options):
    """Run machine code on copies of the buffers; returns the copies, and integers as they were."""
    copies = [aligned(a) if isinstance(a, array.array) else a for a in arguments]
    addresses = [c.address if isinstance(c, AlignedBuffer) else c for c in copies]
    compile_vector(program, target, **options)(*addresses)
    return [array.array(c.format, c.view) if isinstance(c, AlignedBuffer) else c for c in copies]


def run_interpreted(program, lanes, arguments):
    """The same on the interpreter."""
    copies = [array.array(a.typecode, a) if isinstance(a, array.array) else a for a in arguments]
    interpret(program, copies, lanes)
    return copies


def bits(numbers):
    """The bits of float32, every NaN the same."""
    canonical = array.array("f", [math.nan if x != x else x for x in numbers])
    return array.array("I", canonical.tobytes())


def lanewise(build, *columns, lanes=16, target=None):
    """`build(builder, *vectors)` for all rows of `columns`: interpreted, or on a target.

    A column of ints is int32, else float32. The result is one column.
    """
    length = -(-len(columns[0]) // 16) * 16
    inputs = []
    for column in columns:
        typecode = "i" if all(isinstance(x, int) for x in column) else "f"
        inputs.append(array.array(typecode, [*column, *[column[0]] * (length - len(column))]))
    names = [f"column{i}" for i in range(len(inputs))]
    b = Builder("lanewise", **dict.fromkeys([*names, "out"], POINTER), n=INT64)
    *pointers, out, n = b.parameters
    with b.loop(0, n, LANES) as loop:
        vectors = [
            b.load(pointer, loop.counter, type=INT32 if a.typecode == "i" else FLOAT32)
            for pointer, a in zip(pointers, inputs, strict=True)
        ]
        result = build(b, *vectors)
        if result.type == MASK:
            result = b.select(result, b.constant_int(1), 0)
        b.store(result, out, loop.counter)
    results = array.array("i" if result.type == INT32 else "f", [0] * length)
    arguments = [*inputs, results, length]
    if target is None:
        ran = run_interpreted(b.program, lanes, arguments)
    else:
        ran = run_native(b.program, target, arguments)
    return list(ran[-2])[: len(columns[0])]


def canonical(buffer):
    """Bytes that are equal where two buffers of bits are, or are both NaN as float32."""
    return bits(array.array("f", buffer.tobytes())).tobytes()
