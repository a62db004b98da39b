"""What can go wrong between a vector program and its machine code."""

from baregrad.errors import BaregradError


class ProgramError(BaregradError, ValueError):
    """A vector program that is not well formed; the message names the instruction."""


class AccessError(BaregradError, IndexError):
    """An interpreted program that reads or writes outside its buffers."""


class AllocationError(BaregradError, RuntimeError):
    """Fewer registers than a single instruction needs."""
