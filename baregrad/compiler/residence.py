"""Where native code finds the values of tensors, from one step to the next.

A tensor that compiled steps update has a home: memory that all of them share, training and
prediction, whatever the size of the batch. Nothing is copied from one step to the next, nor from
one program to another. After a step the tensor holds its home instead of an array; the first who
looks at its numbers has them copied out, and they are copied in where somebody assigned others.
"""

from __future__ import annotations

import os
from _thread import RLock
from array import array
from itertools import count
from typing import Any, Final
from weakref import WeakValueDictionary

from baregrad.compiler.forking import renewed
from baregrad.engines.array import TYPECODES, Array, DType, Resident, Shape
from baregrad.machine.memory import AlignedBuffer
from baregrad.tensor.borrowed import Borrowed, address_of, code_of
from baregrad.tensor.tensor import Tensor

# in native memory; a bool takes four bytes there
FORMATS: Final[dict[DType, str]] = {"float32": "f", "int64": "q", "bool": "i"}

# values of fewer bytes, if no step changes them, are copied to an aligned address all the same
_SMALL: Final = 1 << 16


class Home(Resident):
    """The native memory of a tensor's value.

    Numbers that a tensor has borrowed are read where they lie, unless a step writes there.

    Attributes:
        number: homes are locked in this order.
        lock: held while native code uses the memory, and while it is copied in or out.
        address: of the value; it may be another after each `bring_in`.
    """

    def __init__(self, shape: Shape, dtype: DType) -> None:
        self.shape = shape
        self.dtype = dtype
        self.number = next(_numbers)
        self.lock = RLock()  # a signal's handler may look at a tensor in the midst of a step
        self.address = 0
        self._memory: AlignedBuffer | None = None
        self._same: Array | Borrowed | None = None  # what has the same numbers as the memory
        self._lent = False  # whether the memory is that array's own
        self._export: memoryview[Any] | None = None  # so that it cannot be resized, and so moved

    def bring_in(self, tensor: Tensor, is_written: bool) -> int:
        """The address of a tensor's value, once it is here.

        Args:
            tensor: whose home this is.
            is_written: whether a step will write there.
        """
        value: Any = tensor.held
        if isinstance(value, Home):  # this one: it is here
            return self.address
        if value is not self._same or (self._lent and is_written):
            self._take_in(value, is_written)
        return self.address

    def _take_in(self, value: Array | Borrowed, is_written: bool) -> None:
        data: Any = value.view if isinstance(value, Borrowed) else value.data
        fits = code_of(data) == FORMATS[self.dtype]
        worth = isinstance(value, Borrowed) or len(data) * data.itemsize >= _SMALL
        lent = fits and worth and not is_written
        if lent:
            self._export = memoryview(data)
            self.address = address_of(data)
        else:
            if self._memory is None:
                self._memory = AlignedBuffer(len(data), FORMATS[self.dtype])
            self._memory.view[:] = data if fits else array(FORMATS[self.dtype], data)
            self.address = self._memory.address
            self._export = None
        # only now: if there was no memory for it, it is not here
        self._same, self._lent = value, lent

    def written(self, tensor: Tensor) -> None:
        """A step has written here; the tensor holds what it has written."""
        self._same = None
        tensor.hold(self)

    def bring_out(self, holder: Any) -> Array:
        """A copy of the numbers, which the tensor holds from now on."""
        with self.lock:
            if holder.held is self:
                assert self._memory is not None
                data = array(FORMATS[self.dtype])
                data.frombytes(self._memory.view.cast("B"))
                if data.typecode != TYPECODES[self.dtype]:
                    data = array(TYPECODES[self.dtype], data)
                self._same = holder.held = Array(data, self.shape, self.dtype)
            value: Array = holder.held
            return value


_numbers = count()

# By the id of the tensor. A home is kept alive by the programs that use it, which keep the tensor,
# and by the tensor that holds it: so as long as it is here the id is that tensor's.
_homes: WeakValueDictionary[int, Home] = WeakValueDictionary()
_lock = RLock()


def home_of(tensor: Tensor) -> Home:
    """The home of a tensor, the same for all programs."""
    with _lock:
        home = _homes.get(id(tensor))
        if home is None:
            home = _homes[id(tensor)] = Home(tensor.shape, tensor.dtype)
        return home


def _after_fork_in_child() -> None:
    """Threads that had a home locked, to look at its numbers, are not in this process."""
    global _lock
    _lock = renewed(_lock)
    for home in list(_homes.values()):
        home.lock = renewed(home.lock)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
