"""The tensor: a value, and the memory of how it was made."""

from __future__ import annotations

import sys
from math import prod
from typing import Any, Self

from baregrad.engines.array import FLOATS, Array, DType
from baregrad.engines.pending import exposed
from baregrad.errors import CopyError, DTypeError, GradientError, ShapeError
from baregrad.tensor import autograd, text
from baregrad.tensor.arithmetic import Operand
from baregrad.tensor.borrowed import borrowed, lent_to
from baregrad.tensor.convert import buffer_array, checked_dtype, converted, to_array
from baregrad.tensor.graph import Node
from baregrad.tensor.indexing import Indexing

# The letter and the number of bytes by which NumPy's array interface tells data types.
NUMPY_KINDS: dict[DType, str] = {"float32": "f4", "float64": "f8", "int64": "i8", "bool": "b1"}


class Tensor(Indexing):
    """An n-dimensional array of numbers that keeps its parents and the operation that made it.

    Args:
        data: a number, a nested sequence of numbers, `array.array`, or anything with the buffer
            protocol (a NumPy array) or DLPack (a PyTorch tensor); its values are copied.
        dtype: ``"float32"``, ``"float64"``, ``"int64"`` or ``"bool"``. By default a buffer keeps
            its own; Python floats become float32, integers int64, and float32 if `requires_grad`.
        requires_grad: whether `backward()` computes a gradient for it.
        name: what pictures and messages call it.

    Raises:
        ShapeError: a ragged sequence.
        DTypeError: something that is not a number; `requires_grad` for integers or bools.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    Tensor([2.0, 4.0, 6.0])
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any,
        dtype: DType | None = None,
        requires_grad: bool = False,
        name: str | None = None,
    ) -> None:
        if dtype is not None:
            checked_dtype(dtype)
        array = _array_of(data, dtype)
        if dtype is None and requires_grad and array.dtype not in FLOATS:
            dtype = "float32"
        super().__init__(converted(array, dtype or array.dtype), requires_grad, name)

    def item(self) -> Any:
        """The one element, as a Python number.

        Raises:
            ShapeError: there is not exactly one.
        """
        if self.size != 1:
            raise ShapeError(f"item(): shape {self.shape} has {self.size} elements, not one")
        value = self.array.data[0]
        return bool(value) if self.dtype == "bool" else value

    def tolist(self) -> Any:
        """Nested lists of Python numbers; of a scalar, the number."""
        values: list[Any] = self.array.data.tolist()
        if self.dtype == "bool":
            values = [value != 0 for value in values]
        if self.ndim == 0:
            return values[0]
        for axis in range(self.ndim - 1, 0, -1):
            size, rows = self.shape[axis], prod(self.shape[:axis])
            values = [values[i * size : (i + 1) * size] for i in range(rows)]
        return values

    def buffer(self) -> memoryview:
        """A read-only view of the elements in row-major order, without a copy."""
        return memoryview(self.array.data).toreadonly()

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """Lets NumPy read the elements without a copy: ``numpy.asarray(x)``, which is read-only.

        It shows the value of this moment, as `assign` gives a tensor other elements. NumPy
        documents this interface as "The array interface protocol", version 3.
        """
        order = "<" if sys.byteorder == "little" else ">"
        return {
            "version": 3,
            "shape": self.shape,
            "typestr": order + NUMPY_KINDS[self.dtype],
            "data": self.buffer(),
        }

    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """Lets other libraries read the elements without a copy: ``torch.from_dlpack(x)``.

        They share the value of this moment, which is not to be written to: what is written there
        changes the tensor behind the back of `backward`. Libraries that know DLPack 1.0 are told
        so; others are not, and can ask for a copy. The arguments are those of the Python Array API
        standard.

        Raises:
            ArgumentError: another device than the processor is asked for.
        """
        from baregrad.tensor import dlpack  # loads ctypes

        if not copy:
            self.held = exposed(self)
        return dlpack.capsule_of(self.array, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        """The processor's memory, in DLPack's terms."""
        return (1, 0)

    def detach(self) -> Self:
        """The same value as a new leaf, which knows no parents and requires no gradient."""
        return self.leaf(lent_to(self) or self.array)

    def assign(self, value: Any) -> None:
        """Gives a leaf a new value; this is how optimizers update parameters.

        For a leaf that requires a gradient, ``w -= change`` within `no_grad()` does it, too.

        A graph that used the old value notices: `backward()` through it raises, as its gradient
        would be wrong.

        Raises:
            GradientError: not a leaf.
            ShapeError, DTypeError: the value is not of this tensor's shape, or not numbers.
        """
        new = _array_of(value, self.dtype)
        if new.shape != self.shape:
            raise ShapeError(
                f"assign: {self.label()} has shape {self.shape} and the value {new.shape}"
            )
        if new.dtype != self.dtype:
            raise DTypeError(
                f"assign: {self.label()} is {self.dtype} and the value {new.dtype}; convert it "
                f'with astype("{self.dtype}")'
            )
        self.replace(new)

    def _in_place(self, value: Self) -> Self:
        """What ``x += y`` makes of x: a parameter is assigned to, all else becomes another tensor.

        Raises:
            GradientError: a parameter within a recorded calculation, whose result it would become.
        """
        if self.op is not None or not self.requires_grad:
            return value
        if value.op is not None:
            raise GradientError(
                f"{self.label()} requires a gradient, and would become the result of an operation "
                "in place of a leaf. Update it within no_grad(); or write x = x + y for a new "
                "tensor"
            )
        self.assign(value)
        return self

    def __iadd__(self, other: Operand) -> Self:
        return self._in_place(self + other)

    def __isub__(self, other: Operand) -> Self:
        return self._in_place(self - other)

    def __imul__(self, other: Operand) -> Self:
        return self._in_place(self * other)

    def __itruediv__(self, other: Operand) -> Self:
        return self._in_place(self / other)

    def __ipow__(self, other: Operand) -> Self:
        return self._in_place(self**other)

    def backward(self, gradient: Self | None = None, create_graph: bool = False) -> None:
        """Computes the gradient of this scalar with respect to all that it is made from.

        It is added to `.grad` of every tensor in its graph that requires one. Set `.grad` to None
        (or call the optimizer's `zero_grad()`) to start anew.

        Args:
            gradient: what arrives at this tensor, of its shape; 1 for a scalar by default.
            create_graph: record the gradients, so that they can be differentiated again.

        Raises:
            GradientError: not a scalar and no `gradient`, nothing requires a gradient, or a leaf
                was assigned to, or given `requires_grad`, after it was used.
        """
        autograd.backward(self, gradient, create_graph)

    def __getstate__(self) -> Any:
        _ = self.array  # what is copied has numbers of its own
        return super().__getstate__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        from copy import deepcopy  # seldom needed

        for node in autograd.topological_order([self]):  # which may be deeper than Python's stack
            if id(node) not in memo:
                memo[id(node)] = copied = node.__new__(type(node))
                for part in node.__getstate__():
                    for name, value in (part or {}).items():
                        setattr(copied, name, deepcopy(value, memo))
        return memo[id(self)]  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return text.describe(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from baregrad.tensor import notebook  # only there

        return notebook.bundle(repr(self), notebook.tensor_html(self))

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(
                f"a tensor of shape {self.shape} is neither true nor false; compare with a single "
                "element, or count with (condition).sum()"
            )
        return bool(self.array.data[0])

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)


def _array_of(data: Any, dtype: DType | None) -> Array:
    """The numbers of a tensor, of another library's, or of all that `to_array` takes."""
    if isinstance(data, Node):
        return data.array
    if not _is_given_by_dlpack(data):
        return to_array(data, dtype)
    array = from_dlpack(data, copy=True).array
    return converted(array, dtype or array.dtype)


def _is_given_by_dlpack(data: Any) -> bool:
    """Whether this is the way to get numbers; NumPy's arrays are read as buffers."""
    return hasattr(data, "__dlpack__") and not hasattr(data, "__array_interface__")


def as_tensor(data: Any, dtype: DType | None = None) -> Tensor:
    """`data` itself if it is a tensor (of that data type), or else a tensor made from it."""
    if not isinstance(data, Tensor):
        return Tensor(data, dtype)
    return data if dtype is None else data.astype(dtype)


def shared(data: Any) -> Tensor:
    """As `as_tensor`, but floats of others are shared, if they can be: see `from_dlpack`."""
    if isinstance(data, Tensor):
        return data
    if _is_given_by_dlpack(data):
        return from_dlpack(data)
    held = borrowed(data)
    return Tensor(data) if held is None else Tensor.leaf(held)


def from_dlpack(x: Any, *, copy: bool | None = None) -> Tensor:
    """The numbers of another library's array (NumPy, PyTorch, JAX, CuPy in host memory).

    Floats of 32 and 64 bits in row-major order are shared, not copied: `fit`, `predict`, compiled
    steps and the choice of rows (``x[10:20]``, ``x.take(rows)``) read them where they lie, and the
    tensor keeps them alive. Any other operation first makes a copy, once, which the tensor has from
    then on. So a gradient is never computed from other numbers than its operation. Until that copy
    is made, what is written to the array is written to the tensor.

    All else is copied at once; 16-bit floats become float32, every integer int64. The arguments are
    those of the Python Array API standard.

    Args:
        x: an array with the method ``__dlpack__``.
        copy: True for numbers of its own, whatever is written to the array; False if there is to be
            no copy; None for a copy only where it is needed.

    Raises:
        ArgumentError: no method ``__dlpack__``, or another memory than the processor's.
        DTypeError: values that are no real numbers of up to 64 bits, such as bfloat16.
        CopyError: a copy is needed, and `copy` is False; a BufferError.
    """
    from baregrad.tensor import dlpack  # loads ctypes

    return Tensor.leaf(dlpack.array_of(x, copy))


def from_buffer(x: Any, *, copy: bool | None = None) -> Tensor:
    """The numbers of an object with the buffer protocol: `array.array`, `memoryview`, NumPy.

    They are shared or copied as by `from_dlpack`. So a tensor can be larger than memory:
    ``from_buffer(memoryview(mmap).cast("B").cast("f", (samples, features)))``.

    Args:
        x: the object.
        copy: as for `from_dlpack`.

    Raises:
        DTypeError: no buffer of real numbers in native byte order.
        CopyError: a copy is needed, and `copy` is False; a BufferError.
    """
    shared = None if copy else borrowed(x)
    if copy is False and shared is None:
        raise CopyError(
            "from_buffer() cannot share this: only floats of 32 or 64 bits that lie in row-major "
            "order can be; leave out copy=False"
        )
    return Tensor.leaf(shared or buffer_array(x))
