"""What becomes of a step, for a person to read: each stage from values to machine code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from baregrad.compiler.describe import kernels_text, memory_text, values_text
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.native import NativeExecution
from baregrad.compiler.step import CompiledStep, stages
from baregrad.compiler.vector.compile import chosen_target
from baregrad.compiler.vector.program import Program
from baregrad.compiler.vector.text import program_text
from baregrad.errors import ArgumentError, checked_name
from baregrad.machine.errors import MachineError
from baregrad.tensor.notebook import Text
from baregrad.tensor.tensor import as_tensor

STAGES: Final = ("graph", "kernels", "memory", "vector", "machine")
LINES: Final = 60


def explain(
    step: Callable[..., Any],
    *arguments: Any,
    stage: str | Sequence[str] = STAGES,
    lines: int | None = LINES,
) -> str:
    """What becomes of a step, for a person to read.

    The stages are:

    - ``graph``: the values that the step computes, gradients and updates included;
    - ``kernels``: which of them are computed together, and by how many operations on how many
      bytes;
    - ``memory``: where each buffer lies;
    - ``vector``: the kernels in the language of vectors;
    - ``machine``: the instructions, and their bytes.

    Where there is no machine code, the last two say why, and that the step runs as Python.

    Args:
        step: as for `compile`, or what `compile` returned.
        *arguments: examples, for their shapes and data types.
        stage: one or several of them; all by default.
        lines: of each stage, how many to show; None for all of them.

    Raises:
        ArgumentError: a stage that does not exist, or a number of lines below 1.
        CaptureError: the step cannot be captured.
    """
    wanted = [stage] if isinstance(stage, str) else list(stage)
    for name in wanted:
        checked_name("stage", name, STAGES)
    if lines is not None and lines < 1:
        raise ArgumentError(f"explain: lines must be an integer of 1 or more, not {lines!r}")
    texts = _texts(step, arguments)
    return Text("\n\n".join("\n".join(_shortened(texts[name](), lines)) for name in wanted) + "\n")


def _texts(
    step: Callable[..., Any], arguments: Sequence[Any]
) -> dict[str, Callable[[], Iterable[str]]]:
    """For each stage what gives its lines."""
    function = step.function if isinstance(step, CompiledStep) else step
    program, fused, memory = stages(function, *map(as_tensor, arguments))
    texts: dict[str, Callable[[], Iterable[str]]] = {
        "graph": lambda: values_text(program),
        "kernels": lambda: kernels_text(fused),
        "memory": lambda: memory_text(fused, memory),
    }
    try:
        target = chosen_target()
        execution = NativeExecution(program, fused, memory, target)
    except (UnsupportedKernelError, MachineError) as error:
        none = f"none: {error}; the step runs as Python"
        return texts | {
            "vector": lambda: [f"Vector code: {none}"],
            "machine": lambda: [f"Machine code: {none}"],
        }
    size = f"Machine code: {target.name}, {len(execution.code.data):,} bytes"
    return texts | {
        "vector": lambda: _vector_text(execution.programs()),
        "machine": lambda: [size, *_indented(execution.code.listing())],
    }


def _vector_text(programs: Sequence[Program]) -> Iterator[str]:
    yield f"Vector code: {len(programs)} programs"
    for program in programs:
        yield from _indented(program_text(program))


def _indented(text: str) -> Iterator[str]:
    return (f"  {line}" for line in text.splitlines())


def _shortened(text: Iterable[str], lines: int | None) -> list[str]:
    every = list(text)
    left_out = 0 if lines is None else len(every) - lines
    # a line that says that one is left out would be no shorter
    return every if left_out <= 1 else [*every[:lines], f"  ... and {left_out:,} lines more"]
