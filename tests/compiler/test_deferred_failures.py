"""Operations that wait: what becomes of them where something goes wrong, or others interfere."""

import math
import threading

import pytest
from test_deferred import leaf
from test_eager import ENGINES, REFERENCE, drawn, known_engines

import baregrad as bg
from baregrad.compiler import deferred, eager
from baregrad.compiler.eager import NativeEngine, native_engine
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.routine import Routine
from baregrad.compiler.vector.compile import TARGETS
from baregrad.engines import selection
from baregrad.engines.array import Array
from baregrad.engines.pending import is_open, known
from baregrad.machine.cpu import is_x86_64
from baregrad.machine.errors import MachineError

pytestmark = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")


@pytest.fixture(params=ENGINES)
def engine(request):
    with selection.using(native_engine(request.param)):
        yield request.param


def trained():
    model = bg.MLP(4, [16, 16, 1], activation="tanh", seed=3)
    loss = bg.losses.mse(model(drawn(32, 4)), drawn(32, 1, seed=7))
    loss.backward()
    return [loss.item(), *(value for p in model.parameters() for value in p.grad.array.data)]


def assert_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-5)


@pytest.mark.parametrize("most", [0, 1])
def test_without_machine_code_for_many_operations_each_is_computed_alone(monkeypatch, most):
    def only_small(program, target):
        if len(program.results) > most:
            raise UnsupportedKernelError("too many")
        return Routine(program, target)

    with selection.using(REFERENCE):
        expected = trained()
    monkeypatch.setattr(eager, "Routine", only_small)
    with selection.using(NativeEngine(TARGETS[1])):
        assert_close(trained(), expected)


def test_where_the_system_gives_no_threads_python_computes_with_a_warning(engine, monkeypatch):
    def refuse(self, inputs):
        raise MachineError("no threads")

    with selection.using(REFERENCE):
        expected = trained()
    monkeypatch.setattr(selection, "_warned", False)
    monkeypatch.setattr(Routine, "__call__", refuse)
    with pytest.warns(RuntimeWarning, match="no threads"):
        assert_close(trained(), expected)


def test_after_an_interrupt_everything_can_be_computed_still(engine, monkeypatch):
    x = leaf(20, 20)
    between = x * 2
    loss = (between * between).sum()
    run = Routine.__call__

    def interrupted(self, inputs):
        run(self, inputs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Routine, "__call__", interrupted)
        for look in (loss.item, loss.backward, between.tolist):
            with pytest.raises(KeyboardInterrupt):
                look()
    loss.backward()
    assert_close(x.grad.array.data, [8 * value for value in x.array.data])


def test_threads_look_at_the_same_results_at_the_same_time(engine):
    x, w = drawn(64, 100, low=-0.1, high=0.1), drawn(100, 50, seed=2)
    shared = (x @ w).tanh()
    results = [shared.sum(0), shared.max(1), shared * 2, (shared @ shared.T).sum()]
    with selection.using(REFERENCE):
        y = (x @ w).tanh()
        expected = [y.sum(0), y.max(1), y * 2, (y @ y.T).sum()]
    found = []

    def look():
        found.append([list(result.array.data) for result in results])

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    for values in found:
        for a, b in zip(values, expected, strict=True):
            assert_close(a, b.array.data)


def test_another_thread_computes_an_input_anew_meanwhile(monkeypatch):
    def meanwhile(*arguments):
        shared.held.found = Array(*known(shared.held))
        return deferred.program_of(*arguments)

    with selection.using(NativeEngine(TARGETS[1])):
        x = drawn(20, 20)
        shared = x * 2
        result = shared + 1
        shared.tolist()
        monkeypatch.setattr(eager, "program_of", meanwhile)
        assert_close(result.array.data, [2 * value + 1 for value in x.array.data])


def test_what_is_computed_twice_keeps_the_first_result(engine):
    x = drawn(20, 20) * 2
    found = known(x.held)
    x.held.settle(Array(*found))
    assert known(x.held) is found


def test_another_thread_shows_a_value_to_others_in_the_midst_of_a_backward_pass(
    engine, monkeypatch
):
    def meanwhile(self, *arguments):
        found = NativeEngine.together(native, *arguments)
        loss.__dlpack__()
        return found

    x = leaf(20, 20)
    loss = (x * 2).sum()
    native = selection.current()
    monkeypatch.setattr(native, "together", meanwhile.__get__(native))
    loss.backward()
    assert list(x.grad.array.data) == [2.0] * 400


def test_what_one_engine_left_another_reads():
    first, *others = known_engines()
    x = drawn(20, 20)
    with selection.using(first):
        y = x * 2
    for other in [*others, REFERENCE]:
        with selection.using(other):
            assert (y + 1).tolist() == [[2 * value + 1 for value in row] for row in x.tolist()]


def test_a_captured_step_reads_what_waits(engine):
    x = drawn(20, 20) * 2
    w = leaf(20, 20)
    w.assign(w.detach() + 1)
    assert is_open(w.held)
    bg.set_engine(engine)
    step = bg.compile(lambda: (x * w).sum())
    found = step().item()
    assert step.fallback is None
    assert math.isclose(
        found, sum(a * b for a, b in zip(x.array.data, w.array.data, strict=True)), rel_tol=1e-4
    )
