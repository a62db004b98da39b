"""Mini-batches and embeddings: rows chosen by numbers that are known only when a step runs."""

from array import array

import pytest
from test_native import TARGETS

import baregrad as bg
from baregrad.compiler.native import NativeExecution
from baregrad.compiler.step import CompiledStep, stages
from baregrad.errors import OutOfRangeError

ROWS = 37
CHOSEN = [0, 36, -1, -37, 5, 5, 5, 17, 36, 2, 30, 8, 16, 15, 31, 32, 33, -2, 1]


def assert_runs_natively(compiled, *arguments):
    """It gives just what the step gives as Python, from machine code."""
    found, expected = compiled(*arguments), compiled.function(*arguments)
    assert compiled.fallback is None
    for x, y in zip(found, expected, strict=True):
        assert (x.shape, x.dtype, x.tolist()) == (y.shape, y.dtype, y.tolist())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("width", [1, 5, 16, 33])
def test_a_batch_is_gathered_from_data_of_every_type(target, width):
    generator = bg.Generator(1)
    x = generator.randn(ROWS, width)
    labels, kept = generator.randint(-(2**40), 2**40, (ROWS, width)), (x > 0).detach()

    def step(batch):
        return x.take(batch), labels[batch], kept.take(batch)

    assert_runs_natively(CompiledStep(step, target), bg.Tensor(CHOSEN))


@pytest.mark.parametrize("target", TARGETS)
def test_a_gathered_batch_goes_through_a_layer(target):
    x, weight = bg.Generator(1).randn(ROWS, 7), bg.Generator(2).randn(7, 3)
    compiled = CompiledStep(lambda batch: x.take(batch) @ weight, target)
    found, expected = compiled(bg.Tensor(CHOSEN)), x.take(bg.Tensor(CHOSEN)) @ weight
    assert compiled.fallback is None
    assert found.flatten().tolist() == pytest.approx(expected.flatten().tolist(), rel=1e-5)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", [(19,), (19, 1), (1, 19)])
def test_gradients_of_an_embedding_are_added_up(target, shape):
    table = bg.Generator(3).randn(ROWS, 5)
    table.requires_grad = True

    def step(words, weight):
        return bg.grad((table.take(words) * weight).sum(), [table])

    # powers of two, so that the order of a sum is of no account
    weight = (2.0 ** bg.Generator(4).randint(0, 5, (*shape, 5)).astype("float32")).detach()
    words = bg.Tensor(CHOSEN).reshape(shape).detach()
    assert_runs_natively(CompiledStep(step, target), words, weight)


@pytest.mark.parametrize("wrong", [37, -38, 2**40, -(2**40)])
@pytest.mark.parametrize("target", TARGETS)
def test_an_index_out_of_range_is_an_error_before_the_run(target, wrong):
    compiled = CompiledStep(lambda batch: bg.ones(ROWS, 3).take(batch), target)
    compiled(bg.Tensor(CHOSEN))
    with pytest.raises(OutOfRangeError, match=f"index {wrong} is out of range .* size 37"):
        compiled(bg.Tensor([*CHOSEN[:-1], wrong]))


@pytest.mark.parametrize("target", TARGETS)
def test_the_indices_of_many_steps_are_a_stream_and_are_checked_together(target):
    x = bg.arange(6, dtype="float32").reshape(3, 2).detach()
    program, fused, memory = stages(lambda batch: x.take(batch), bg.Tensor([0, 1]))
    native = NativeExecution(program, fused, memory, target)
    stream = array("q", [0, 1, 2, 2, -1, 0])
    ((place, check),) = program.checks
    assert place == 0
    check(stream)
    assert list(native.run_steps(3, [stream])[0]) == [0, 1, 2, 3, 4, 5, 4, 5, 4, 5, 0, 1]
    with pytest.raises(OutOfRangeError, match="index 3 is out of range"):
        check(array("q", [0, 1, 2, 3, 0, 0]))


@pytest.mark.parametrize("target", TARGETS)
def test_an_unchecked_index_never_leaves_the_array(target):
    x = bg.arange(6, dtype="float32").reshape(3, 2).detach()
    program, fused, memory = stages(lambda batch: x.take(batch), bg.Tensor([0, 1]))
    native = NativeExecution(program, fused, memory, target)
    found = native.run_steps(1, [array("q", [2**62, -(2**62)])])[0]
    assert set(found) <= set(x.flatten().tolist())
