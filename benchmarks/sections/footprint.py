"""Memory of a training process, time of an import, size on disk."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.figures import number, spread, table
from harness.options import Options
from harness.process import Contender, ContenderError, missing, seconds
from harness.rounds import say

from sections.steps import CONTENDERS

TITLE = "Footprint"
TASK = "T3"
STEPS = 1000
IMPORTS = ("baregrad", "numpy", "torch", "jax", "sklearn.neural_network", "tinygrad", "onnxruntime")
FOLDERS = {
    "baregrad": ["baregrad"],
    "numpy": ["numpy"],
    "torch": ["torch"],
    "jax": ["jax", "jaxlib"],
    "scikit-learn": ["sklearn"],
    "tinygrad": ["tinygrad"],
    "onnxruntime": ["onnxruntime"],
}


def measure(options: Options) -> Iterator[tuple[str, Any]]:
    """MiB by contender, milliseconds by module, MiB by library."""
    say("memory, imports, sizes")
    yield "memory", {name: _memory(name, options) for name in CONTENDERS}
    yield "imports", {"clock": options.clock, "ms": _imports(options)}
    yield "sizes", {name: _size(folders) for name, folders in FOLDERS.items()}


def _memory(name: str, options: Options) -> float | str:
    """The peak of a process that trains, in MiB, or why there is none."""
    module, maker, package = CONTENDERS[name]
    if missing(package):
        return "not installed"
    try:
        with Contender(module, maker, TASK, 1, options.patience) as contender:
            contender.answer()
            return contender.ask(steps=STEPS)["kib"] / 1024
    except ContenderError as error:
        return str(error)


def _imports(options: Options) -> dict[str, list[float]]:
    """Milliseconds beyond those of a bare interpreter, which takes turns with the others."""
    present = [name for name in IMPORTS if not missing(name.partition(".")[0])]
    for name in present:
        seconds(["-c", f"import {name}"], 1)  # writes the byte code
    found: dict[str, list[float]] = {name: [] for name in present}
    for _ in range(2 * options.repeats):
        bare, _ = seconds(["-c", "pass"], 1, options.clock)
        for name in present:
            whole, _ = seconds(["-c", f"import {name}"], 1, options.clock)
            found[name].append(1e3 * (whole - bare))
    return found


def _size(folders: list[str]) -> float | None:
    """MiB of the files of a library, without byte code and without what it depends on."""
    if missing(*folders):
        return None
    total = 0
    for name in folders:
        spec = importlib.util.find_spec(name)
        assert spec is not None, "it is not missing"
        package = Path(str(spec.origin)).parent
        for folder in (package, package.with_name(f"{name}.libs")):
            files = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
            total += sum(path.stat().st_size for path in files if path.is_file())
    return total / 2**20


def render(found: dict[str, Any]) -> str:
    """A table for each thing that was measured."""
    return "\n\n".join(_RENDERED[key](one) for key, one in found.items())


def _render_memory(found: dict[str, float | str]) -> str:
    rows = [[name, v if isinstance(v, str) else number(v)] for name, v in found.items()]
    title = f"### Peak memory of a process that makes {STEPS:,} steps of {TASK}; required: 40 MiB"
    return f"{title}\n\n{table(['', 'MiB'], rows)}"


def _render_imports(found: dict[str, Any]) -> str:
    rows = []
    for name, values in found["ms"].items():
        low, median, high, _ = spread(values)
        rows.append([name, number(median), f"{number(low)} – {number(high)}"])
    title = f"### Import, beyond the start of Python, {found['clock']} time; required: 40 ms"
    return f"{title}\n\n{table(['', 'ms', 'quartiles'], rows)}"


def _render_sizes(found: dict[str, float | None]) -> str:
    rows = [[name, "not installed" if v is None else number(v)] for name, v in found.items()]
    title = "### Files of the installed library, without what it depends on; required: 1 MiB"
    return f"{title}\n\n{table(['', 'MiB'], rows)}"


_RENDERED = {"memory": _render_memory, "imports": _render_imports, "sizes": _render_sizes}
