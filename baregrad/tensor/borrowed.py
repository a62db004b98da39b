"""Numbers in somebody else's memory: another library's array, or a mapped file.

Nobody can promise that their owner does not write there. So what needs the same numbers twice, as
an operation and its gradient do, or may read them late, has a copy: the first operation on such a
tensor makes it, and the tensor holds it from then on. What reads numbers once, or may as well see
the owner's changes, reads them where they lie: training and predicting by machine code, the choice
of rows, checks.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any, ClassVar, Protocol, cast

from baregrad.engines import selection
from baregrad.engines.array import TYPECODES, Array, Buffer, DType, Resident, Shape

# Floats only: machine code trusts indices once they are checked, so nobody else may write there.
SHARED: dict[str, DType] = {"f": "float32", "d": "float64"}


class Borrowed(Resident):
    """An array whose numbers lie, row-major and aligned, in memory that is not ours.

    It may stand where an `Array` does, whose `data` is then a copy.

    Args:
        view: its elements, one-dimensional, in the format of its data type.
        shape: of the array.
        dtype: of the array.
        owner: what keeps the memory in place, if the view does not.
    """

    __slots__ = ("dtype", "owner", "shape", "view")

    known: ClassVar[bool] = True

    def __init__(
        self, view: memoryview[Any], shape: Shape, dtype: DType, owner: object = None
    ) -> None:
        self.view = view
        self.shape = shape
        self.dtype = dtype
        self.owner = owner

    @property
    def data(self) -> Buffer:
        """A copy of the numbers."""
        return array(TYPECODES[self.dtype], self.view.tobytes())

    def bring_out(self, holder: Any) -> Array:
        """A copy, which the holder has from now on; nothing is copied while a step is captured."""
        if not selection.current().computes:
            return cast(Array, self)
        found = holder.held = Array(self.data, self.shape, self.dtype)
        return found

    def rows(self, first: int, last: int, shape: Shape) -> Borrowed:
        """Rows one after another, in another shape of as many elements; not copied."""
        width = prod(self.shape[1:])
        return Borrowed(self.view[first * width : last * width], shape, self.dtype, self.owner)

    def taken(self, numbers: Sequence[int], shape: Shape) -> Array:
        """The rows of these numbers, all of them there, copied."""
        width, raw = prod(self.shape[1:]), self.view.cast("B")
        size = width * self.view.itemsize
        content = b"".join([raw[i * size : (i + 1) * size] for i in numbers])
        return Array(array(TYPECODES[self.dtype], content), shape, self.dtype)


class Holder(Protocol):
    """A tensor, as it is seen from here."""

    held: Array | Resident

    @property
    def array(self) -> Array:
        """Its value."""
        ...


def lent_to(tensor: Holder) -> Borrowed | None:
    """What a tensor has borrowed and not copied; nothing while a step is captured."""
    held = tensor.held
    return held if isinstance(held, Borrowed) and selection.current().computes else None


def readable(tensor: Holder) -> Buffer:
    """The elements of a tensor to be read at once, borrowed ones where they lie."""
    held = tensor.held
    return cast(Buffer, held.view) if isinstance(held, Borrowed) else tensor.array.data


def consecutive(tensor: Any, first: int, last: int, shape: Shape) -> Any:
    """A leaf of some rows of a tensor, in a shape of as many elements; borrowed ones stay so."""
    held = tensor.held
    if isinstance(held, Borrowed):
        return tensor.leaf(held.rows(first, last, shape))
    width, data = prod(tensor.shape[1:]), tensor.array.data
    whole = (first, last) == (0, tensor.shape[0])
    part = data if whole else data[first * width : last * width]
    return tensor.leaf(Array(part, shape, tensor.dtype))


def borrowed(data: Any) -> Borrowed | None:
    """The floats of a buffer where they lie; None if they must be copied to be of use."""
    try:
        view = memoryview(data)
    except (TypeError, ValueError, BufferError):  # no buffer, or one that has no format
        return None
    code: Any = (view.format or "B").lstrip("@=")
    if code not in SHARED or not view.c_contiguous or not view.nbytes:
        return None
    flat = view.cast("B").cast(code)
    if address_of(flat) % flat.itemsize:
        return None
    return Borrowed(flat, tuple(view.shape or ()), SHARED[code])


# --- how native code finds them -------------------------------------------------------------------


def code_of(buffer: Any) -> str:
    """The type code of an array's elements, or of a view's."""
    return cast(str, buffer.typecode if isinstance(buffer, array) else buffer.format)


def address_of(buffer: Any) -> int:
    """Where the elements of an array, or of a contiguous view, begin in memory."""
    if isinstance(buffer, array):
        return buffer.buffer_info()[0]
    return cast(int, _address_of_view()(buffer))


@cache
def _address_of_view() -> Any:
    """A function that asks the buffer protocol; Python documents it as `PyObject_GetBuffer`."""
    import ctypes  # not for everybody: it takes a while to load

    class Found(ctypes.Structure):
        """A `Py_buffer`: the address comes first, and 80 bytes are enough for all of it."""

        _fields_ = (("address", ctypes.c_void_p), ("rest", ctypes.c_void_p * 12))

    get, release = ctypes.pythonapi.PyObject_GetBuffer, ctypes.pythonapi.PyBuffer_Release
    get.argtypes = (ctypes.py_object, ctypes.c_void_p, ctypes.c_int)
    release.argtypes = (ctypes.c_void_p,)
    release.restype = None

    def address(view: memoryview[Any]) -> int:
        found = Found()
        get(view, ctypes.addressof(found), 0)
        start = found.address or 0
        release(ctypes.addressof(found))
        return start

    return address
