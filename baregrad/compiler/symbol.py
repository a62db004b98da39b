"""Symbols: what stands for an array whose numbers are computed later."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from baregrad.compiler.value import INPUT, Value
from baregrad.engines.array import DType, Shape
from baregrad.errors import CaptureError


class Symbol:
    """An array without numbers; looking at them is an error.

    Attributes:
        value: what it stands for.
        owner: the capture that it belongs to.
        shape: of the value.
        dtype: of the value.
    """

    __slots__ = ("dtype", "owner", "shape", "value")

    known = False  # what its numbers are

    def __init__(self, value: Value, owner: object) -> None:
        self.value = value
        self.owner = owner
        self.shape: Shape = value.shape
        self.dtype: DType = value.dtype

    @property
    def data(self) -> NoReturn:
        """There is none.

        Raises:
            CaptureError: always.
        """
        raise capture_error(
            f"this looks at the numbers of {described(self.value)}, which are only there when the "
            "captured step is run. Return the tensor from the step and look at it afterwards, or "
            "choose between tensors with where()"
        )


def described(value: Value) -> str:
    """How messages name a value."""
    if value.op == INPUT:
        return f"the input {value.attributes['name']!r} of shape {value.shape}"
    return f"the result of {value.op} of shape {value.shape}"


def capture_error(message: str) -> CaptureError:
    """The error for what cannot be captured, with the line of the user's program in front."""
    return CaptureError(f"{_line_of_the_user()}: {message}")


def _line_of_the_user() -> str:
    """The innermost line that is being run and is not of this package."""
    import linecache  # only needed once something is wrong

    frame: Any = sys._getframe()
    while frame.f_globals.get("__name__", "").partition(".")[0] == "baregrad" and frame.f_back:
        frame = frame.f_back
    path, number = frame.f_code.co_filename, frame.f_lineno
    line = linecache.getline(path, number, frame.f_globals).strip()
    return f"{path}:{number}" + (f": `{line}`" if line else "")
