"""What a kernel may ask for that vector code cannot do."""

from baregrad.errors import BaregradError


class UnsupportedKernelError(BaregradError, NotImplementedError):
    """A kernel for which there is no vector code; the reference engine computes it instead."""
