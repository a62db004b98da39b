"""What can go wrong between an instruction's name and its execution."""

from baregrad.errors import BaregradError


class MachineError(BaregradError):
    """Base of every error of the machine floor."""


class AssemblyError(MachineError, ValueError):
    """Something that the assembler was given cannot be encoded."""


class UnknownInstructionError(AssemblyError):
    """A mnemonic that no table has."""


class OperandError(AssemblyError):
    """Operands that no row of the instruction takes, or that several rows take."""


class LabelError(AssemblyError):
    """A label that is used but never bound, or bound twice."""


class UnsupportedInstructionError(AssemblyError):
    """An instruction that the processor assembled for does not have."""


class ExecutableMemoryError(MachineError, OSError):
    """The operating system refused memory, or refused to make it executable."""


class UnsupportedMachineError(MachineError, RuntimeError):
    """This processor or operating system cannot run generated code."""


class ClosedError(MachineError, RuntimeError):
    """Memory, a function or a pool of threads that was used after it was closed."""


class OutOfMemoryError(BaregradError, MemoryError):
    """There is not so much memory for numbers; Python, which needs more, would not help."""
