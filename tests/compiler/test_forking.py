"""Forks while other threads use what the child will use."""

import os
import threading
from _thread import RLock

import pytest

import baregrad as bg
from baregrad.compiler import forking, residence
from baregrad.compiler.residence import home_of
from baregrad.compiler.step import CompiledStep

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


class Used:
    def __init__(self):
        self.lock = RLock()
        self.begun_anew = 0

    def begin_anew(self):
        self.begun_anew += 1


@pytest.fixture
def used(monkeypatch):
    monkeypatch.setattr(forking, "_all", type(forking._all)())
    used = Used()
    forking.let_forks_wait_for(used)
    return used


@pytest.fixture
def held_elsewhere():
    """Another thread that holds a lock until it is told to let go, or the test is over."""
    over, threads = threading.Event(), []

    def hold(lock):
        def work():
            with lock:
                has_it.set()
                over.wait(60)

        has_it = threading.Event()
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        assert has_it.wait(60)
        return over

    yield hold
    over.set()
    for thread in threads:
        thread.join()


def is_free(lock):
    """Whether another thread could have it."""
    found = []
    thread = threading.Thread(target=lambda: found.append(lock.acquire(blocking=False)))
    thread.start()
    thread.join()
    return found[0]


def exit_code_of_child(work):
    """The exit code of a forked child that does this."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(work())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_waits_until_nobody_uses_it(used, held_elsewhere):
    over = held_elsewhere(used.lock)
    timer = threading.Timer(0.05, over.set)
    timer.start()
    assert exit_code_of_child(lambda: 10 + over.is_set() + is_free(used.lock)) == 12
    timer.join()
    assert is_free(used.lock)
    assert used.begun_anew == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_that_has_waited_too_long_leaves_the_child_something_new(
    used, held_elsewhere, monkeypatch
):
    monkeypatch.setattr(forking, "PATIENCE", 0.02)
    held_elsewhere(used.lock)
    assert exit_code_of_child(lambda: 10 + is_free(used.lock) + used.begun_anew) == 12
    assert not is_free(used.lock)
    assert used.begun_anew == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_can_look_at_a_tensor_that_another_thread_looked_at(held_elsewhere):
    tensor = bg.Tensor([1.0, 2.0])
    home = home_of(tensor)
    home.bring_in(tensor, is_written=True)
    home.written(tensor)
    held_elsewhere(home.lock)
    held_elsewhere(residence._lock)

    def work():
        fresh = home_of(bg.ones(1))
        return 10 + (tensor.tolist() == [1.0, 2.0]) + (fresh.number > home.number)

    assert exit_code_of_child(work) == 12


def test_in_the_child_a_locked_thing_of_this_thread_stays(used):
    with used.lock:
        before = used.lock
        forking._before()
        forking._after_in_child()
        assert used.lock is before
    assert is_free(before)


def test_in_the_child_what_another_thread_holds_gets_another_lock(
    used, held_elsewhere, monkeypatch
):
    monkeypatch.setattr(forking, "PATIENCE", 0.01)
    held_elsewhere(used.lock)
    forking._before()
    forking._after_in_child()
    assert is_free(used.lock)
    assert used.begun_anew == 1


def test_a_step_that_begins_anew_is_compiled_again():
    step = CompiledStep(lambda x: x * 2)
    assert step(bg.ones(2)).tolist() == [2.0, 2.0]
    step.begin_anew()
    assert step(bg.ones(2)).tolist() == [2.0, 2.0]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_goes_on_with_the_weights_between_two_steps_of_another_thread():
    weights = [bg.zeros(300), bg.zeros(300)]
    over = threading.Event()

    @bg.compile
    def step(x):
        for weight in weights:
            weight.assign(weight + x)

    def work():
        while not over.is_set():
            step(bg.ones(300))

    def check():
        values = {value for weight in weights for value in weight.tolist()}
        step(bg.ones(300))
        after = {value for weight in weights for value in weight.tolist()}
        return 10 + len(values) + (after == {value + 1 for value in values})

    step(bg.ones(300))
    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert [exit_code_of_child(check) for _ in range(5)] == [12] * 5
    finally:
        over.set()
        thread.join()
