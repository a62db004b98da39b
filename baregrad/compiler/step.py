"""Compiled steps: a Python function of tensors, run as machine code.

The function is captured once for the shapes it is called with, compiled, and from then on only its
machine code runs. What it reads and assigns to (parameters, optimizer state) is copied in where it
has changed meanwhile, and copied out after each call, so that tensors are values as ever.
"""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Callable
from threading import Lock
from typing import Any

from baregrad.compiler.capture import capture
from baregrad.compiler.describe import describe
from baregrad.compiler.fusion import Fused, fuse
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.memory import Memory, plan_memory
from baregrad.compiler.native import NativeExecution
from baregrad.compiler.program import Program
from baregrad.compiler.simplify import simplify
from baregrad.compiler.vector.compile import host_target
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import TYPECODES, Array
from baregrad.machine.errors import MachineError
from baregrad.tensor.graph import noting_modules
from baregrad.tensor.tensor import Tensor, as_tensor

MOST_VERSIONS = 16  # of one step that are kept


def compile(step: Callable[..., Any]) -> CompiledStep:
    """A function that does what `step` does, as machine code.

    For example a whole training step:

        optimizer = bg.Adam(model.parameters())

        @bg.compile
        def step(x, y):
            optimizer.zero_grad()
            loss = bg.losses.mse(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

    It is compiled anew for other shapes of its arguments, and when a module it calls goes from
    training to prediction or back; the last 16 versions are kept. Python code in it runs when it is
    compiled and not again, so it must not look at the numbers of a tensor; the learning rate and
    the count of steps are read anew. Gradients are not left behind.

    Args:
        step: a function of tensors that returns a tensor, several, or None.

    Where the processor or the system does not run our code, or an operation has no machine code,
    the function runs as it is; `CompiledStep.fallback` says why.
    """
    return CompiledStep(step)


class CompiledStep:
    """See `compile`.

    Attributes:
        fallback: why the last call ran the Python function itself; None if it ran machine code.
    """

    def __init__(self, step: Callable[..., Any], target: Target | None = None) -> None:
        self._step = step
        self._target = target
        self._versions: dict[Any, _Version | str] = {}
        self._modules: dict[Any, None] = {}  # that the step calls
        self._lock = Lock()
        self.fallback: str | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Runs the step.

        Raises:
            CaptureError: the step looks at numbers, or does something else that cannot be compiled.
        """
        tensors = [as_tensor(argument) for argument in arguments]
        with self._lock:  # there is one arena for each version
            version = self._version(tensors)
            self.fallback = version if isinstance(version, str) else None
            if not isinstance(version, str):
                return version.run(tensors)
        return self._step(*tensors)

    def _version(self, tensors: list[Tensor]) -> _Version | str:
        version = self._versions.pop(self._key(tensors), None)
        if version is None:
            with noting_modules() as modules:
                version = self._compiled(tensors)
            self._modules |= dict.fromkeys(modules)
            while len(self._versions) >= MOST_VERSIONS:
                del self._versions[next(iter(self._versions))]
        self._versions[self._key(tensors)] = version  # the last, so the one to be dropped last
        return version

    def _key(self, tensors: list[Tensor]) -> Any:
        """What a version is compiled for: shapes, and which modules are in training."""
        modes = tuple((module, module.training) for module in self._modules)
        return tuple((tensor.shape, tensor.dtype) for tensor in tensors), modes

    def _compiled(self, tensors: list[Tensor]) -> _Version | str:
        try:
            return _Version(self._step, tensors, self._target or host_target())
        except UnsupportedKernelError as error:
            return str(error)
        except MachineError as error:
            warnings.warn(f"steps run as Python: {error}", RuntimeWarning, stacklevel=4)
            return str(error)


class _Version:
    """A step compiled for some shapes.

    Attributes:
        returned: what kind of thing the function returned.
        held: of each tensor of the world, the array that it had after the last run.
    """

    def __init__(self, step: Callable[..., Any], tensors: list[Tensor], target: Target) -> None:
        self.returned: Any = None

        def remembered(*arguments: Tensor) -> Any:
            self.returned = step(*arguments)
            return self.returned

        self.program, self.fused, memory = stages(remembered, *tensors)
        self.native = NativeExecution(self.program, self.fused, memory, target)
        self.returned = type(self.returned)
        self.held = {tensor: tensor.array for tensor in self.program.reads}

    def run(self, tensors: list[Tensor]) -> Any:
        """Brings in what has changed, runs, and brings out what the step changed."""
        program = self.program
        for tensor, held in self.held.items():
            if tensor.array is not held:
                self.native.write(self.fused.inputs[program.reads[tensor]], tensor.array)
                self.held[tensor] = tensor.array
        for place, check in program.checks:
            checked = tensors[place] if isinstance(place, int) else place
            check(checked.array.data)
        scalars = program.arguments[len(tensors) :]
        drawn = [
            Array(array(TYPECODES[value.dtype], draw(1)), (), value.dtype)
            for value, draw in zip(scalars, program.draws, strict=True)
        ]
        results = self.native.run(*(tensor.array for tensor in tensors), *drawn)
        for tensor in program.writes:
            tensor.assign(Tensor.leaf(self.native.value(tensor)))
            if tensor in self.held:
                self.held[tensor] = tensor.array
        return self._returned(list(map(Tensor.leaf, results)))

    def _returned(self, results: list[Tensor]) -> Any:
        """The results in the form in which the function returned them."""
        if issubclass(self.returned, Tensor):
            return results[0]
        return self.returned(results) if results else None


def stages(step: Callable[..., Any], *arguments: Any) -> tuple[Program, Fused, Memory]:
    """The stages of compiling a step, up to its memory plan."""
    program = simplify(capture(step, *map(as_tensor, arguments)))
    fused = fuse(program)
    return program, fused, plan_memory(fused)


def explain(step: Callable[..., Any], *arguments: Any) -> str:
    """What becomes of a step, for a person to read: each stage from values to machine code.

    Args:
        step: as for `compile`, or what `compile` returned.
        *arguments: examples, for their shapes and data types.

    Raises:
        CaptureError: the step cannot be captured.
    """
    function = step._step if isinstance(step, CompiledStep) else step
    tensors = [as_tensor(argument) for argument in arguments]
    program, fused, memory = stages(function, *tensors)
    text = describe(program, fused, memory)
    try:
        code = NativeExecution(program, fused, memory, host_target()).code.listing()
    except (UnsupportedKernelError, MachineError) as error:
        code = f"none: {error}; the step runs as Python"
    return f"{text}\n\nmachine code\n{code}"
