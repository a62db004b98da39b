"""From the call of the first step to its result, in a fresh process."""

from collections.abc import Iterator
from typing import Any

from harness.figures import number, spread, table
from harness.options import Options
from harness.process import Contender, ContenderError, missing
from harness.rounds import Makers, say
from harness.tasks import TASKS

from sections.steps import CONTENDERS, OWN_SINGLE

TITLE = "Compiling"
REQUIRED = {"T3": 50.0, "T5": 150.0}  # milliseconds
COMPILERS: Makers = {
    name: CONTENDERS[name] for name in (OWN_SINGLE, "torch.compile", "JAX jit", "tinygrad")
}
NO_CACHES = {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1", "CACHELEVEL": "0"}


def measure(options: Options) -> Iterator[tuple[str, Any]]:
    """Milliseconds of each process by label, by task."""
    for task in REQUIRED:
        yield task, _first_steps(task, options)


def _first_steps(task: str, options: Options) -> dict[str, Any]:
    say(f"compiling {task}")
    found: dict[str, Any] = {"ms": {}, "failed": {}}
    for _ in range(options.repeats):
        for name, (module, maker, package) in COMPILERS.items():
            if name in found["failed"]:
                continue
            if missing(package):
                found["failed"][name] = "not installed"
                continue
            try:
                with Contender(module, maker, task, 1, options.patience, NO_CACHES) as contender:
                    first = contender.answer()["first"]
            except ContenderError as error:
                found["failed"][name] = str(error)
                continue
            found["ms"].setdefault(name, []).append(1e3 * first)
    return found


def render(found: dict[str, Any]) -> str:
    """A table for each task."""
    parts = [
        "The library is imported, the network and the data are there; then the first step is "
        "called. What the library imports only to compile counts, and so does running the step. "
        "Caches on disk are switched off, except for Python's byte code."
    ]
    for task, one in found.items():
        rows = []
        for name, values in one["ms"].items():
            low, median, high, _ = spread(values)
            rows.append([name, number(median), f"{number(low)} – {number(high)}"])
        rows += [[name, reason, ""] for name, reason in one["failed"].items()]
        required = f"### {task}: {TASKS[task].describe()}; required: {REQUIRED[task]:.0f} ms"
        parts += [required, table(["", "ms", "quartiles"], rows)]
    return "\n\n".join(parts)
