"""The memory plan: buffers that are alive together never overlap, and tensors change in place."""

import pytest
from fused_programs import expressions, fused_step, mlp_program
from hypothesis import given, settings

import baregrad as bg
from baregrad.compiler.capture import capture
from baregrad.compiler.fusion import Fused, fuse
from baregrad.compiler.kernel import Buffer, Copy, Part, buffers_read, buffers_written
from baregrad.compiler.memory import plan_memory
from baregrad.compiler.simplify import simplify

BYTES = {"float32": 4, "float64": 8, "int64": 8, "bool": 4}


def alive(fused):
    """Before, during and after each kernel, the buffers whose contents matter, found backwards."""
    inputs = set(fused.inputs.values())
    replaced = {old for old, _ in fused.updates}
    needed = {*fused.results, *fused.writes.values(), *(inputs - replaced)}
    moments = [set(needed)]
    for kernel in reversed(fused.kernels):
        during = needed | buffers_written(kernel) | buffers_read(kernel)
        needed = (needed - buffers_written(kernel)) | buffers_read(kernel) | (inputs - replaced)
        moments += [during, set(needed)]
    return moments


def assert_sound(fused, memory):
    """An independent check: no two live buffers overlap, but for the two ends of an update."""
    together = {frozenset(pair) for pair in memory.in_place}
    for moment in alive(fused):
        live = sorted(moment, key=lambda buffer: memory.offsets[buffer.number])
        for i, one in enumerate(live):
            start = memory.offsets[one.number]
            end = start + one.size * BYTES[one.dtype]
            assert start % 64 == 0
            assert end <= memory.size
            for other in live[i + 1 :]:
                if memory.offsets[other.number] >= end:
                    break
                assert not other.size or frozenset((one, other)) in together
    for old, new in memory.in_place:
        assert memory.offsets[old.number] == memory.offsets[new.number]


@settings(deadline=None, max_examples=80, derandomize=True)
@given(expressions())
def test_buffers_that_are_alive_together_do_not_overlap(expression):
    step, arguments = expression
    fused = fuse(simplify(capture(step, *arguments)))
    assert_sound(fused, plan_memory(fused))


def test_the_overlap_check_notices_an_overlap():
    fused = fused_step(lambda x: (x.softmax(), x.tanh()), bg.ones(2, 3))
    memory = plan_memory(fused)
    with pytest.raises(AssertionError):
        assert_sound(fused, memory._replace(offsets=[0] * len(memory.offsets)))


def test_all_parameters_and_their_state_are_updated_in_place():
    program, _ = mlp_program()
    fused = fuse(program)
    memory = plan_memory(fused)
    assert_sound(fused, memory)
    assert len(memory.in_place) == len(program.writes) == 18
    assert memory.copies == []


def test_activations_of_a_deep_network_share_memory_without_a_backward_pass():
    weight = bg.ones(16, 16)

    def step(x):
        for _ in range(20):
            x = (x @ weight).relu()
        return x

    memory = plan_memory(fused_step(step, bg.ones(16, 16)))
    matrix = 16 * 16 * 4
    assert memory.size == 4 * matrix  # the input, the weight, and two in turn


def test_a_new_value_is_copied_if_the_old_one_is_needed_together_with_it():
    tensor = bg.ones(3, 3)

    def step(x):
        old = tensor * 1
        tensor.assign(tensor @ x)
        return tensor.softmax() * old

    fused = fused_step(step, bg.ones(3, 3))
    memory = plan_memory(fused)
    assert_sound(fused, memory)
    assert (len(memory.in_place), len(memory.copies)) == (0, 1)


def updated(change, shape=(3, 3)):
    tensor = bg.ones(*shape)
    fused = fused_step(lambda x: tensor.assign(change(tensor, x)), bg.ones(*shape))
    memory = plan_memory(fused)
    assert_sound(fused, memory)
    return len(memory.in_place), len(memory.copies)


@pytest.mark.parametrize(
    "change",
    [
        lambda old, x: old + x,
        lambda old, x: old - 0.1 * (x @ x),
        lambda old, x: x.T @ x + old,
        lambda old, x: old * (x @ old.T).sum(),
        lambda old, x: old + old.max(1),  # as columns: a kernel of its own, which comes before
        lambda old, x: old + old.max(1, keepdims=True),
    ],
)
def test_a_kernel_may_overwrite_what_it_reads_at_the_same_places(change):
    assert updated(change) == (1, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda old, x: old.T + x,
        lambda old, x: old @ x,
        lambda old, x: x @ old,
        lambda old, x: old + old.T,
        lambda old, x: old[::-1] + x,
        lambda old, x: bg.concat([old[1:], x[:1]]),
        lambda old, x: x * old[0],
    ],
)
def test_a_kernel_must_not_overwrite_what_it_reads_at_other_places(change):
    assert updated(change) == (0, 1)


def test_one_value_assigned_to_two_tensors_is_copied_to_the_second():
    a, b = bg.ones(2), bg.zeros(2)

    def step(x):
        total = a + b + x
        a.assign(total)
        b.assign(total)

    fused = fused_step(step, bg.ones(2))
    memory = plan_memory(fused)
    assert_sound(fused, memory)
    (new,) = set(fused.writes.values())
    assert [pair[1] for pair in memory.in_place] == [new]
    assert [pair[0] for pair in memory.copies] == [new]


# --- best fit ---------------------------------------------------------------------------------


def chain(sizes, reads):
    """Kernel i writes buffer i, of so many lines of 64 bytes, and reads those of `reads[i]`."""
    buffers = [Buffer(i, "float32", 16 * size, "") for i, size in enumerate(sizes)]
    kernels = [
        Copy("copy", [Part(buffers[j], (), (), 0, (), 0) for j in read], buffer)
        for buffer, read in zip(buffers, reads, strict=True)
    ]
    return plan_memory(Fused(buffers, kernels, {}, {}, [], []))


def test_the_smallest_gap_that_is_large_enough_is_used():
    # 0 and 2 are free when 5 is written; 1 and 3 keep them apart
    memory = chain([5, 1, 3, 1, 1, 2], [[], [], [], [], [0, 2], [1, 3]])
    assert memory.offsets[:5] == [0, 5 * 64, 6 * 64, 9 * 64, 10 * 64]
    assert memory.offsets[5] == 6 * 64


def test_gaps_that_touch_become_one():
    # 0 becomes free, then 2, and then 1 between them
    memory = chain([2, 2, 2, 3, 3, 3, 6], [[], [], [], [0], [2], [1], [3, 4, 5]])
    assert memory.offsets[6] == 0
    assert memory.size == 15 * 64


def test_the_arena_grows_from_a_gap_at_its_end():
    memory = chain([1, 2, 4], [[], [], [0]])  # nothing reads 1
    assert memory.offsets == [0, 64, 64]
    assert memory.size == 5 * 64
