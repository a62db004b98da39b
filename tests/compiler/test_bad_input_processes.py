"""What may go wrong around native code, where it can only be seen from another process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import baregrad
from baregrad.machine.cpu import is_x86_64

pytestmark = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")

ROOT = Path(baregrad.__file__).parents[1]

TRAINING = """
import baregrad as bg

def training():
    model = bg.MLP(8, [64, 64, 1], activation="relu", seed=0)
    optimizer = bg.Adam(model.parameters(), lr=0.01)
    def step(x, y):
        optimizer.zero_grad()
        loss = bg.losses.mse(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return model, step

x, y = bg.Generator(1).randn(32, 8), bg.Generator(2).randn(32, 1)
model, step = training()
"""


def printed_by(program, **environment):
    """What a program prints, which must end as it should."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-X", "faulthandler", "-c", TRAINING + program],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_where_no_memory_may_be_executed_everything_runs_as_python_after_one_warning():
    program = """
from baregrad.machine import memory
from baregrad.machine.errors import ExecutableMemoryError
from baregrad.machine.pages import host_pages

class Refusing:
    def __init__(self):
        self.pages = host_pages()
    def allocate(self, size):
        return self.pages.allocate(size)
    def make_executable(self, address, size):
        raise ExecutableMemoryError("the system does not let memory be executed")
    def free(self, address, size):
        self.pages.free(address, size)

memory.host_pages = Refusing
compiled = bg.compile(step)
for _ in range(2):
    print(compiled(x, y).item() > 0, compiled.fallback is not None)
history = bg.fit(model, x, y, "mse", bg.Adam(model.parameters()), 2, 8, compiled=True)
print(history.compiled, history.fallback is not None)
print(bg.predict(model, x).shape, bg.Predictor(model).fallback is not None)
print((x @ x.T).shape, bg.engine())
"""
    out, err = printed_by(program)
    assert out.splitlines() == [
        "True True",
        "True True",
        "False True",
        "(32, 1) True",
        "(32, 32) reference",
    ]
    assert err.count("Warning") == 1
    assert "the system does not let memory be executed" in err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_process_predicts_and_trains_after_its_parent_did():
    program = """
import os
compiled = bg.compile(step)
bg.fit(model, x, y, "mse", bg.SGD(model.parameters(), lr=0.01), 2, 8, compiled=True)
compiled(x, y)
predict = bg.Predictor(model)
expected = predict(x.tolist()[0])
other, reference = training()[0], training()[0]
reference.load_state_dict(model.state_dict())
child = os.fork()
if not child:
    status = 1
    try:
        right = predict(x.tolist()[0]) == expected
        losses = [compiled(x, y).item() for _ in range(3)]
        history = bg.fit(
            other, x, y, "mse", bg.SGD(other.parameters(), lr=0.01), 2, 8, compiled=True
        )
        right = right and losses[2] < losses[0] and history.compiled
        right = right and bg.predict(model, x).shape == (32, 1)
        status = 0 if right else 2
    finally:
        os._exit(status)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
same = zip(model.parameters(), reference.parameters())
print(all(a.tolist() == b.tolist() for a, b in same), compiled(x, y).item() > 0)
"""
    out, _ = printed_by(program, BAREGRAD_THREADS="2")
    assert out == "0\nTrue True\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_where_memory_runs_out_the_step_is_not_made_and_can_be_made_later():
    program = """
import resource
wide = bg.MLP(8, [1000, 1000, 1], activation="relu", seed=0)
sgd = bg.SGD(wide.parameters(), lr=1e-4, momentum=0.9)

@bg.compile
def train():
    sgd.zero_grad()
    loss = bg.losses.mse(wide(x), y)
    loss.backward()
    sgd.step()
    return loss

bg.compile(step)(x, y)  # all modules are there
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
before = wide.layers[1].weight.array.data[:]
limits = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + (5 << 20), limits[1]))
try:
    train()
except MemoryError as error:
    print(type(error).__name__)
resource.setrlimit(resource.RLIMIT_AS, limits)
print(wide.layers[1].weight.array.data == before, train.fallback)
first, second = train().item(), train().item()
print(second < first)
"""
    out, _ = printed_by(program, BAREGRAD_THREADS="1")
    error, *rest = out.splitlines()
    assert error in ("MemoryError", "OutOfMemoryError")
    assert rest == ["True None", "True"]


def test_the_interpreter_may_end_while_a_thread_is_in_native_code():
    program = """
import threading
started = threading.Event()

def work():
    compiled = bg.compile(training()[1])
    rows = bg.stack([x] * 50), bg.stack([y] * 50)
    while True:
        compiled.many(50, *rows)
        started.set()

threading.Thread(target=work, daemon=True).start()
print(started.wait(100))
"""
    out, err = printed_by(program, BAREGRAD_THREADS="2")
    assert (out, err) == ("True\n", "")
