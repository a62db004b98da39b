"""Reductions in parts: right for any number of rows, and the same bits on any number of threads."""

import math
from array import array
from types import SimpleNamespace

import pytest
from kernel_runs import Nodes, runs_on_every_target

import baregrad as bg
from baregrad.compiler import launch, schedule, threads
from baregrad.compiler.kernel import COLUMNS, Map, buffers_read, buffers_written
from baregrad.compiler.kernels import work
from baregrad.compiler.kernels.parts import CombinedPlan, PartsPlan
from baregrad.compiler.native import NativeExecution
from baregrad.compiler.step import stages
from baregrad.machine.memory import AlignedBuffer

# around the length of a row, and around one of 16 parts
SIZES = [2048, 2049, 3000, 4097, 16 * 1024, 16 * 1024 + 1, 40_000]


@pytest.fixture(autouse=True)
def always_in_parts(monkeypatch):
    monkeypatch.setattr(work, "_WORTH_CUTTING", 0.0)
    monkeypatch.setattr(schedule, "_WORTH_SPLITTING", 0.0)
    monkeypatch.setattr(schedule, "_LEAST_GAIN", -1000.0)
    monkeypatch.setattr(launch, "_WORTH_WAKING", 0.0)
    monkeypatch.setattr(threads, "_pool", None)


def run(function, target, *arguments):
    """The results on one thread and on three, and the kinds of plans."""
    program, fused, memory = stages(function, *arguments)
    native = NativeExecution(program, fused, memory, target)
    found = []
    for count in (1, 3, 1):
        bg.set_threads(count)
        found.append([*map(list, native.run_steps(1, [x.array.data for x in arguments]))])
    assert found[0] == found[1] == found[2]
    return found[0], [type(task.work.plan) for task in native._launch.schedule.tasks]


def numbers(*shape):
    return bg.Generator(5).randn(*shape)


@runs_on_every_target
@pytest.mark.parametrize("size", SIZES)
def test_a_sum_over_a_long_row(size, target):
    x = numbers(size)
    ((total,),), plans = run(lambda x: (x * x).sum(), target, x)
    assert plans == [PartsPlan, CombinedPlan]
    assert total == pytest.approx(math.fsum(v * v for v in x.tolist()), rel=1e-5)


@runs_on_every_target
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_stored_along_the_row_is_stored_by_all_parts(size, threads, target):
    nodes = Nodes(1, size)
    double = nodes.apply("add", *[nodes.load(numbers(size).tolist())] * 2)
    place = nodes.store(double)
    total = nodes.store(nodes.reduce("sum", double, COLUMNS))
    kernel = Map(1, size, nodes.nodes, nodes.stores)
    buffers = sorted(buffers_read(kernel) | buffers_written(kernel))
    memory = [AlignedBuffer(buffer.size + 1) for buffer in buffers]
    for numbers_of, held in zip(nodes.memory.values(), memory, strict=True):
        held.view[:] = array("f", [*numbers_of, 77.0])
    fused = SimpleNamespace(kernels=[kernel], buffers=buffers)
    plan = SimpleNamespace(offsets=[0] * len(buffers), copies=[])
    native = launch.Launch(fused, plan, {}, target)
    bg.set_threads(threads)
    native.run(array("q", [held.address for held in memory]), 1)
    expected = [2 * x for x in memory[0].view[:-1]]
    assert list(memory[place].view) == [*expected, 77.0]  # and nothing beyond
    assert memory[total].view[0] == pytest.approx(math.fsum(expected), rel=1e-5, abs=1e-3)


@runs_on_every_target
def test_what_follows_of_a_sum_follows_of_all_parts(target):
    x, y = numbers(5000), numbers(5000).abs()
    ((root,), (mean,)), plans = run(
        lambda x, y: (((x - y) ** 2).sum().sqrt(), (x * y).mean()), target, x, y
    )
    assert plans[:2] == [PartsPlan, CombinedPlan]
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    assert root == pytest.approx(math.sqrt(math.fsum((a - b) ** 2 for a, b in pairs)), rel=1e-5)
    assert mean == pytest.approx(math.fsum(a * b for a, b in pairs) / 5000, abs=1e-5)


@runs_on_every_target
def test_a_maximum_keeps_a_nan_of_any_part(target):
    values = numbers(5000).tolist()
    ((largest,),), plans = run(lambda x: (x * 1.5).max(), target, bg.Tensor(values))
    assert plans == [PartsPlan, CombinedPlan]
    assert largest == pytest.approx(1.5 * max(values))
    for place in (0, 2000, 4999):
        spoiled = bg.Tensor([*values[:place], math.nan, *values[place + 1 :]])
        program, fused, memory = stages(lambda x: (x * 1.5).max(), spoiled)
        native = NativeExecution(program, fused, memory, target)
        ((found,),) = native.run_steps(1, [spoiled.array.data])
        assert math.isnan(found)


@runs_on_every_target
@pytest.mark.parametrize("rows", [2, 15, 16, 17, 33, 250])
def test_sums_over_rows_that_are_reduced_themselves(rows, target):
    x = numbers(rows, 19)
    (columns, (total,)), plans = run(
        lambda x: (x.softmax().sum(0), x.log_softmax().sum()), target, x
    )
    assert PartsPlan in plans
    assert CombinedPlan in plans
    for found, expected in zip(columns, x.softmax().sum(0).tolist(), strict=True):
        assert found == pytest.approx(expected, rel=1e-5)
    assert total == pytest.approx(x.log_softmax().sum().item(), rel=1e-5)


@runs_on_every_target
def test_what_needs_the_sum_in_its_row_again_is_not_cut(target):
    x = numbers(3000)
    (found,), plans = run(lambda x: x.softmax(), target, x)
    assert PartsPlan not in plans
    assert found == pytest.approx(x.softmax().tolist(), rel=1e-5)


@runs_on_every_target
def test_a_row_that_is_too_short_is_not_cut(target):
    _, plans = run(lambda x: (x * x).sum(), target, numbers(1500))
    assert PartsPlan not in plans
