"""Killing a training at random moments, as ``kill -9`` does."""

import os
import subprocess
import sys
import time
from pathlib import Path

import baregrad
from baregrad.files.state import load_state

SCRIPT = Path(__file__).with_name("checkpointed.py")


def started(folder, compiled, epochs):
    """The process of a training."""
    return subprocess.Popen(
        [sys.executable, SCRIPT, folder, str(compiled), str(epochs)],
        env={**os.environ, "PYTHONPATH": str(Path(baregrad.__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    )


def end_of(process):
    """What a process prints."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out


def ends_after_kills(folder, compiled, epochs, delays):
    """What trainings print that are killed again and again, each in a folder of its own.

    Args:
        folder: for the folders.
        compiled: whether they run as machine code.
        epochs: of each.
        delays: in seconds, from when a process has its folder to its end. One that has ended by
            itself before makes place for the next training, which is given half as long.
    """
    ends, delays = [], list(delays)
    while delays:
        own = folder / str(len(ends))
        process = started(own, compiled, epochs)
        if _has_begun(process, own / "lock"):
            time.sleep(delays[-1])
        process.kill()
        out, _ = process.communicate()
        for path in own.glob("checkpoint-*"):
            load_state(path)  # raises if it cannot be read
        if process.returncode == 0:
            ends.append(out)
            delays[-1] /= 2
        else:
            delays.pop()
    return [*ends, end_of(started(folder / str(len(ends)), compiled, epochs))]


def _has_begun(process, lock):
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if lock.exists() and lock.read_text() == str(process.pid):
            return True
        time.sleep(0.002)
    return False
