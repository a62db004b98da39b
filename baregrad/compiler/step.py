"""Compiled steps: a Python function of tensors, run as machine code.

The function is captured once for the shapes it is called with, compiled, and from then on only its
machine code runs. What it reads and assigns to (parameters, optimizer state) stays in native memory
from call to call, and is copied out when somebody looks at it, so that tensors are values as ever.
"""

from __future__ import annotations

from _thread import RLock  # which `threading` only passes on, and takes 2 ms to load
from array import array
from collections.abc import Callable
from operator import attrgetter
from typing import Any
from weakref import ref

from baregrad.compiler.capture import capture
from baregrad.compiler.collector import collection_paused
from baregrad.compiler.forking import let_forks_wait_for
from baregrad.compiler.fusion import Fused, fuse
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.memory import Memory, plan_memory
from baregrad.compiler.native import NativeExecution
from baregrad.compiler.program import Program
from baregrad.compiler.returned import form_of, tensors_of
from baregrad.compiler.simplify import simplify
from baregrad.compiler.vector.compile import chosen_target
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import TYPECODES, Array, Buffer, Shape
from baregrad.engines.selection import process_engine, warn_of_refusal
from baregrad.errors import ArgumentError, CaptureError, ShapeError
from baregrad.machine.errors import MachineError
from baregrad.tensor.borrowed import consecutive, readable
from baregrad.tensor.graph import noting_modules
from baregrad.tensor.tensor import Tensor, as_tensor

_requires_grad = attrgetter("requires_grad")
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

    It is compiled anew for other shapes of its arguments, when a module it calls goes from training
    to prediction or back, and when a tensor that it reads begins or ceases to require a gradient;
    the last 16 versions are kept. Python code in it runs when it is compiled and not again, so it
    must not look at the numbers of a tensor; the learning rate and the count of steps are read
    anew. Gradients are not left behind.

    What operations check, such as that indices are in range, is checked of the arguments and of
    tensors that were there before. Of numbers that the step itself computes it is not: integers
    wrap around at 64 bits. A step that computes indices runs as Python, unless they cannot be out
    of range, as those of `argmax` and `clip`.

    ``step.many(steps, x, y)`` runs many steps in one native call, each with its own arguments.

    Args:
        step: a function of tensors that returns a tensor, several, or None.

    Where the processor or the system does not run our code, or an operation has no machine code,
    the function runs as it is; `CompiledStep.fallback` says why.
    """
    return CompiledStep(step)


class CompiledStep:
    """See `compile`, also for what is not checked: integers of 64 bits wrap around.

    Attributes:
        function: the Python function.
        fallback: why the last call ran the Python function itself; None if it ran machine code.
        lock: held by the thread that runs it.
    """

    def __init__(self, step: Callable[..., Any], target: Target | None = None) -> None:
        self.function = step
        self._target = target
        self._versions: dict[Any, _Version | str] = {}
        self._modules: dict[ref[Any], None] = {}  # that the step calls
        self.lock = RLock()  # there is one arena for each version
        self.fallback: str | None = None
        let_forks_wait_for(self)

    def __call__(self, *arguments: Any) -> Any:
        """Runs the step.

        Raises:
            CaptureError: the step looks at numbers, or does something else that cannot be compiled.
            ArgumentError: an argument is a tensor that the step assigns to.
        """
        tensors = [as_tensor(argument) for argument in arguments]
        with self.lock:
            version = self._version(tensors)
            if version is not None:
                return version.returned(version.run(1, tensors), ())
        return self.function(*tensors)

    def __get__(self, instance: object, owner: type | None = None) -> CompiledStep:
        """Itself, found in a class; a method is another step for each object.

        Raises:
            ArgumentError: it is asked for as a method.
        """
        if instance is None:
            return self
        raise ArgumentError(
            "a method cannot be compiled in its class, as what it reads is another for each "
            "object; compile it in __init__: self.step = bg.compile(self.one_step)"
        )

    def __reduce__(self) -> Any:
        raise ArgumentError(
            "a compiled step's machine code cannot be copied or pickled; copy or pickle the model "
            "and the optimizer, and compile a step of those"
        )

    def __repr__(self) -> str:
        return f"CompiledStep({getattr(self.function, '__qualname__', self.function)})"

    def many(self, steps: int, *arguments: Any) -> Any:
        """Runs many steps one after another, in one native call.

        Args:
            steps: how many, 1 or more.
            *arguments: those of all steps: each has one axis more in front, of that size.

        Returns:
            What the steps returned, likewise with one axis more in front.

        Raises:
            ArgumentError: less than one step, or an argument that the step assigns to.
            ShapeError: an argument that is not one for each step.
            CaptureError: as when it is called.
        """
        checked_steps(steps)
        streams = [as_tensor(argument) for argument in arguments]
        examples = [_example(steps, stream) for stream in streams]
        with self.lock:
            version = self._version(examples)
            if version is not None:
                return version.returned(version.run(steps, streams), (steps,))
        return _stacked([self.function(*(x[i] for x in streams)) for i in range(steps)])

    def prepare(self, *examples: Tensor) -> str | None:
        """Compiles the step for arguments of these shapes, if it is not yet.

        Returns:
            Why it cannot be compiled; None if it was.

        Raises:
            CaptureError: as when it is called.
        """
        with self.lock:
            self._version(list(examples))
            return self.fallback

    def rewind(self, steps: int, *examples: Tensor) -> None:
        """Takes back what many steps with arguments of these shapes counted, all but the tensors.

        The optimizer's steps and the places in random streams are as they were before.
        """
        with self.lock:
            version = self._version(list(examples))
            if version is not None:
                version.draw(-steps)

    def writes(self, *examples: Tensor) -> list[Tensor]:
        """The tensors that a step with arguments of these shapes assigns to."""
        with self.lock:
            version = self._version(list(examples))
            return [] if version is None else list(version.program.writes)

    def begin_anew(self) -> None:
        """Forgets all versions: one was broken off, as its thread is not in this process."""
        self._versions.clear()

    def _version(self, tensors: list[Tensor]) -> _Version | None:
        """The version for arguments of these shapes; None, and `fallback` says why."""
        version = self._versions.pop(self._key(tensors), None)
        if version is None or (isinstance(version, _Version) and version.is_outdated()):
            with noting_modules() as modules:
                version = self._compiled(tensors)
            self._modules |= dict.fromkeys(map(ref, modules))
            while len(self._versions) >= MOST_VERSIONS:
                del self._versions[next(iter(self._versions))]
        self._versions[self._key(tensors)] = version  # the last, so the one to be dropped last
        self.fallback = version if isinstance(version, str) else None
        return None if isinstance(version, str) else version

    def _key(self, tensors: list[Tensor]) -> Any:
        """What a version is compiled for: shapes, modules that are in training, the engine."""
        modes = tuple([getattr(module(), "training", None) for module in self._modules])
        shapes = tuple([(tensor.shape, tensor.dtype, tensor.requires_grad) for tensor in tensors])
        return shapes, modes, process_engine()

    def _compiled(self, tensors: list[Tensor]) -> _Version | str:
        try:
            target = self._target or chosen_target()
        except MachineError as error:  # as was wished, or there has been a warning
            return str(error)
        try:
            with collection_paused():
                return _Version(self.function, tensors, target)
        except UnsupportedKernelError as error:
            return str(error)
        except MachineError as error:
            warn_of_refusal(error)
            return str(error)


def checked_steps(steps: int) -> int:
    """A number of steps of at least 1.

    Raises:
        ArgumentError: it is not.
    """
    if not isinstance(steps, int) or steps < 1:
        raise ArgumentError(f"the number of steps must be an integer of at least 1, not {steps!r}")
    return steps


def _example(steps: int, stream: Tensor) -> Tensor:
    """The argument of the first step among those of many."""
    if stream.shape[:1] != (steps,):
        raise ShapeError(
            f"many: an argument has shape {stream.shape}; for {steps} steps its first axis must "
            f"have the size {steps}"
        )
    shape = stream.shape[1:]
    example: Tensor = consecutive(stream, 0, 1, shape)
    return example


def _stacked(results: list[Any]) -> Any:
    """What steps returned one by one, as `many` returns it."""
    columns = zip(*map(tensors_of, results), strict=True)
    return form_of(results[0])([Tensor.stack(list(column)) for column in columns])


class _Version:
    """A step compiled for some shapes.

    Attributes:
        program: what the step does.
    """

    def __init__(self, step: Callable[..., Any], tensors: list[Tensor], target: Target) -> None:
        returned: Any = None

        def remembered(*arguments: Tensor) -> Any:
            nonlocal returned
            returned = step(*arguments)
            return returned

        self.program, fused, memory = stages(remembered, *tensors)
        self._native = NativeExecution(self.program, fused, memory, target)
        self._form = form_of(returned)
        self._writes = frozenset(self.program.writes)
        self._required = self._requirements()
        self._checked: dict[Tensor, Buffer] = {}  # what the tensors of the world held last time

    def is_outdated(self) -> bool:
        """Whether a tensor that it reads requires a gradient by now, or no longer does."""
        return self._required != self._requirements()

    def _requirements(self) -> list[bool]:
        return list(map(_requires_grad, self.program.reads))

    def run(self, steps: int, arguments: list[Tensor]) -> list[array[Any]]:
        """So many steps; of each result its elements at all of them.

        Raises:
            ArgumentError: an argument is a tensor that the step assigns to.
            MemoryError, MachineError: the system does not give us memory, or the threads have ended
                with the interpreter; no step was made.
        """
        if not self._writes.isdisjoint(arguments):
            raise _aliased(self._writes, arguments)
        streams = [readable(argument) for argument in arguments]
        for place, check in self.program.checks:
            if isinstance(place, int):
                check(streams[place])
        self._check_world()
        drawn = self.draw(steps)
        try:
            return self._native.run_steps(steps, [*streams, *drawn])
        except (MemoryError, MachineError):
            self.draw(-steps)
            raise

    def _check_world(self) -> None:
        """Checks the tensors of the world that were changed since the last run."""
        world = [(x, check) for x, check in self.program.checks if isinstance(x, Tensor)]
        changed = {x: readable(x) for x, _ in world if readable(x) is not self._checked.get(x)}
        for tensor, check in world:
            if tensor in changed:
                check(changed[tensor])
        self._checked |= changed

    def draw(self, steps: int) -> list[array[Any]]:
        """The scalars of so many steps; if it is less than 0, they are taken back."""
        draws = self.program.draws
        scalars = self.program.arguments[len(self.program.arguments) - len(draws) :]
        drawn: list[array[Any]] = []
        try:
            for value, draw in zip(scalars, draws, strict=True):
                drawn.append(array(TYPECODES[value.dtype], draw(steps)))
        except CaptureError:
            for draw in draws[: len(drawn)]:  # the step is not made
                draw(-steps)
            raise
        return drawn

    def returned(self, results: list[array[Any]], axes: Shape) -> Any:
        """The results in the form in which the function returned them, with more axes in front."""
        tensors = [
            Tensor.leaf(Array(data, (*axes, *value.shape), value.dtype))
            for data, value in zip(results, self.program.results, strict=True)
        ]
        return self._form(tensors)


def _aliased(writes: frozenset[Tensor], arguments: list[Tensor]) -> ArgumentError:
    number, tensor = next((i, x) for i, x in enumerate(arguments) if x in writes)
    return ArgumentError(
        f"argument {number} of the step is {tensor.label()}, which the step assigns to, so that it "
        "would change while it is read; let the step read the tensor itself, or pass its detach()"
    )


def stages(step: Callable[..., Any], *arguments: Any) -> tuple[Program, Fused, Memory]:
    """The stages of compiling a step, up to its memory plan."""
    program = simplify(capture(step, *map(as_tensor, arguments)))
    fused = fuse(program)
    return program, fused, plan_memory(fused)
