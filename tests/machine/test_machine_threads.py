"""Threads that run one generated function together: they meet, wait, survive forks, and end."""

import ctypes
import gc
import os
import subprocess
import sys
import threading
import time

import pytest
from processor_marks import needs_avx

from baregrad.errors import ArgumentError
from baregrad.machine.assembler import Assembler
from baregrad.machine.barrier import HAS_FUTEX, emit_barrier
from baregrad.machine.convention import enter, leave
from baregrad.machine.errors import ClosedError
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import AlignedBuffer
from baregrad.machine.registers import (
    Memory,
    r12,
    r13,
    r13d,
    r14,
    r15,
    rax,
    rbx,
    rcx,
    rdi,
    rdx,
    rsi,
)
from baregrad.machine.threads import WorkerPool, _Team

pytestmark = needs_avx
FUTEX = [pytest.param(False, id="python")]
if HAS_FUTEX:
    FUTEX.append(pytest.param(True, id="futex"))
PHASES = 50


def phases_function() -> NativeFunction:
    """Each thread counts in cells[0]; after every barrier it must see all counts of the phase.

    cells[1 + index] counts the phases in which it saw too few.
    """
    asm = Assembler()
    loop, enough = asm.label("loop"), asm.label("enough")
    enter(asm)
    asm.mov(rbx, rdi)
    asm.mov(r12, rcx)
    asm.mov(r13, rdx)
    asm.lea(r14, Memory(rbx, rsi, 8, 8))
    asm.xor(r15, r15)
    asm.bind(loop)
    asm.inc(r15)
    asm.lock_inc(Memory(rbx, size=64))
    emit_barrier(asm, r12, r13d)
    asm.mov(rax, r15)
    asm.imul(rax, r13)
    asm.cmp(Memory(rbx), rax)
    asm.je(enough)
    asm.inc(Memory(r14, size=64))
    asm.bind(enough)
    emit_barrier(asm, r12, r13d)
    asm.cmp(r15, PHASES)
    asm.jne(loop)
    leave(asm)
    return NativeFunction(asm.finish(), (ctypes.c_void_p,) * 4)


@pytest.fixture(scope="module")
def phases():
    return phases_function()


def check(pool, phases) -> None:
    cells = AlignedBuffer(1 + pool.threads, "q")
    pool.run(phases, cells.address)
    assert list(cells.view) == [PHASES * pool.threads] + [0] * pool.threads


@pytest.mark.parametrize("futex", FUTEX)
@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_no_thread_passes_a_barrier_before_all_have_come(threads, futex, phases):
    with WorkerPool(threads, futex=futex) as pool:
        for _ in range(10):
            check(pool, phases)


@pytest.mark.parametrize("futex", FUTEX)
def test_workers_are_woken_from_sleep(futex, phases):
    with WorkerPool(3, futex=futex) as pool:
        for _ in range(5):
            check(pool, phases)
            time.sleep(0.01)


@pytest.mark.parametrize("futex", FUTEX)
def test_waiting_workers_do_not_use_the_processor(futex, phases):
    with WorkerPool(3, futex=futex) as pool:
        check(pool, phases)
        time.sleep(0.05)
        before = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - before < 0.1


def indices_function() -> NativeFunction:
    """cells[index] += participants."""
    asm = Assembler()
    enter(asm)
    asm.add(Memory(rdi, rsi, 8), rdx)
    leave(asm)
    return NativeFunction(asm.finish(), (ctypes.c_void_p,) * 4)


def test_every_participant_has_its_index():
    with WorkerPool(4) as pool:
        cells = AlignedBuffer(4, "q")
        function = indices_function()
        for _ in range(100):
            pool.run(function.address, cells.address)
        assert list(cells.view) == [400] * 4


@pytest.mark.parametrize("futex", FUTEX)
def test_python_threads_may_share_a_pool(futex, phases):
    failures = []

    def use(pool):
        try:
            for _ in range(10):
                check(pool, phases)
        except BaseException as error:
            failures.append(error)

    with WorkerPool(2, futex=futex) as pool:
        users = [threading.Thread(target=use, args=(pool,)) for _ in range(4)]
        for user in users:
            user.start()
        for user in users:
            user.join()
    assert failures == []


others = set()  # that were there before the test, as those that the process shares may be


@pytest.fixture(autouse=True)
def _others_are_known():
    others.clear()
    others.update(threading.enumerate())


def workers() -> int:
    new = set(threading.enumerate()) - others
    return sum(thread.name.startswith("baregrad-") for thread in new)


def test_a_signal_s_handler_may_use_the_pool_that_it_interrupts(phases, monkeypatch):
    def interrupted(self, function, argument):
        run(self, function, argument)
        if not handled:
            handled.append(True)
            pool.run(phases, cells.address)

    run, handled = _Team._run, []
    cells = AlignedBuffer(16, "q")
    monkeypatch.setattr(_Team, "_run", interrupted)
    with WorkerPool(2) as pool:
        caller = threading.Thread(target=pool.run, args=(phases, cells.address), daemon=True)
        caller.start()
        caller.join(120)
        assert not caller.is_alive()
    assert handled


@pytest.mark.parametrize("futex", FUTEX)
def test_closing_ends_the_threads(futex, phases):
    pool = WorkerPool(3, futex=futex)
    assert workers() == 0
    check(pool, phases)
    assert workers() == 2
    pool.close()
    assert workers() == 0
    pool.close()
    with pytest.raises(ClosedError):
        pool.run(phases, 0)


def test_a_forgotten_pool_ends_its_threads(phases):
    pool = WorkerPool(3)
    check(pool, phases)
    del pool
    gc.collect()
    assert workers() == 0


def test_a_pool_that_was_never_used_can_be_closed():
    WorkerPool(3).close()


def test_a_pool_has_at_least_one_thread():
    with pytest.raises(ArgumentError):
        WorkerPool(0)


@pytest.mark.parametrize("futex", FUTEX)
def test_where_the_system_refuses_threads_those_there_are_do_the_work(monkeypatch, futex, phases):
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == "baregrad-2":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with WorkerPool(4, futex=futex) as pool:
        with pytest.warns(RuntimeWarning, match="only 2 of 4 threads; to ask for fewer, use set_t"):
            pool.start()
        assert (pool.threads, workers()) == (2, 1)
        check(pool, phases)
    assert workers() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("futex", FUTEX)
def test_after_a_fork_both_processes_can_use_the_pool(futex, phases):
    with WorkerPool(3, futex=futex) as pool:
        check(pool, phases)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                check(pool, phases)
                check(pool, phases)
                pool.close()
                status = 0
            finally:
                os._exit(status)
        check(pool, phases)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        check(pool, phases)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_in_the_middle_of_a_call_leaves_the_child_a_usable_pool(phases):
    with WorkerPool(2) as pool:
        stop = threading.Event()

        def keep_running():
            while not stop.is_set():
                check(pool, phases)

        runner = threading.Thread(target=keep_running)
        runner.start()
        try:
            for _ in range(5):
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        check(pool, phases)
                        status = 0
                    finally:
                        os._exit(status)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        finally:
            stop.set()
            runner.join()


RETURN_AT_ONCE = """
import threading, time
from baregrad.machine.threads import WorkerPool, _Team
from baregrad.machine.assembler import Assembler
from baregrad.machine.function import NativeFunction
asm = Assembler()
asm.ret()
function = NativeFunction(asm.finish())
pool = WorkerPool(3)
pool.run(function)
"""
KEEP_CALLING = """
def keep_calling():
    while True:
        pool.run(function)
threading.Thread(target=keep_calling, daemon=True).start()
time.sleep(0.1)
"""


def run_python(program):
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_the_interpreter_ends_with_a_pool_left_open():
    result = run_python(RETURN_AT_ONCE + "print('done')")
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")


def test_the_interpreter_ends_while_a_thread_still_calls():
    result = run_python(RETURN_AT_ONCE + KEEP_CALLING + "print('done')")
    assert (result.returncode, result.stdout) == (0, "done\n")
