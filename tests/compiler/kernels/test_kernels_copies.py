"""Arrays laid into one, and batches of matrix products, against plain Python."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_runs import FORMATS, buffer, on_every_target, run, runs_on_every_target

from baregrad.compiler.kernel import Access, Batch, Copy, Operand, Part
from baregrad.compiler.kernels.plans import plan_kernel
from baregrad.engines.array import offsets, strides

SIZES = st.sampled_from([1, 2, 3, 7, 8, 9, 16, 17, 33])


def drawn(random, size, dtype):
    most = {"float32": 99, "int64": 1 << 40, "bool": 1}[dtype]
    return [random.randint(0 if dtype == "bool" else -most, most) for _ in range(size)]


def meaning(kernel, memory):
    result = [0] * kernel.target.size
    for part in kernel.parts:
        places = offsets(part.shape, part.into, part.begin)
        values = [part.value] * len(places)
        if part.buffer is not None:
            source = memory[part.buffer.number]
            values = [source[place] for place in offsets(part.shape, part.steps, part.offset)]
        for place, value in zip(places, values, strict=True):
            result[place] = value
    return result


@runs_on_every_target
@pytest.mark.parametrize("dtype", FORMATS)
@settings(max_examples=12)
@given(st.permutations(range(3)), st.tuples(SIZES, SIZES, st.integers(1, 4)), st.integers(1, 2))
def test_a_transposed_array_is_laid_into_a_window(target, dtype, axes, shape, stride):
    random = Random(sum(shape))
    source = drawn(random, shape[0] * shape[1] * shape[2], dtype)
    sizes = tuple(shape[axis] for axis in axes)
    steps = tuple(strides(shape)[axis] for axis in axes)
    outer = (sizes[0] + 1, sizes[1], stride * sizes[2] + 3)
    into = (strides(outer)[0], strides(outer)[1], stride)
    size = outer[0] * outer[1] * outer[2]
    part = Part(buffer(0, len(source), dtype), sizes, steps, 0, into, 2)
    kernel = Copy("unslice", [part], buffer(1, size, dtype))
    assert not kernel.is_covered
    memory = {0: source, 1: [1] * size}
    assert run(kernel, memory, target)[1] == meaning(kernel, memory)


@runs_on_every_target
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("widths", [(1, 1), (3, 16), (17, 40), (8, 1)])
def test_arrays_and_numbers_stand_beside_each_other(target, dtype, widths):
    rows, total = 5, sum(widths) + 2
    random = Random(total)
    parts, memory, begin = [], {}, 0
    for number, width in enumerate(widths):
        memory[number] = drawn(random, rows * width, dtype)
        source = buffer(number, rows * width, dtype)
        parts.append(Part(source, (rows, width), (width, 1), 0, (total, 1), begin))
        begin += width
    parts.append(Part(None, (rows, 2), (0, 0), 0, (total, 1), begin, 1))
    kernel = Copy("concat", parts, buffer(9, rows * total, dtype))
    assert kernel.is_covered
    memory[9] = [0] * (rows * total)
    assert run(kernel, memory, target)[9] == meaning(kernel, memory)


@runs_on_every_target
@pytest.mark.parametrize("dtype", FORMATS)
def test_an_array_is_read_backwards_and_with_gaps(target, dtype):
    source = drawn(Random(1), 60, dtype)
    for size, step, offset in ((60, -1, 59), (20, 3, 1), (1, 5, 7)):
        part = Part(buffer(0, 60, dtype), (size,), (step,), offset, (1,), 0)
        kernel = Copy("copy", [part], buffer(1, size, dtype))
        memory = {0: source, 1: [0] * size}
        assert run(kernel, memory, target)[1] == meaning(kernel, memory)


@on_every_target
def test_the_interpreter_copies_the_same(target):
    part = Part(buffer(0, 6), (3, 2), (1, 3), 0, (3, 1), 1)
    kernel = Copy("unslice", [part], buffer(1, 9))
    memory = {0: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1: [7.0] * 9}
    assert run(kernel, memory, target, native=False)[1] == [0, 1, 4, 0, 2, 5, 0, 3, 6]


def batch(random, count, rows, columns, depth, is_shared=False, is_transposed=False):
    left = drawn(random, count * rows * depth, "float32")
    right = drawn(random, (1 if is_shared else count) * depth * columns, "float32")
    access = Access(1, depth) if is_transposed else Access(columns, 1)
    steps = tuple(0 if n == 1 else step for n, step in zip((depth, columns), access, strict=False))
    first = Access(depth if rows != 1 else 0, 1 if depth != 1 else 0)
    kernel = Batch(
        *(count, rows, columns, depth),
        Operand(buffer(0, len(left)), first),
        Operand(buffer(1, len(right)), Access(*steps)),
        *(rows * depth, 0 if is_shared else depth * columns),
        buffer(2, count * rows * columns),
    )
    expected = []
    for i in range(count):
        x = left[i * rows * depth :]
        y = right[0 if is_shared else i * depth * columns :]
        for r in range(rows):
            for c in range(columns):
                row = x[r * depth : (r + 1) * depth]
                terms = (row[k] * y[k * access.row + c * access.column] for k in range(depth))
                expected.append(sum(terms))
    return kernel, {0: left, 1: right, 2: [0.0] * len(expected)}, expected


@runs_on_every_target
@settings(max_examples=15)
@given(st.integers(1, 4), SIZES, SIZES, SIZES, st.booleans(), st.booleans(), st.integers(0, 9))
def test_batches_of_products(target, count, rows, columns, depth, is_shared, is_transposed, cut):
    sizes = count, rows, columns, depth
    kernel, memory, expected = batch(Random(sum(sizes)), *sizes, is_shared, is_transposed)
    assert plan_kernel(kernel, target).blocks == count
    assert run(kernel, memory, target, cuts=(cut,))[2] == expected


@on_every_target
def test_the_interpreter_multiplies_the_same(target):
    kernel, memory, expected = batch(Random(1), 2, 3, 5, 4)
    assert run(kernel, memory, target, native=False)[2] == expected
