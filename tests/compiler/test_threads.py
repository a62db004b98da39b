"""Compiled steps on several threads: the same bits for any number of them, and no harm done."""

import os
import threading
from array import array

import pytest

import baregrad as bg
from baregrad.compiler import launch, schedule, threads
from baregrad.compiler.pace import Pace
from baregrad.compiler.step import CompiledStep, stages
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.compiler.vector.compile import host_target
from baregrad.errors import ArgumentError
from baregrad.machine.cpu import available_cores, processor_features

COUNTS = (2, 3, 4, 2)  # threads of one step after the other


def runs(target):
    return pytest.mark.skipif(
        not target.features <= processor_features(), reason=f"this processor has no {target.name}"
    )


TARGETS = [
    pytest.param(AVX512, id="avx512", marks=runs(AVX512)),
    pytest.param(AVX2, id="avx2", marks=runs(AVX2)),
]
native = runs(AVX2)


@pytest.fixture(autouse=True)
def setting():
    """The number of threads is as before after each test."""
    before = threads._pool
    yield
    threads._pool = before


@pytest.fixture(autouse=True)
def always_shared(monkeypatch):
    """What is worth sharing is shared at every call, however long that takes."""
    monkeypatch.setattr(Pace, "is_to_be_shared", lambda pace: True)


@pytest.fixture
def always_split(monkeypatch):
    """Even kernels that take no time are shared out, and even short calls wake threads."""
    monkeypatch.setattr(schedule, "_WORTH_SPLITTING", 0.0)
    monkeypatch.setattr(schedule, "_LEAST_GAIN", -1000.0)
    monkeypatch.setattr(launch, "_WORTH_WAKING", 0.0)


def training(inputs, neurons, loss, optimizer, **options):
    """A model, what is updated with it, and a step that trains it."""
    model = bg.MLP(inputs, neurons, seed=3, **options)
    update = optimizer(model.parameters())

    def step(x, y):
        update.zero_grad()
        value = loss(model(x), y)
        value.backward()
        update.step()
        return value

    return model, step


def batch(samples, inputs, outputs, loss):
    generator = bg.Generator(7)
    x = generator.randn(samples, inputs)
    if loss is bg.losses.cross_entropy:
        return x, generator.randint(0, outputs, (samples,))
    y = generator.randn(samples, outputs)
    return x, (y > 0).astype("float32").detach() if loss is bg.losses.binary_cross_entropy else y


def bits(model):
    return [bytes(p.array.data) for p in model.parameters()]


def trained(counts, target, build, x, y):
    """The bits of all losses and parameters, after steps on so many threads one after the other."""
    model, step = build()
    compiled = CompiledStep(step, target)
    losses = array("f")
    for count in counts:
        bg.set_threads(count)
        losses.append(compiled(x, y).item())
    assert compiled.fallback is None
    return losses.tobytes(), bits(model)


NETWORKS = {
    "tanh, sgd, mse": (2, [16, 16, 1], 32, {}, bg.losses.mse, lambda p: bg.SGD(p, lr=0.05)),
    "momentum, mae": (3, [33, 17, 2], 65, {}, bg.losses.mae, lambda p: bg.SGD(p, momentum=0.9)),
    "relu, adam, classes": (15, [47, 31, 5], 63, {"activation": "relu"}, bg.losses.cross_entropy,
                            bg.Adam),
    "gelu, adamw, classes": (9, [49, 10], 129, {"activation": "gelu"}, bg.losses.cross_entropy,
                             bg.AdamW),
    "layer norm, rmsprop, huber": (4, [18, 3], 40, {"norm": "layer"}, bg.losses.huber, bg.RMSprop),
    "batch norm, adagrad": (4, [18, 3], 40, {"norm": "batch"}, bg.losses.mse, bg.Adagrad),
    "dropout, two classes": (6, [70, 1], 97, {"dropout": 0.3}, bg.losses.binary_cross_entropy,
                             bg.Adam),
}  # fmt: skip


@pytest.mark.usefixtures("always_split")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_seed_gives_the_same_bits_on_any_number_of_threads(name, target):
    inputs, neurons, samples, options, loss, optimizer = NETWORKS[name]
    x, y = batch(samples, inputs, neurons[-1], loss)

    def build():
        return training(inputs, neurons, loss, optimizer, **options)

    on_one = trained([1] * len(COUNTS), target, build, x, y)
    assert trained(COUNTS, target, build, x, y) == on_one


@pytest.mark.parametrize("target", TARGETS)
def test_tens_of_steps_of_a_step_that_is_worth_sharing_are_the_same_bits(target):
    x, y = batch(128, 30, 2, bg.losses.cross_entropy)

    def build():
        return training(30, [96, 80, 2], bg.losses.cross_entropy, bg.Adam, activation="relu")

    on_one = trained([1] * 30, target, build, x, y)
    assert trained([2] * 10 + [3] * 10 + [4] * 10, target, build, x, y) == on_one


@native
def test_a_small_step_is_one_threads_and_a_large_one_is_shared():
    def parallel(inputs, neurons, samples):
        _, step = training(inputs, neurons, bg.losses.mse, bg.SGD)
        x, y = batch(samples, inputs, neurons[-1], bg.losses.mse)
        program, fused, memory = stages(step, x, y)
        streams = [*(fused.inputs[value] for value in program.arguments), *fused.results]
        made = launch.Launch(fused, memory, {b.number: 4 for b in streams}, host_target())
        return made.schedule.is_parallel

    assert not parallel(1, [16, 16, 1], 1)
    assert not parallel(2, [16, 16, 1], 32)
    assert parallel(30, [128, 128, 2], 128)


@native
@pytest.mark.usefixtures("always_split")
def test_tensors_that_exchange_their_values_do_so_on_any_number_of_threads():
    one, two = bg.arange(9000.0), bg.zeros(9000)
    values = one.tolist()

    def exchange():
        before = one * 1
        one.assign(two)
        two.assign(before)

    compiled = CompiledStep(exchange)
    for count in (1, 2, 3):
        bg.set_threads(count)
        compiled()
    assert compiled.fallback is None
    assert (one.tolist(), two.tolist()) == ([0.0] * 9000, values)


@native
@pytest.mark.usefixtures("always_split")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_goes_on_with_the_same_bits():
    bg.set_threads(2)
    x, y = batch(33, 2, 1, bg.losses.mse)
    model, step = training(2, [33, 1], bg.losses.mse, bg.Adam)
    compiled = CompiledStep(step)
    compiled(x, y)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            compiled(x, y)
            os.write(write, b"".join(bits(model)))
        finally:
            os._exit(0)
    os.close(write)
    compiled(x, y)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with os.fdopen(read, "rb") as answer:
        assert answer.read() == b"".join(bits(model))


@native
@pytest.mark.usefixtures("always_split")
def test_python_threads_may_run_steps_at_the_same_time():
    x, y = batch(33, 2, 1, bg.losses.mse)

    def build():
        return training(2, [33, 1], bg.losses.mse, bg.Adam)

    expected = trained([1] * 20, None, build, x, y)
    bg.set_threads(3)
    found = []

    def work():
        model, step = build()
        compiled = CompiledStep(step)
        losses = array("f", [compiled(x, y).item() for _ in range(20)])
        found.append((losses.tobytes(), bits(model)))

    callers = [threading.Thread(target=work) for _ in range(3)]
    for caller in callers:
        caller.start()
    for count in (2, 1, 4, 2):  # and others change their mind meanwhile
        bg.set_threads(count)
    for caller in callers:
        caller.join()
    assert found == [expected] * 3


@native
@pytest.mark.usefixtures("always_split")
@pytest.mark.parametrize("given", [1, 2])
def test_where_the_system_refuses_threads_a_step_runs_on_those_there_are(monkeypatch, given):
    bg.set_threads(3)
    compiled = CompiledStep(lambda x: x.exp())
    x = bg.zeros(20_000)
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == f"baregrad-{given}":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.warns(RuntimeWarning, match=f"only {given} of 3 threads"):
        assert compiled(x).tolist() == [1.0] * 20_000
    assert compiled(x).tolist() == [1.0] * 20_000
    assert bg.threads() == given


# --- the setting ------------------------------------------------------------------------------


def test_threads_says_what_was_set():
    bg.set_threads(3)
    assert bg.threads() == 3


def test_none_takes_a_choice_back(monkeypatch):
    monkeypatch.setenv("BAREGRAD_THREADS", "7")
    bg.set_threads(3)
    bg.set_threads(None)
    assert bg.threads() == 7


def test_without_a_setting_there_are_as_many_threads_as_cores(monkeypatch):
    monkeypatch.setattr(threads, "_pool", None)
    monkeypatch.delenv("BAREGRAD_THREADS", raising=False)
    assert bg.threads() == available_cores()


def test_the_environment_sets_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(threads, "_pool", None)
    monkeypatch.setenv("BAREGRAD_THREADS", " 5 ")
    assert bg.threads() == 5


@pytest.mark.parametrize("given", ["two", "0", "-1", "257", "1.5"])
def test_an_environment_variable_that_makes_no_sense_is_refused(given, monkeypatch):
    monkeypatch.setattr(threads, "_pool", None)
    monkeypatch.setenv("BAREGRAD_THREADS", given)
    with pytest.raises(ArgumentError, match=f"BAREGRAD_THREADS must be .*{given}"):
        bg.threads()


@pytest.mark.parametrize("given", [0, -3, 257, 1.0, "2", True])
def test_a_number_of_threads_that_makes_no_sense_is_refused(given):
    bg.set_threads(2)
    with pytest.raises(ArgumentError, match=r"the number of threads must be .*not"):
        bg.set_threads(given)
    assert bg.threads() == 2
