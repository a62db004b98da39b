"""A contender's process, from inside: ``python -m harness.worker MODULE MAKER TASK THREADS``.

It makes the contender, runs one step, and says how long that took. Then each line of standard input
asks for a number of steps or for a time, and is answered by one line of JSON. What libraries print
goes to standard error.
"""

import importlib
import json
import os
import sys
import time
from typing import Any, TextIO

from harness.tasks import TASKS, Run

Answer = dict[str, Any]
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


class Pace:
    """Rounds of about the time that is asked for, in steps that the contender can make."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = run.unit

    def round(self, seconds: float, clock: str) -> Answer:
        """Run for about so long; microseconds for each step."""
        steps, now = self.steps, CLOCKS[clock]
        begin = now()
        self.run.steps(steps)
        passed = max(now() - begin, 1e-6)
        units = round(seconds / passed * steps / self.run.unit)
        self.steps = max(1, units) * self.run.unit
        return {"us": 1e6 * passed / steps}


def peak_memory() -> int:
    """KiB of the process; unlike getrusage's, not those of the process that started it."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        _serve(answers, *sys.argv[1:])
    except BaseException as error:
        text = str(error).strip().partition("\n")[0] or "no message"
        _send(answers, {"error": f"{type(error).__name__}: {text[:200]}"})
        raise


def _serve(answers: TextIO, module: str, maker: str, task: str, threads: str) -> None:
    contenders = importlib.import_module(f"contenders.{module}")
    begin = time.perf_counter()
    read_task = getattr(contenders, "read_task", TASKS.__getitem__)
    run = getattr(contenders, maker)(read_task(task), int(threads))
    made = time.perf_counter()
    run.steps(1)
    done = time.perf_counter()
    _send(answers, {"make": made - begin, "first": done - made, "version": contenders.VERSION})
    pace = Pace(run)
    for line in sys.stdin:
        request = json.loads(line)
        if "seconds" in request:
            answer = pace.round(request["seconds"], request["clock"])
        else:
            answer = {"loss": float(run.steps(request["steps"]))}
        _send(answers, answer | {"kib": peak_memory()})


def _send(answers: TextIO, answer: Answer) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
