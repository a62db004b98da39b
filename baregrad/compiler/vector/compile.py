"""From a program to a function that can be called."""

from __future__ import annotations

from functools import cache

from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.avx512 import AVX512
from baregrad.compiler.vector.calling import c_types
from baregrad.compiler.vector.lowering import lower
from baregrad.compiler.vector.program import Program
from baregrad.compiler.vector.target import Target
from baregrad.engines.selection import process_engine
from baregrad.machine.assembler import Assembler, Code
from baregrad.machine.cpu import processor_features
from baregrad.machine.errors import UnsupportedMachineError
from baregrad.machine.function import NativeFunction

TARGETS = (AVX512, AVX2)


@cache
def host_target() -> Target:
    """The widest target that this processor can run.

    Raises:
        UnsupportedMachineError: it can run none.
    """
    names = processor_features()
    for target in TARGETS:
        if target.features <= names:
            return target
    missing = ", ".join(sorted(AVX2.features - names))
    raise UnsupportedMachineError(f"native code needs {missing}, which this processor has not")


def chosen_target() -> Target:
    """The target of the engine that was chosen for this process.

    Raises:
        UnsupportedMachineError: it is Python's; or this processor cannot run the target.
    """
    name = process_engine()
    if name == "reference":
        raise UnsupportedMachineError('the engine is "reference", which runs no machine code')
    return target_named(name)


def target_named(name: str | None) -> Target:
    """The target of a name; of None, the widest that this processor can run.

    Raises:
        UnsupportedMachineError: this processor cannot run it.
    """
    if name is None:
        return host_target()
    target = next(target for target in TARGETS if target.name == name)
    _check_runs(target)
    return target


def _check_runs(target: Target) -> None:
    missing = target.features - processor_features()
    if missing:
        names = ", ".join(sorted(missing))
        raise UnsupportedMachineError(f"{target.name} needs {names}, which this processor has not")


def assemble(program: Program, target: Target, *, flush_to_zero: bool = False) -> Code:
    """The machine code of a program: position-independent bytes with a listing."""
    asm = Assembler()
    lower(program, target, asm, flush_to_zero=flush_to_zero)
    return asm.finish()


def compile_vector(
    program: Program, target: Target | None = None, *, flush_to_zero: bool = False
) -> NativeFunction:
    """A function of machine code that runs a program, with its parameters as arguments.

    A pointer is given as an address. Nothing checks what lies there.

    Args:
        program: is verified first.
        target: the widest that this processor can run, if not given.
        flush_to_zero: whether denormal numbers are taken and given as zero.

    Raises:
        ProgramError: the program is not well formed, or has too many parameters.
        UnsupportedMachineError: this processor cannot run the target's code.
    """
    target = target or host_target()
    _check_runs(target)
    return NativeFunction(assemble(program, target, flush_to_zero=flush_to_zero), c_types(program))
