"""From a cold process to a network that knows handwritten digits."""

import json
from collections.abc import Iterator
from typing import Any

from harness.figures import number, spread, table
from harness.options import Options
from harness.process import ContenderError, missing, seconds
from harness.rounds import say

TITLE = "MNIST from a cold process"
OWN = "baregrad"
PROGRAMS = {
    OWN: ("own", "baregrad"),
    "torch": ("by_torch", "torch"),
    "JAX": ("by_jax", "jax"),
    "scikit-learn": ("by_sklearn", "sklearn"),
    "NumPy by hand": ("by_numpy", "numpy"),
}
FILES = [
    f"{part}-{kind}-ubyte.gz"
    for part in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
]
REQUIRED = 2.0


def measure(options: Options) -> Iterator[tuple[str, Any]]:
    """Seconds and how training went by label, by number of threads."""
    absent = [name for name in FILES if not (options.mnist / name).exists()]
    if absent:
        say(f"MNIST skipped: {options.mnist} has no {', '.join(absent)}; give a folder by --mnist")
        return
    for threads in options.threads:
        yield str(threads), _race(threads, options)


def _race(threads: int, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {"clock": options.clock, "seconds": {}, "went": {}, "failed": {}}
    for _ in range(options.repeats):
        for name, (module, package) in PROGRAMS.items():
            if name in found["failed"]:
                continue
            if missing(package):
                found["failed"][name] = "not installed"
                continue
            try:
                command = ["-m", f"mnist.{module}", str(options.mnist), str(threads)]
                passed, printed = seconds(command, threads, options.clock)
            except ContenderError as error:
                found["failed"][name] = str(error)
                continue
            found["seconds"].setdefault(name, []).append(passed)
            found["went"][name] = json.loads(printed.splitlines()[-1])
            say(f"  MNIST, {name}, threads {threads}: {passed:.2f} s, {found['went'][name]}")
    return found


def render(found: dict[str, Any]) -> str:
    """A table for each number of threads."""
    parts = [
        "Time from the start of the interpreter to its end: import, the four compressed IDX "
        "files, compiling, training 784-256-128-10 (relu, cross-entropy, Adam, learning rate "
        "0.001, batch 128) until the accuracy on the 10,000 test images, computed after each half "
        f"epoch, is 97.5 %. Required: every peer takes {REQUIRED:.0f} times as long."
    ]
    for threads, one in found.items():
        own = one["seconds"].get(OWN)
        rows = []
        for name, values in one["seconds"].items():
            low, median, high, _ = spread(values)
            times = f"{median / spread(own).median:.2f}" if own else "–"
            went = one["went"][name]
            epochs, reached = f"{went['epochs']:g}", f"{went['accuracy']:.2%}"
            spreads = f"{number(low)} – {number(high)}"
            rows.append([name, number(median), spreads, times, epochs, reached])
        rows += [[name, reason, "", "", "", ""] for name, reason in one["failed"].items()]
        head = ["", "s", "quartiles", "× baregrad", "epochs", "accuracy"]
        parts += [f"### Threads: {threads}; {one['clock']} time", table(head, rows)]
    return "\n\n".join(parts)
