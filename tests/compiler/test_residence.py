"""Where tensors live: values are right whoever changes them, and nothing is copied without need."""

from contextlib import nullcontext
from threading import Thread

import pytest

import baregrad as bg
from baregrad.compiler import residence
from baregrad.compiler.residence import Home, home_of
from baregrad.compiler.step import CompiledStep
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.engines.array import Resident
from baregrad.errors import CaptureError
from baregrad.machine.cpu import processor_features

native = pytest.mark.skipif(
    not AVX2.features <= processor_features(), reason="this processor runs none of our code"
)


def values(home, address):
    """What is at an address in a home of float32."""
    import ctypes

    count = home.shape[0]
    return list((ctypes.c_float * count).from_address(address))


def test_a_tensor_has_one_home_as_long_as_somebody_uses_it():
    tensor = bg.ones(3)
    home = home_of(tensor)
    assert home_of(tensor) is home
    assert home_of(bg.ones(3)) is not home


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (bg.Tensor([1.0, 2.0]), [1.0, 2.0]),
        (bg.Tensor([2**40, -1]), [2**40, -1]),
        (bg.Tensor([True, False]), [True, False]),
        (bg.zeros(0, 3), []),
    ],
)
def test_what_is_brought_in_is_what_comes_out(tensor, expected):
    home = home_of(tensor)
    assert home.bring_in(tensor, is_written=True) % 64 == 0
    home.written(tensor)
    assert tensor.held is home
    assert tensor.tolist() == expected
    assert tensor.held is not home


def test_numbers_are_copied_in_only_where_they_were_changed():
    tensor = bg.Tensor([1.0, 2.0])
    home = home_of(tensor)
    address = home.bring_in(tensor, is_written=True)
    first = tensor.held
    assert home.bring_in(tensor, is_written=True) == address
    assert home._same is first
    tensor.assign([3.0, 4.0])
    assert home.bring_in(tensor, is_written=True) == address
    assert values(home, address) == [3.0, 4.0]


def test_large_data_that_nobody_writes_is_used_where_it_is(monkeypatch):
    monkeypatch.setattr(residence, "_SMALL", 8)
    tensor = bg.Tensor([1.0, 2.0])
    home = home_of(tensor)
    assert home.bring_in(tensor, is_written=False) == tensor.array.data.buffer_info()[0]
    own = home.bring_in(tensor, is_written=True)
    assert own != tensor.array.data.buffer_info()[0]
    assert values(home, own) == [1.0, 2.0]
    home.written(tensor)
    assert home.bring_in(tensor, is_written=False) == own  # the newest numbers are there


def test_whoever_is_late_finds_what_another_brought_out():
    tensor = bg.Tensor([1.0])
    home = Home((1,), "float32")
    home.bring_in(tensor, is_written=True)
    home.written(tensor)
    found = tensor.array
    assert home.bring_out(tensor) is found


@native
def test_programs_share_the_memory_of_a_tensor():
    weight = bg.ones(4)

    def double():
        weight.assign(weight * 2)

    one, other, read = CompiledStep(double), CompiledStep(double), CompiledStep(lambda: weight + 0)
    read()
    for step in (one, other, one, one):
        step()
    assert isinstance(weight.held, Resident)
    assert read().tolist() == [16.0] * 4
    assert isinstance(weight.held, Resident)  # nobody has looked
    weight.assign(bg.zeros(4))
    assert read().tolist() == [0.0] * 4
    weight.assign(bg.ones(4))
    other()
    assert weight.tolist() == [2.0] * 4


@native
def test_a_tensor_that_is_only_written_has_its_new_value():
    last = bg.zeros(2)

    def keep(x):
        last.assign(x * 3)

    step = CompiledStep(keep)
    step(bg.Tensor([1.0, 2.0]))
    assert last.tolist() == [3.0, 6.0]
    step.many(2, bg.Tensor([[1.0, 1.0], [5.0, 6.0]]))
    assert last.tolist() == [15.0, 18.0]


@native
def test_a_graph_that_used_a_value_notices_that_a_compiled_step_changed_it():
    weight = bg.Tensor([2.0], requires_grad=True)
    loss = (weight * weight).sum()
    CompiledStep(lambda: weight.assign(weight * 2))()
    with pytest.raises(bg.GradientError, match="assigned"):
        loss.backward()


@native
def test_rewinding_takes_back_counts_and_random_places():
    weight = bg.Tensor([1.0], requires_grad=True)
    optimizer, generator = bg.Adam([weight]), bg.Generator(0)

    def step(x):
        optimizer.zero_grad()
        (weight * x * generator.rand(3).sum()).sum().backward()
        optimizer.step()

    compiled, example = CompiledStep(step), bg.ones(1)
    assert compiled.prepare(example) is None
    assert optimizer.state == {}
    assert set(compiled.writes(example)) >= {weight}
    compiled.many(4, bg.ones(4, 1))
    assert (optimizer.state[weight]["step"], generator.index) == (4, 12)
    compiled.rewind(3, example)
    assert (optimizer.state[weight]["step"], generator.index) == (1, 3)
    compiled.rewind(1, example)
    assert (optimizer.state, generator.index) == ({}, 0)
    compiled(example)
    assert (optimizer.state[weight]["step"], generator.index) == (1, 3)


@native
def test_a_refused_step_draws_nothing():
    weight = bg.Tensor([1.0], requires_grad=True)
    optimizer, generator = bg.SGD([weight], lr=0.1), bg.Generator(0)

    @bg.compile
    def step():
        optimizer.zero_grad()
        (weight * generator.rand(3).sum()).sum().backward()
        optimizer.step()

    step()
    optimizer.groups[0]["momentum"] = 0.5
    with pytest.raises(CaptureError, match="momentum was changed"):
        step()
    assert generator.index == 3


@native
def test_a_plan_gives_each_step_its_learning_rate():
    weight = bg.Tensor([0.0], requires_grad=True)
    optimizer = bg.SGD([weight], lr=1.0)

    def step(x):
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()

    compiled = CompiledStep(step)
    optimizer.plan = [[1.0, 10.0, 100.0]]
    compiled.many(3, bg.ones(3, 1))
    optimizer.plan = None
    compiled(bg.ones(1))
    assert weight.item() == -112.0


@native
def test_class_numbers_of_the_world_are_checked_once_and_again_when_they_change():
    labels = bg.Tensor([0, 2, 1, 1])

    def loss(x, rows):
        return bg.losses.cross_entropy(x, labels.take(rows))

    step = CompiledStep(loss)
    x, rows = bg.zeros(2, 3), bg.Tensor([0, 1])
    step(x, rows)
    (version,) = step._versions.values()
    checked = []

    def noting(place, check):
        return place, lambda data: (checked.append(place), check(data))

    program = version.program
    of_labels = sum(place is labels for place, _ in program.checks)
    version.program = program._replace(checks=[noting(*check) for check in program.checks])
    version._checked.clear()
    for _ in range(3):
        step(x, rows)
    assert sum(place is labels for place in checked) == of_labels > 0
    labels.assign([0, 2, 1, 3])
    with pytest.raises(bg.OutOfRangeError, match="a target class must be from 0 to 2"):
        step(x, rows)


def test_without_machine_code_many_steps_are_steps_one_by_one(monkeypatch):
    from baregrad.machine.errors import UnsupportedMachineError

    def refuse():
        raise UnsupportedMachineError("not this processor")

    monkeypatch.setattr("baregrad.compiler.step.chosen_target", refuse)
    seen = []
    single, pair, nothing = (
        CompiledStep(lambda x: x * 2),
        CompiledStep(lambda x: [x.sum(), x]),
        CompiledStep(lambda x: seen.append(x.tolist())),
    )
    x = bg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert single.many(2, x).tolist() == [[2.0, 4.0], [6.0, 8.0]]
    assert [r.tolist() for r in pair.many(2, x)] == [[3.0, 7.0], x.tolist()]
    assert nothing.many(2, x) is None
    assert seen == x.tolist()
    assert single.writes(x[0]) == []
    assert single.prepare(x[0]) == "not this processor"
    single.rewind(1, x[0])


@native
@pytest.mark.parametrize("is_interrupted", [True, False])
def test_values_are_right_after_ctrl_c_and_for_a_signal_handler_in_a_step(is_interrupted):
    weight, seen = bg.ones(2), []

    def double():
        weight.assign(weight * 2)

    step = CompiledStep(double)
    step()
    (version,) = step._versions.values()
    launch = version._native._launch
    run = launch.run

    def disturbed(table, steps):
        seen.append(weight.tolist())
        run(table, steps)
        if is_interrupted:
            raise KeyboardInterrupt

    launch.run = disturbed
    with pytest.raises(KeyboardInterrupt) if is_interrupted else nullcontext():
        step()
    launch.run = run
    assert seen == [[2.0, 2.0]]
    reader = Thread(target=lambda: seen.append(weight.tolist()))  # no lock is left behind
    reader.start()
    reader.join(timeout=60)
    assert seen[1:] == [[4.0, 4.0]]
    step()
    assert weight.tolist() == [8.0, 8.0]


def of_graph():
    """A gradient between leaf and loss, which is computed when somebody looks at it."""
    leaf = bg.Tensor(bg.Generator(1).randn(20, 20), requires_grad=True)
    middle = leaf * 3.0
    (middle * middle).sum().backward()
    return middle.grad


def assigned():
    tensor = bg.ones(20, 20)
    tensor.assign(bg.Generator(1).randn(20, 20).T)
    return tensor


@native
@pytest.mark.parametrize(
    "make",
    [
        lambda: bg.Generator(1).randn(20, 20).T.detach(),
        lambda: bg.Generator(1).randn(20, 20) > 0,
        assigned,
        of_graph,
    ],
    ids=["transposed", "bools", "assigned", "gradient"],
)
def test_arrays_that_are_not_in_their_usual_form_yet_are_brought_in(make):
    world = make()
    x = bg.ones(20, 20)
    step = bg.compile(lambda x: world.astype("float32") * x)
    found = step(x)
    assert step.fallback is None
    assert found.tolist() == world.astype("float32").tolist()
