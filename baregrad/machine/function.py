"""Machine code as a Python callable."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from baregrad.machine.assembler import Code
from baregrad.machine.memory import ExecutableMemory
from baregrad.machine.pages import Pages
from baregrad.machine.registers import Label

CType = type[Any]  # a simple type of ctypes


class NativeFunction:
    """A function of machine code, called by the host's C convention.

    Args:
        code: from the assembler, bytes, or memory that other functions share.
        arguments: ctypes types, ``ctypes.c_void_p`` for an address.
        result: ctypes type, None for nothing.
        entry: where in the code it begins: an offset, or a label bound in it.
        pages: the system's pages, where they are not the host's.
        releases_gil: whether other Python threads run meanwhile. Waiting for the GIL afterwards may
            take milliseconds if they do, so what takes microseconds had better keep it.

    Attributes:
        call: the function itself, with the least that can be around it. It does not keep the code.
    """

    def __init__(
        self,
        code: Code | bytes | ExecutableMemory,
        arguments: Sequence[CType] = (),
        result: CType | None = None,
        *,
        entry: int | Label = 0,
        pages: Pages | None = None,
        releases_gil: bool = True,
    ) -> None:
        offset = entry if isinstance(entry, int) else 0
        if isinstance(code, Code):
            offset = code.offset(entry) if isinstance(entry, Label) else offset
            code = code.data
        # the function is only valid while its pages are: they are kept here
        self.memory = code if isinstance(code, ExecutableMemory) else ExecutableMemory(code, pages)
        self.address = self.memory.address + offset
        kind = ctypes.CFUNCTYPE if releases_gil else ctypes.PYFUNCTYPE
        self.call = kind(result, *arguments)(self.address)

    def __call__(self, *arguments: Any) -> Any:
        """Run it."""
        return self.call(*arguments)
