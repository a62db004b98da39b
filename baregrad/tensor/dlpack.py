"""DLPack: arrays that other libraries read where they lie.

The structures are those of ``dlpack.h``, version 1.0, in which a library hands over a pointer to
its numbers, inside a capsule of Python; before 1.0 there was neither a version nor flags. What the
methods ``__dlpack__`` and ``__dlpack_device__`` must do says the Python Array API standard
(2023.12).
"""

from __future__ import annotations

import ctypes
import struct
from ctypes import CFUNCTYPE, POINTER, PYFUNCTYPE, Structure, pythonapi
from math import prod
from typing import Any

from baregrad.engines import array as arrays
from baregrad.engines.array import Array, DType, Shape
from baregrad.errors import ArgumentError, CopyError, DTypeError
from baregrad.tensor.borrowed import SHARED, Borrowed
from baregrad.tensor.convert import to_array

CPU = (1, 0)  # kDLCPU, and the number of the device
HOST = (1, 3)  # kinds of devices whose memory the processor reads: kDLCPU, kDLCUDAHost
VERSION = (1, 0)
READ_ONLY, COPIED = 1, 2  # flags
INT, UINT, FLOAT, BOOL = 0, 1, 2, 6  # DLDataTypeCode

CODES: dict[DType, tuple[int, int]] = {
    "float32": (FLOAT, 32), "float64": (FLOAT, 64), "int64": (INT, 64), "bool": (BOOL, 8)
}  # fmt: skip

# The buffer protocol's format of each data type that can be read.
FORMATS = {
    (INT, 8): "b", (INT, 16): "h", (INT, 32): "i", (INT, 64): "q",
    (UINT, 8): "B", (UINT, 16): "H", (UINT, 32): "I", (UINT, 64): "Q",
    (FLOAT, 16): "e", (FLOAT, 32): "f", (FLOAT, 64): "d", (BOOL, 8): "?",
}  # fmt: skip


class DLTensor(Structure):
    """A pointer to numbers, and how they lie there."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", POINTER(ctypes.c_int64)),
        ("strides", POINTER(ctypes.c_int64)),  # in elements; NULL for row-major
        ("byte_offset", ctypes.c_uint64),
    )


class DLManagedTensor(Structure):
    """A `DLTensor`, and how to say that it is no longer needed."""

    _fields_ = (
        ("tensor", DLTensor),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    )


class DLManagedTensorVersioned(Structure):
    """The same, as of version 1.0."""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", DLTensor),
    )


Managed = DLManagedTensor | DLManagedTensorVersioned

# The names of capsules; one that was taken over has another, and is the taker's to free.
UNVERSIONED, VERSIONED = b"dltensor", b"dltensor_versioned"
KINDS: dict[bytes, type[Managed]] = {
    UNVERSIONED: DLManagedTensor,
    VERSIONED: DLManagedTensorVersioned,
}

# --- Python's own functions for capsules, which are called with the interpreter's lock held ------

_Destructor = PYFUNCTYPE(None, ctypes.c_void_p)
_new_capsule = PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, _Destructor)(
    ("PyCapsule_New", pythonapi)
)
_is_named = PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_IsValid", pythonapi)
)
_pointer = PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", pythonapi)
)
# Of a capsule that is about to be freed only the address may be used.
_dying_is_named = PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", pythonapi)
)
_dying_pointer = PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", pythonapi)
)

# --- giving -------------------------------------------------------------------------------------

# What was given and not yet freed by its taker, by the address of the structure.
_given: dict[int, tuple[Any, ...]] = {}


def _forget(address: int) -> None:
    _given.pop(address, None)


def _forget_untaken(capsule: int) -> None:
    """Frees what nobody has taken out of a capsule."""
    for name in KINDS:
        if _dying_is_named(capsule, name):
            _forget(_dying_pointer(capsule, name))


_deleter = CFUNCTYPE(None, ctypes.c_void_p)(_forget)
_destructor = _Destructor(_forget_untaken)


def capsule_of(
    array: Array,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A capsule with the numbers of an array, which stay alive until its taker frees them.

    Args:
        array: whose numbers are shared, or copied if `copy` is true.
        max_version: the latest version of DLPack that the taker knows; without, it knows those
            before 1.0, which cannot say that numbers are not to be written to.
        dl_device: where the taker wants them; only the processor's memory is possible.
        copy: whether they must be copied.

    Raises:
        ArgumentError: another device.
    """
    if dl_device is not None and tuple(dl_device) != CPU:
        raise ArgumentError(f"tensors are in the processor's memory, {CPU}, not on {dl_device}")
    name = VERSIONED if max_version and max_version[0] >= 1 else UNVERSIONED
    managed = KINDS[name]()
    data = array.data[:] if copy else array.data
    if isinstance(managed, DLManagedTensorVersioned):
        managed.major, managed.minor = VERSION
        managed.flags = COPIED if copy else READ_ONLY
    managed.deleter = ctypes.cast(_deleter, ctypes.c_void_p).value
    shape = (ctypes.c_int64 * len(array.shape))(*array.shape)
    steps = (ctypes.c_int64 * len(array.shape))(*arrays.strides(array.shape))
    code, bits = CODES[array.dtype]
    managed.tensor = DLTensor(
        data.buffer_info()[0], *CPU, len(array.shape), code, bits, 1, shape, steps, 0
    )
    address = ctypes.addressof(managed)
    _given[address] = managed, shape, steps, memoryview(data)  # a view, so that it stays in place
    return _new_capsule(address, name, _destructor)


# --- taking -------------------------------------------------------------------------------------


def array_of(giver: Any, copy: bool | None = None) -> Array | Borrowed:
    """The numbers that an object with ``__dlpack__`` gives.

    Args:
        giver: the object.
        copy: whether they are copied; None if they must be.

    Raises:
        ArgumentError: not such an object, or one in another memory than the processor's.
        DTypeError: values that are no real numbers of up to 64 bits, or that it does not give.
        CopyError: they must be copied, and `copy` is false.
    """
    if not (hasattr(giver, "__dlpack__") and hasattr(giver, "__dlpack_device__")):
        raise ArgumentError(
            f"from_dlpack() takes an array of another library, with the method __dlpack__, not "
            f"{type(giver).__name__}; for numbers, lists and buffers there is Tensor()"
        )
    device = giver.__dlpack_device__()
    if device[0] not in HOST:
        raise ArgumentError(
            f"the array is on device {tuple(device)} of DLPack's kinds; copy it to the processor's "
            "memory first"
        )
    try:
        capsule = giver.__dlpack__(max_version=VERSION)
    except TypeError:  # it is older than DLPack 1.0
        capsule = giver.__dlpack__()
    except BufferError as error:  # of what requires a gradient, for one
        raise DTypeError(f"{type(giver).__name__} gives no numbers: {error}") from error
    # The capsule is not marked as taken, so it frees the numbers itself when it goes: after they
    # were copied, or with the array that has borrowed them and keeps it.
    for name, kind in KINDS.items():
        if _is_named(capsule, name):
            given = kind.from_address(_pointer(capsule, name)).tensor
            shared = None if copy else _borrowed(given, capsule)
            if copy is False and shared is None:
                raise CopyError(
                    "from_dlpack() cannot share this array: only floats of 32 or 64 bits that lie "
                    "in row-major order can be; leave out copy=False"
                )
            return shared or _copied(given)
    raise ArgumentError(f"{type(giver).__name__}.__dlpack__() gave no capsule that is known")


def _layout(given: DLTensor) -> tuple[Shape, Shape]:
    """The shape, and the steps along each axis."""
    shape = tuple(given.shape[axis] for axis in range(given.ndim))
    if not given.strides:
        return shape, arrays.strides(shape)
    return shape, tuple(given.strides[axis] for axis in range(given.ndim))


def _borrowed(given: DLTensor, owner: object) -> Borrowed | None:
    """The numbers where they lie; None if they must be copied to be of use."""
    code: Any = FORMATS.get((given.code, given.bits)) if given.lanes == 1 else None
    shape, steps = _layout(given)
    start, size = (given.data or 0) + given.byte_offset, prod(shape)
    if code not in SHARED or not size or start % (given.bits // 8):
        return None
    if not _lies_in_order(shape, steps, arrays.strides(shape)):
        return None
    memory = (ctypes.c_char * (size * given.bits // 8)).from_address(start)
    return Borrowed(memoryview(memory).cast("B").cast(code), shape, SHARED[code], owner)


def _copied(given: DLTensor) -> Array:
    code: Any = FORMATS.get((given.code, given.bits)) if given.lanes == 1 else None
    if code is None:
        raise DTypeError(
            f"values of DLPack's type code {given.code} with {given.bits} bits cannot become a "
            "tensor; convert them to floats, integers or bools of up to 64 bits first"
        )
    shape, steps = _layout(given)
    if not prod(shape):
        return _flat(memoryview(b""), code)._replace(shape=shape)
    reach = [(size - 1) * step for size, step in zip(shape, steps, strict=True)]
    first, last = sum(min(0, r) for r in reach), sum(max(0, r) for r in reach)
    size = given.bits // 8
    start = given.data + given.byte_offset + first * size
    memory = (ctypes.c_char * ((last - first + 1) * size)).from_address(start)
    flat = _flat(memoryview(memory).cast("B"), code)
    if _lies_in_order(shape, steps, arrays.strides(shape)):
        return flat._replace(shape=shape)
    places = arrays.offsets(shape, steps, -first)
    return arrays.new(map(flat.data.__getitem__, places), shape, flat.dtype)


def _flat(raw: memoryview, code: Any) -> Array:
    """The numbers of a format in raw memory."""
    if code == "e":  # which memoryview does not know
        halves = struct.unpack(f"{len(raw) // 2}e", raw)
        return arrays.new(halves, (len(halves),), "float32")
    return to_array(raw.cast(code))


def _lies_in_order(shape: Shape, steps: Shape, row_major: Shape) -> bool:
    """Whether elements lie in row-major order; steps along an axis of one element do not count."""
    return all(
        size == 1 or step == expected
        for size, step, expected in zip(shape, steps, row_major, strict=True)
    )
