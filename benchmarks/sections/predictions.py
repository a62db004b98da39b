"""Predictions of T3's network: one from a Python list, and a batch of 1,000."""

import statistics
from collections.abc import Iterator
from typing import Any

from harness.figures import number, ratio, spread, table
from harness.options import Options
from harness.rounds import Makers, compete, say
from harness.tasks import SAMPLES, TASKS

TITLE = "Predictions"
TASK = "T3"
OWN = "baregrad"
MODULES = {
    OWN: ("own", "baregrad"),
    "ONNX Runtime": ("by_onnx", "onnxruntime"),
    "torch": ("by_torch", "torch"),
    "scikit-learn": ("by_sklearn", "sklearn"),
    "NumPy by hand": ("by_numpy", "numpy"),
}
KINDS = {
    "predict_one": "One prediction, from a list of numbers to a number",
    "predict_many": f"A batch of {SAMPLES:,}, from the library's array to its array",
}


def measure(options: Options) -> Iterator[tuple[str, Any]]:
    """What was found, by kind and number of threads."""
    for kind in KINDS:
        for threads in options.threads:
            say(f"{kind}, {threads} thread{'s' * (threads > 1)}")
            makers: Makers = {
                name: (module, kind, package) for name, (module, package) in MODULES.items()
            }
            yield f"{kind}/{threads}", compete(makers, TASK, threads, options)


def render(found: dict[str, Any]) -> str:
    """A table for each kind and number of threads."""
    parts = [f"The network {TASKS[TASK].describe()}. × baregrad: how many times as long it takes."]
    for key, one in found.items():
        kind, threads = key.split("/")
        own = one["us"].get(OWN)
        rows = []
        for name, values in sorted(one["us"].items(), key=lambda x: statistics.median(x[1])):
            low, median, high, _ = spread(values)
            times = f"{ratio(values, own):.2f}" if own else "–"
            rows.append([name, number(median), f"{number(low)} – {number(high)}", times])
        rows += [[name, reason, "", ""] for name, reason in one["failed"].items()]
        title = f"### {KINDS[kind]}; threads: {threads}"
        parts += [title, table(["", "µs", "quartiles", "× baregrad"], rows)]
    return "\n\n".join(parts)
