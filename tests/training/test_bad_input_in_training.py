"""Ctrl-C while `fit` is in native code."""

import signal

import pytest

import baregrad as bg
from baregrad.compiler.launch import Launch
from baregrad.machine.cpu import is_x86_64
from baregrad.training import native_steps

pytestmark = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")


class StopAt(bg.Callback):
    """Ends a training after a number of steps."""

    def __init__(self, step):
        self.step = step

    def on_steps(self, run):
        if run.step >= self.step:
            run.stop("enough")


def trained(callbacks=()):
    model = bg.MLP(2, [8, 1], seed=1)
    generator = bg.Generator(4)
    x, y = generator.randn(64, 2), generator.randn(64, 1)
    optimizer = bg.Adam(model.parameters(), lr=0.01)
    history = bg.fit(
        model, x, y, "mse", optimizer, 50, 4, seed=2, compiled=True, callbacks=callbacks
    )
    return [value for p in model.parameters() for value in p.flatten().tolist()], history


def test_ctrl_c_in_a_native_call_ends_the_training_after_the_steps_of_that_call(monkeypatch):
    calls, run = [], Launch.run

    def pressed(self, addresses, steps):
        calls.append(steps)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        run(self, addresses, steps)

    monkeypatch.setattr(native_steps, "CALL", 0.0)  # one step in a call
    with monkeypatch.context() as patched:
        patched.setattr(Launch, "run", pressed)
        weights, history = trained()
    assert history.interrupted
    assert history.compiled
    assert history.steps == len(calls) == 3
    assert weights == trained([StopAt(3)])[0]
