"""Kernels: what fusion makes of a program, and what vector code is generated from.

A kernel runs over a two-dimensional index space of `rows` × `columns`; tensors of more axes are
collapsed to two. Within it there is an expression, a list of *nodes* in which each refers to
earlier ones by their place in the list, and there are *stores* of some of the nodes. The kinds:

- `Map`: the expression is evaluated at each place. It may contain sums and maxima along a row,
  whose results can be used again in the same row (softmax, layer norm), and along the rows.
- `Contraction`: a matrix product; the expression is its epilogue, evaluated at each place of the
  product once its sum over `depth` is complete. It has no reductions.
- `Index`: rows chosen by integers, rows added up at integers, the place of the largest in a row.
- `Batch`: matrix products, without an epilogue.
- `Copy`: strided arrays, laid into one.
- `Uniform`: random numbers.

**Extents.** A node does not always differ from place to place. Its extent is made of two bits, so
that the extent of a sum of two nodes is the bitwise or of theirs: `ROWS` if it varies from row to
row, `COLUMNS` if it varies along a row; `FULL` is both, and `SCALAR` neither.

**Order of evaluation.** A `Reduce` over `COLUMNS` ends with its row: what uses it belongs to the
next pass over the same row. A `Reduce` over `ROWS` (or both) ends with the whole space: it and
what uses it are *late*, and have neither the extent `ROWS` nor `FULL`.

**In place.** A buffer that a kernel stores to may lie where one that it loads from lies. Then both
have the same access and extent, so a kernel must behave as if, at each place, all loads (of every
pass) came before the stores; and late stores came after everything else.

**In memory** float32 takes 4 bytes and int64 takes 8; a bool takes 4 and is 0 or 1, as vectors have
no smaller elements.
"""

from math import prod
from typing import Final, TypeAlias

from baregrad.engines.array import DType, Shape
from baregrad.record import Record

_NARROW: Final = (2, 4)  # columns; they divide the lanes of every target

# Extents, and what a reduction runs over.
SCALAR: Final = 0
ROWS: Final = 1
COLUMNS: Final = 2
FULL: Final = ROWS | COLUMNS

ITEMSIZE: Final[dict[DType, int]] = {"float32": 4, "float64": 8, "int64": 8, "bool": 4}

# The primitives that an `Apply` may name.
ARITHMETIC: Final = frozenset({"add", "subtract", "multiply", "divide", "power", "negative", "abs"})
FUNCTIONS: Final = frozenset(
    {"exp", "expm1", "log", "sqrt", "sin", "cos", "erf", "tanh", "sigmoid", "softplus"}
)
COMPARISONS: Final = frozenset({"equal", "not_equal", "less", "less_equal"})
ELEMENTWISE: Final = ARITHMETIC | FUNCTIONS | COMPARISONS | {"maximum", "where", "cast"}


class Buffer(Record):
    """Dense memory for the elements of one value, in row-major order.

    Attributes:
        number: its place in the list of buffers.
        dtype: of the elements.
        size: how many elements.
        name: for people.
    """

    number: int
    dtype: DType
    size: int
    name: str


class Access(Record):
    """Where in a buffer the element for a place lies: `offset + row * rows + column * columns`.

    Counted in elements. A step along an axis of size 1 is 0. A dense matrix has (columns, 1),
    its transpose (1, rows), one element per row (1, 0), one per column (0, 1), a scalar (0, 0).
    """

    row: int
    column: int
    offset: int = 0


# --- nodes ----------------------------------------------------------------------------------


class Load(Record):
    """Elements of a buffer."""

    buffer: Buffer
    access: Access
    extent: int
    dtype: DType


class Constant(Record):
    """The same number everywhere."""

    value: float
    dtype: DType
    extent: int = SCALAR


class Accumulator(Record):
    """In the epilogue of a contraction, the element of the matrix product."""

    dtype: DType = "float32"
    extent: int = FULL


class Apply(Record):
    """An element-wise primitive; of a ``"cast"`` the target is `dtype`."""

    op: str
    inputs: tuple[int, ...]
    dtype: DType
    extent: int


class Reduce(Record):
    """A ``"sum"`` or ``"max"`` of the node `input` over what it varies with.

    `over` is COLUMNS, ROWS or both; the extent is that of the input without these bits. The
    maximum is NaN if there is one among the elements.
    """

    op: str
    input: int
    over: int
    dtype: DType
    extent: int


Node: TypeAlias = Load | Constant | Accumulator | Apply | Reduce


class Store(Record):
    """The node to be stored, where, and by which access: dense, with offset 0.

    The access says how many elements: a node of a smaller extent is repeated. Where there is more
    than one row, the steps of a late node have no step from row to row, and others have one.
    """

    node: int
    buffer: Buffer
    access: Access


# --- kernels --------------------------------------------------------------------------------


class Map(Record):
    """An expression over rows × columns; with a single row where every access allows it."""

    rows: int
    columns: int
    nodes: list[Node]
    stores: list[Store]


class Operand(Record):
    """A matrix in memory. One of the two steps is 1, or the axis it belongs to has size 1.

    Of an axis of size 1 the step may be any.
    """

    buffer: Buffer
    access: Access


class Contraction(Record):
    """left (rows, depth) @ right (depth, columns), and an epilogue."""

    rows: int
    columns: int
    depth: int
    left: Operand
    right: Operand
    nodes: list[Node]
    stores: list[Store]


class Index(Record):
    """Rows of `columns` elements each, dense.

    Attributes:
        op: ``"take"``: row i of the target is row `indices[i]` of the source.
            ``"scatter_add"``: row i of the source is added to row `indices[i]` of the target,
            which is 0 before. ``"argmax"``: the place of the first largest element, or of the first
            NaN, in each row of the source.
        rows: of the source.
        columns: of the source.
        source: what is chosen from, added up or searched.
        indices: int64; None for ``"argmax"``.
        target: the result.
    """

    op: str
    rows: int
    columns: int
    source: Buffer
    indices: Buffer | None
    target: Buffer


class Batch(Record):
    """A matrix product at each place of a batch: left (rows, depth) @ right (depth, columns).

    Attributes:
        products: how many.
        rows: of each.
        columns: of each.
        depth: of each.
        left: the first left matrix.
        right: the first right matrix.
        left_step: elements from one left matrix to the next; 0 where all products share it.
        right_step: likewise.
        target: the products, dense, one after another.
    """

    products: int
    rows: int
    columns: int
    depth: int
    left: Operand
    right: Operand
    left_step: int
    right_step: int
    target: Buffer


class Part(Record):
    """A strided array that is laid into another.

    Attributes:
        buffer: what it is read from; None where it is one number, `value`.
        shape: of both arrays.
        steps: from element to element, along each axis.
        offset: of the first element.
        into: the steps in the target.
        begin: the place of its first element in the target.
        value: the number.
    """

    buffer: Buffer | None
    shape: Shape
    steps: Shape
    offset: int
    into: Shape
    begin: int
    value: float = 0.0


class Copy(Record):
    """Arrays laid into one, which is 0 elsewhere; no two of them at the same place.

    Attributes:
        op: the primitive, ``"concat"`` or ``"unslice"``, or ``"copy"``.
        parts: what is laid into the target.
        target: the result, dense.
    """

    op: str
    parts: list[Part]
    target: Buffer

    @property
    def is_covered(self) -> bool:
        """Whether there is nothing elsewhere."""
        return sum(prod(part.shape) for part in self.parts) == self.target.size


class Uniform(Record):
    """Random numbers in [0, 1), as `reference.uniform` has them.

    Attributes:
        seed: of the generator.
        stream: of the generator.
        start: an int64, the index of the first number in the stream.
        target: the numbers.
    """

    seed: int
    stream: int
    start: Buffer
    target: Buffer


Kernel: TypeAlias = Map | Contraction | Index | Batch | Copy | Uniform


def buffers_read(kernel: Kernel) -> set[Buffer]:
    """What a kernel loads from."""
    if isinstance(kernel, Copy):
        return {part.buffer for part in kernel.parts if part.buffer is not None}
    if isinstance(kernel, Index):
        return {kernel.source} if kernel.indices is None else {kernel.source, kernel.indices}
    if isinstance(kernel, Uniform):
        return {kernel.start}
    if isinstance(kernel, Batch):
        return {kernel.left.buffer, kernel.right.buffer}
    loaded = {node.buffer for node in kernel.nodes if isinstance(node, Load)}
    if isinstance(kernel, Contraction):
        loaded |= {kernel.left.buffer, kernel.right.buffer}
    return loaded


def buffers_written(kernel: Kernel) -> set[Buffer]:
    """What a kernel stores to."""
    if isinstance(kernel, Map | Contraction):
        return {store.buffer for store in kernel.stores}
    return {kernel.target}


def late_nodes(kernel: Map | Contraction) -> list[bool]:
    """For each node whether it is known only after all rows."""
    late: list[bool] = []
    for node in kernel.nodes:
        if isinstance(node, Reduce):
            late.append(bool(node.over & ROWS) or late[node.input])
        else:
            late.append(isinstance(node, Apply) and any(late[i] for i in node.inputs))
    return late


def is_narrow(kernel: Map) -> bool:
    """Whether rows are so short that they share vectors, and all that is stored lies densely."""
    if kernel.columns not in _NARROW or kernel.rows < 2:
        return False
    if any(isinstance(node, Reduce) and node.dtype != "float32" for node in kernel.nodes):
        return False
    late = late_nodes(kernel)
    return all(late[s.node] or s.access[:2] == (kernel.columns, 1) for s in kernel.stores)
