"""A contender's process, as seen from outside: started, asked, and ended.

A request and its answer are one line of JSON each. Whatever goes wrong in the process, or takes too
long, becomes a `ContenderError` that says so in a line.
"""

import importlib.util
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

FOLDER = Path(__file__).parents[1]  # benchmarks/
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NPROC",  # of XLA
    "CPU_COUNT",  # of tinygrad
    "BAREGRAD_THREADS",
)


class ContenderError(Exception):
    """A contender is not there, failed, or took too long."""


def environment(threads: int) -> dict[str, str]:
    """For a process that may use so many threads, and byte code as it would have installed."""
    xla = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"
    own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    own |= QUIET | dict.fromkeys(THREADS, str(threads))
    own["XLA_FLAGS"] = f"{xla} intra_op_parallelism_threads={threads}"
    return own | {
        "PYTHONPATH": f"{FOLDER}{os.pathsep}{FOLDER.parent}",
        "JAX_PLATFORMS": "cpu",
        "DEV": "CPU",
    }


def cores(threads: int) -> set[int]:
    """The last ones: the first one has the interrupts.

    Raises:
        ContenderError: there are not so many.
    """
    available = sorted(os.sched_getaffinity(0))
    if threads > len(available):
        raise ContenderError(f"this process may use {len(available)} cores, not {threads}")
    return set(available[-threads:])


def missing(*modules: str) -> str | None:
    """The first of the modules that is not installed."""
    return next((name for name in modules if importlib.util.find_spec(name) is None), None)


class Contender:
    """A process that runs `harness.worker`, which imports a module of `contenders`.

    Args:
        module: of `contenders`.
        maker: the function of the module that makes what is measured.
        task: the name of the task that it is made for.
        threads: how many it may use; its process is bound to as many cores.
        patience: seconds until the first answer, when everything is compiled, and for each later
            answer.
        variables: more for its environment.
    """

    def __init__(
        self,
        module: str,
        maker: str,
        task: str,
        threads: int,
        patience: float = 120.0,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.patience = patience
        bound = cores(threads)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.worker", module, maker, task, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(threads) | variables,
            preexec_fn=lambda: os.sched_setaffinity(0, bound),
        )

    def answer(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            ContenderError: there will not be one, or not in time.
        """
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], self.patience)
        if not ready:
            self.close()
            raise ContenderError(f"no answer in {self.patience:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise ContenderError(f"ended with status {self._process.returncode}: {self._last()}")
        found = json.loads(line)
        if "error" in found:
            self.close()
            raise ContenderError(found["error"])
        return found

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            ContenderError: see `answer`.
        """
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ContenderError(f"ended: {self._last()}") from None
        return self.answer()

    def pause(self) -> None:
        """Stop all its threads where they are, lest they wait for work on a core of another's."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let its threads go on."""
        self._process.send_signal(signal.SIGCONT)

    def _last(self) -> str:
        """The last line that it wrote to standard error."""
        self._errors.seek(0)
        return (self._errors.read().strip().splitlines() or ["no message"])[-1][:200]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def seconds(
    command: list[str], threads: int, clock: str = "wall", patience: float = 300.0
) -> tuple[float, str]:
    """The time of a process from its start to its end, and what it printed.

    Args:
        command: what follows the name of the interpreter.
        threads: as for `Contender`.
        clock: ``"wall"``, or ``"processor"`` for that of all its threads.
        patience: seconds of wall time.

    Raises:
        ContenderError: it failed or took too long.
    """
    bound = cores(threads)
    now = time.perf_counter if clock == "wall" else _processor_time_of_children
    begin = now()
    try:
        done = subprocess.run(
            [sys.executable, *command],
            env=environment(threads),
            preexec_fn=lambda: os.sched_setaffinity(0, bound),
            capture_output=True,
            text=True,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        raise ContenderError(f"no end in {patience:.0f} s") from None
    passed = now() - begin
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise ContenderError(f"ended with status {done.returncode}: {lines[-1][:200]}")
    return passed, done.stdout


def _processor_time_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
