"""Every row of the table of operations, and its gradient, compiled and by the reference engine."""

import math
from math import prod
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import baregrad as bg
from baregrad.compiler.step import CompiledStep
from baregrad.compiler.vector.compile import TARGETS
from baregrad.engines import array as arrays
from baregrad.machine.cpu import is_x86_64, processor_features
from baregrad.tensor.primitives import PRIMITIVES

# zero-size, one, primes, and around the lanes of both targets
SIZES = [0, 1, 1, 2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33]
MOST = 600  # elements, but for a few that go round the blocks of the work
EXAMPLES = 3  # for each row, data type and target
LONG = [4095, 4096, 4097]

FEATURES = processor_features() if is_x86_64() else frozenset()
RUNNING = [target for target in TARGETS if target.features <= FEATURES]

# What cannot be computed of a data type, by the reference engine either.
FLOATS_ALONE = {
    *("divide", "exp", "expm1", "log", "sqrt", "sin", "cos", "erf", "tanh", "sigmoid", "softplus"),
}
COUNTED = {"add", "subtract", "multiply", "power", "negative", "abs", "sum", "matmul"}
COUNTED |= {"scatter_add"}  # bools are counted as int64 before they are added

# Rows without vector code, and why.
WITHOUT_LOWERING: dict[str, str] = {}


# --- numbers and shapes ---------------------------------------------------------------------------


def numbers(random, shape, dtype, low=-3.0, high=3.0, large=1 << 40):
    """A tensor, with some numbers that are equal or 0."""
    size = prod(shape)
    if dtype == "float32":
        some = [random.uniform(low, high) for _ in range(min(size, 40))]
        values = [*some, *(max(low, min(high, x)) for x in (0.0, 1.0, -1.0))]
    elif dtype == "int64":
        values = [-2, -1, 0, 1, 2, 3, large, -large] if low < 0 else [0, 1, 2, 3]
    else:
        values = [0, 1]
    data = [random.choice(values) for _ in range(size)]
    return bg.Tensor.leaf(arrays.new(data, shape, dtype))


def shape_of(random, axes=3):
    if random.random() < 0.1:
        return (random.choice(LONG),)
    shape = []
    for _ in range(random.randint(0, axes)):
        size = random.choice(SIZES)
        shape.append(size if prod(shape) * size <= MOST else 1)
    return tuple(shape)


def broadcasting(random, count):
    """Shapes that broadcast to one."""
    whole = shape_of(random)
    shapes = [
        tuple(1 if random.random() < 0.3 else size for size in whole)[random.choice([0, 0, 1]) :]
        for _ in range(count)
    ]
    shapes[random.randrange(count)] = whole
    return shapes


def some_axes(random, rank):
    return tuple(axis for axis in range(rank) if random.random() < 0.5)


# --- cases ----------------------------------------------------------------------------------------
# Each draws inputs of a data type, and the attributes, of one application of the row.


def elementwise(arity, low=-3.0, high=3.0, large=1 << 40):
    def case(random, dtype):
        shapes = broadcasting(random, arity)
        return [numbers(random, s, dtype, low, high, large) for s in shapes], {}

    return case


def power(random, dtype):
    base, exponent = broadcasting(random, 2)
    return [numbers(random, base, dtype, 0.1, 3.0), numbers(random, exponent, dtype, 0.0, 3.0)], {}


def where(random, dtype):
    condition, x, y = broadcasting(random, 3)
    return [
        numbers(random, condition, "bool"),
        numbers(random, x, dtype),
        numbers(random, y, dtype),
    ], {}


def reduction(random, dtype, may_be_empty=True):
    shape = shape_of(random)
    axes = some_axes(random, len(shape))
    if not may_be_empty:
        shape = tuple(max(n, 1) if axis in axes else n for axis, n in enumerate(shape))
    return [numbers(random, shape, dtype)], {"axes": axes, "keepdims": random.random() < 0.5}


def selection(random, dtype):
    return reduction(random, dtype, may_be_empty=False)


def matmul(random, dtype):
    batch = tuple(random.choice([0, 1, 2, 2, 3]) for _ in range(random.choice([0, 0, 1, 2])))
    left, right = (
        tuple(random.choice([1, n, n]) for n in batch)[random.choice([0, 0, 1]) :] for _ in "xy"
    )
    m, k, n = (random.choice(SIZES[:12]) for _ in range(3))
    x = numbers(random, (*left, m, k), dtype, large=1 << 28)
    return [x, numbers(random, (*right, k, n), dtype, large=1 << 28)], {}


def reshape(random, dtype):
    shape = shape_of(random)
    other = [(prod(shape),), (*shape, 1), shape[::-1], (1, *shape[:-2], prod(shape[-2:]))]
    return [numbers(random, shape, dtype)], {"shape": random.choice(other)}


def permute(random, dtype):
    shape = shape_of(random, 4)
    axes = list(range(len(shape)))
    random.shuffle(axes)
    return [numbers(random, shape, dtype)], {"axes": tuple(axes)}


def expand(random, dtype):
    x, whole = broadcasting(random, 2)
    return [numbers(random, x, dtype)], {"shape": arrays.broadcast_shapes(x, whole)}


def concat(random, dtype):
    shape = shape_of(random) or (1,)
    axis = random.randrange(len(shape))
    sizes = [random.choice(SIZES[:8]) for _ in range(random.randint(1, 3))]
    parts = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    return [numbers(random, s, dtype) for s in parts], {"axis": axis}


def window_of(random, shape):
    """(start, step, size) along each axis."""
    window = []
    for n in shape:
        step = random.choice([1, 1, 2, 3, -1, -2])
        places = range(random.randint(0, n), n, step) if step > 0 else range(n)[::step]
        window.append((places.start, step, len(places)))
    return tuple(window)


def slice_(random, dtype):
    shape = shape_of(random)
    return [numbers(random, shape, dtype)], {"window": window_of(random, shape)}


def unslice(random, dtype):
    shape = shape_of(random)
    window = window_of(random, shape)
    x = numbers(random, tuple(size for _, _, size in window), dtype)
    return [x], {"shape": shape, "window": window}


def indices_of(random, size):
    shape = shape_of(random, 2) if size else (0,)
    data = [random.randrange(size) for _ in range(prod(shape))]
    return bg.Tensor.leaf(arrays.new(data, shape, "int64"))


def take(random, dtype):
    shape = shape_of(random, 2) or (3,)
    axis = random.randrange(len(shape))
    return [numbers(random, shape, dtype), indices_of(random, shape[axis])], {"axis": axis}


def scatter_add(random, dtype):
    size = random.choice(SIZES[1:])
    indices = indices_of(random, size)
    before, after = (
        tuple(random.choice(SIZES[1:8]) for _ in range(random.randint(0, 1))) for _ in "ab"
    )
    x = numbers(random, (*before, *indices.shape, *after), dtype)
    return [x, indices], {"axis": len(before), "size": size}


def cast(random, dtype):
    x = numbers(random, shape_of(random), dtype)
    return [x], {"dtype": random.choice(["float32", "int64", "bool"])}


def stop_gradient(random, dtype):
    return [numbers(random, shape_of(random), dtype)], {}


def uniform(random, dtype):
    start = bg.Tensor.leaf(arrays.new([random.randrange(1 << 40)], (), "int64"))
    seed, stream = random.randrange(1 << 64), random.randrange(1 << 64)
    shape = shape_of(random)
    return [start], {"seed": seed, "stream": stream, "shape": shape, "dtype": "float32"}


CASES = {
    **dict.fromkeys(["add", "subtract", "maximum"], elementwise(2)),
    "multiply": elementwise(2, large=1 << 30),
    **dict.fromkeys(["equal", "not_equal", "less", "less_equal"], elementwise(2)),
    **dict.fromkeys(["negative", "abs", "exp", "expm1", "sin", "cos", "erf"], elementwise(1)),
    **dict.fromkeys(["tanh", "sigmoid", "softplus"], elementwise(1)),
    **dict.fromkeys(["log", "sqrt"], elementwise(1, 0.1)),
    "divide": elementwise(2, 0.1),
    "power": power,
    "where": where,
    "sum": reduction,
    "max": selection,
    "argmax": selection,
    "matmul": matmul,
    "reshape": reshape,
    "permute": permute,
    "expand": expand,
    "concat": concat,
    "slice": slice_,
    "unslice": unslice,
    "take": take,
    "scatter_add": scatter_add,
    "cast": cast,
    "stop_gradient": stop_gradient,
    "uniform": uniform,
}
ROWS = [
    pytest.param(name, dtype, id=f"{name} of {dtype}")
    for name in CASES
    for dtype in ("float32", "int64", "bool")
    if dtype == "float32" or name not in FLOATS_ALONE | {"uniform"}
    if dtype != "bool" or name not in COUNTED
]


# --- the comparison -------------------------------------------------------------------------------


def assert_alike(found, expected, scale):
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if expected.dtype != "float32":
        assert list(found.array.data) == list(expected.array.data)
        return
    for x, y in zip(found.array.data, expected.array.data, strict=True):
        assert x == pytest.approx(y, rel=2e-5, abs=1e-6 * scale, nan_ok=True)


def applied(name, attributes):
    """A step that applies a row to its inputs, and carries a gradient back to each."""

    def step(*inputs):
        result = bg.Tensor.apply(PRIMITIVES[name], *inputs, **attributes)
        learned = [x for x in inputs if x.requires_grad]
        if not (learned and result.requires_grad):
            return [result]
        return [result, *bg.grad((result * result).sum(), learned)]

    return step


def test_every_row_of_the_table_is_tried():
    assert set(CASES) | set(WITHOUT_LOWERING) == set(PRIMITIVES)
    assert not set(CASES) & set(WITHOUT_LOWERING)


@pytest.mark.skipif(not RUNNING, reason="this processor runs none of our code")
@pytest.mark.parametrize(("name", "dtype"), ROWS)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32))
def test_a_compiled_operation_and_its_gradient_are_those_of_the_reference(name, dtype, seed):
    inputs, attributes = CASES[name](Random(seed), dtype)
    for x in inputs:
        x.requires_grad = x.dtype == "float32"
    step = applied(name, attributes)
    expected = step(*inputs)
    for target in RUNNING:
        compiled = CompiledStep(step, target)
        found = compiled(*inputs)
        assert compiled.fallback is None
        for x, y in zip(found, expected, strict=True):
            largest = max((abs(v) for v in y.array.data if math.isfinite(v)), default=0)
            assert_alike(x, y, max(1.0, largest))
