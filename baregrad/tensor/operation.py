"""What a primitive operation is: a name, a shape rule, a forward rule and a gradient rule.

The shape rule says the shape and data type of the result from those of the inputs, and raises when
they do not fit; so nothing is computed before its shapes have been checked. Shape rules shared by
several operations are here too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from math import prod
from operator import index
from typing import Any, NamedTuple, NoReturn, Protocol

from baregrad.engines import reference
from baregrad.engines.array import Array, DType, Shape, broadcast_shapes
from baregrad.errors import ArgumentError, DTypeError, GradientError, ShapeError


class Typed(Protocol):
    """Anything with a shape and a data type: a tensor, an array, a symbol."""

    @property
    def shape(self) -> Shape:
        """The size along each axis."""
        ...

    @property
    def dtype(self) -> DType:
        """The data type."""
        ...


Spec = tuple[Shape, DType]
ShapeRule = Callable[..., Spec]

# A vector-Jacobian product: from the gradient g of the loss with respect to the output, the
# output itself and the inputs, the gradient with respect to one input. Written with tensor
# operators, so that gradients have gradients.
VJP = Callable[..., Any]


class Operation(NamedTuple):
    """One row of the table of operations.

    Attributes:
        name: what pictures and messages call it.
        infer: the shape rule, `infer(*inputs, **attributes) -> (shape, dtype)`; None if the
            forward rule itself checks.
        forward: the value, `forward(*arrays, **attributes) -> Array`.
        vjps: for each input its gradient rule, `vjp(g, output, *inputs, **attributes)`, or None
            where the operation is not differentiable in it; empty if it is in none. g has the
            shape of the output; the result may have any shape that broadcasts from the input's.
    """

    name: str
    infer: ShapeRule | None
    forward: Callable[..., Array]
    vjps: Iterable[VJP | None] = ()

    def __deepcopy__(self, memo: Any) -> "Operation":
        return self  # a graph that is copied was made by the same operations

    def __reduce__(self) -> NoReturn:
        raise GradientError(
            f"a result of {self.name} cannot be pickled, since the rules that made it are "
            "functions of this process: detach() it first"
        )

    def __repr__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name


class EveryInput:
    """One gradient rule for any number of inputs, which is told by `index` which one it is for."""

    def __init__(self, rule: VJP) -> None:
        self.rule = rule

    def __iter__(self) -> Iterator[VJP]:
        return (partial(self.rule, index=index) for index in count())


def elementwise(
    name: str, function: Callable[..., Any], *vjps: VJP | None, dtype: DType | None = None
) -> Operation:
    """The row of an operation on corresponding elements, under broadcasting.

    `function` takes and returns Python numbers. The result has data type `dtype`, or else that of
    the last input.
    """

    def infer(*inputs: Typed) -> Spec:
        try:
            shape = broadcast_shapes(*(x.shape for x in inputs))
        except ShapeError as error:
            raise ShapeError(f"{name}: {error}") from None
        return shape, dtype or inputs[-1].dtype

    def forward(*inputs: Array) -> Array:
        return reference.elementwise(function, *inputs, dtype=dtype or inputs[-1].dtype)

    return Operation(name, infer, forward, vjps)


def normalized_axis(axis: int, ndim: int, name: str) -> int:
    """`axis` counted from the front.

    Raises:
        ArgumentError: there is no such axis.
    """
    try:
        axis = index(axis)
    except TypeError:
        raise ArgumentError(f"{name}: an axis is numbered by an integer, not {axis!r}") from None
    if not -ndim <= axis < ndim:
        raise ArgumentError(
            f"{name}: axis {axis} does not exist; the axes are {-ndim} to {ndim - 1}"
            if ndim
            else f"{name}: axis {axis} does not exist in a scalar, which has no axes"
        )
    return axis % ndim


def unpacked(sizes: tuple[Any, ...]) -> tuple[Any, ...]:
    """Allows both ``f(2, 3)`` and ``f((2, 3))``."""
    if len(sizes) == 1 and isinstance(sizes[0], Sequence):
        return tuple(sizes[0])
    return sizes


def checked_shape(sizes: Sequence[Any], name: str, least: int = 0) -> Shape:
    """`sizes` as a shape; -1, for a size to be found, is one if it is the `least`.

    Raises:
        ArgumentError: a size that is less or no integer.
    """
    with suppress(TypeError):
        shape = tuple(map(index, sizes))
        if min(shape, default=0) >= least:
            return shape
    raise ArgumentError(
        f"{name}: a shape is made of integers that are 0 or more, not {tuple(sizes)}"
    )


def infer_reduction(x: Typed, axes: Shape, keepdims: bool, dtype: DType | None = None) -> Spec:
    """A reduction drops its axes, or keeps them with size 1."""
    sizes = [
        1 if axis in axes else size
        for axis, size in enumerate(x.shape)
        if keepdims or axis not in axes
    ]
    return tuple(sizes), dtype or x.dtype


def infer_selection(
    x: Typed, axes: Shape, keepdims: bool, name: str, dtype: DType | None = None
) -> Spec:
    """As `infer_reduction`, but there must be something to select from."""
    if any(x.shape[axis] == 0 for axis in axes):
        raise ShapeError(
            f"{name} of no elements: shape {x.shape} has size 0 along axes {axes}, "
            "and there is no largest or smallest of nothing"
        )
    return infer_reduction(x, axes, keepdims, dtype)


def infer_matmul(x: Typed, y: Typed) -> Spec:
    """(..., m, k) @ (..., k, n) -> (..., m, n)."""
    if x.shape[-1] != y.shape[-2]:
        raise ShapeError(
            f"matmul: {x.shape} @ {y.shape}: the last axis of the left ({x.shape[-1]}) must have "
            f"the size of the last but one of the right ({y.shape[-2]})"
        )
    try:
        batch = broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ShapeError as error:
        raise ShapeError(f"matmul: {x.shape} @ {y.shape}: leading {error}") from None
    return (*batch, x.shape[-2], y.shape[-1]), x.dtype


def infer_reshape(x: Typed, shape: Shape) -> Spec:
    """As many elements as before."""
    if prod(shape) != prod(x.shape):
        raise ShapeError(
            f"reshape: {x.shape} has {prod(x.shape)} elements and {shape} would have {prod(shape)}"
        )
    return shape, x.dtype


def infer_permute(x: Typed, axes: Shape) -> Spec:
    """Every axis once."""
    if sorted(axes) != list(range(len(x.shape))):
        raise ArgumentError(
            f"permute: axes {axes} must name each of the {len(x.shape)} axes of {x.shape} once"
        )
    return tuple(x.shape[axis] for axis in axes), x.dtype


def infer_expand(x: Typed, shape: Shape) -> Spec:
    """A shape that `x` broadcasts to."""
    checked_shape(shape, "expand")
    try:
        fits = broadcast_shapes(x.shape, shape) == shape
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(
            f"expand: {x.shape} does not broadcast to {shape}; only axes of size 1 can grow, "
            "and new axes come in front"
        )
    return shape, x.dtype


def infer_concat(*inputs: Typed, axis: int) -> Spec:
    """Equal sizes but along the axis, where they add up."""
    shape = inputs[0].shape
    for x in inputs:
        if len(x.shape) != len(shape):
            raise ShapeError(
                f"concat: shapes {shape} and {x.shape} differ in the number of axes; use "
                "unsqueeze() to add one"
            )
        if (*x.shape[:axis], *x.shape[axis + 1 :]) != (*shape[:axis], *shape[axis + 1 :]):
            raise ShapeError(
                f"concat: shapes {shape} and {x.shape} differ elsewhere than along axis {axis}"
            )
    total = sum(x.shape[axis] for x in inputs)
    return (*shape[:axis], total, *shape[axis + 1 :]), inputs[0].dtype


def infer_take(x: Typed, indices: Typed, axis: int) -> Spec:
    """The axis gives way to the axes of the indices."""
    if indices.dtype != "int64":
        raise DTypeError(f"take: indices must be int64, not {indices.dtype}")
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype


def infer_scatter_add(x: Typed, indices: Typed, axis: int, size: int) -> Spec:
    """The axes of the indices give way to one axis of `size`."""
    return (*x.shape[:axis], size, *x.shape[axis + len(indices.shape) :]), x.dtype
