"""Operations that are computed when somebody looks at the result, and bools of machine code.

Both stand where an `Array` does.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import count
from math import prod
from operator import itemgetter
from typing import Any, ClassVar, Final, Protocol, TypeAlias
from weakref import ref

from baregrad.compiler.program import Program
from baregrad.compiler.value import INPUT, Value
from baregrad.engines.array import Array, Buffer, DType, Shape
from baregrad.engines.pending import Pending, known, references
from baregrad.engines.selection import LARGE, Kernel
from baregrad.tensor import primitives

MOST_DEFERRED: Final = 100  # operations that wait for each other: more take long to compile as one
MOST_WAITING: Final = 1 << 26  # elements that all operations read and write that wait: 256 MiB
LEAST_COUNTED: Final = 1 << 12  # elements of an operation that counts

# A result that is its input read otherwise is not stored beside its input.
_VIEWS: Final = (primitives.permute, primitives.reshape)
# Operations that raise, or not, by the numbers that they are given: indices.
_MAY_FAIL: Final = (primitives.take, primitives.scatter_add)


class Mask:
    """Bools as machine code writes them, 4 bytes each.

    Attributes:
        raw: the numbers, 0 or 1, as `array('i')`.
        shape: of the array.
    """

    __slots__ = ("_data", "raw", "shape")

    dtype: ClassVar[DType] = "bool"
    known: ClassVar[bool] = True

    def __init__(self, raw: Buffer, shape: Shape) -> None:
        self.raw = raw
        self.shape = shape
        self._data: Buffer | None = None

    @property
    def data(self) -> Buffer:
        """A byte for each element."""
        if self._data is None:
            self._data = array("B", self.raw.tobytes()[::4])  # x86 is little-endian
        return self._data

    def __reduce__(self) -> tuple[Any, ...]:
        return Array, (self.data, self.shape, self.dtype)


class Computing(Protocol):
    """An engine that computes deferred operations."""

    def compute(self, wanted: Deferred) -> Array:
        """The result of one, computed with all that it waits for."""
        ...


class Kind:
    """An operation with its attributes, on inputs of certain shapes and data types.

    Attributes:
        operation: the primitive.
        attributes: its other arguments.
        shape: of the result.
        dtype: of the result.
        size: elements that are read and written.
        may_wait: whether it cannot fail, whatever the numbers are, and is not empty.
        begins: whether it is deferred even if all inputs are there.
        is_view: whether the result is the input, read otherwise.
        counts: whether it is so large that the backlog counts it.
        engine: computes deferred operations of this kind.
    """

    __slots__ = (
        "attributes",
        "begins",
        "counts",
        "dtype",
        "engine",
        "is_view",
        "may_wait",
        "operation",
        "shape",
        "size",
    )

    def __init__(
        self,
        operation: Kernel,
        inputs: Sequence[Array],
        attributes: Mapping[str, Any],
        engine: Computing,
    ) -> None:
        assert operation.infer is not None
        self.operation = operation
        self.attributes = attributes
        self.shape, self.dtype = operation.infer(*inputs, **attributes)
        self.size = prod(self.shape) + sum(prod(x.shape) for x in inputs)
        # Integers may be too large. Vectors have no float64.
        vectors = self.dtype in ("float32", "bool") and all(x.dtype != "float64" for x in inputs)
        self.may_wait = vectors and 0 not in self.shape and operation not in _MAY_FAIL
        self.is_view = operation in _VIEWS
        self.counts = self.size >= LEAST_COUNTED and not self.is_view
        # Reshaping copies nothing. Transposing would, but whoever uses the result need not.
        large = self.size >= LARGE and operation is not primitives.reshape
        self.begins = large or operation is primitives.permute
        self.engine = engine


class Deferred(Pending):
    """The result of an operation that has not been computed.

    Attributes:
        kind: of the operation.
        inputs: what it reads; nothing once it is computed.
        size: elements read and written here and by all that this waits for, if less than LARGE.
        serial: each has a higher one than those that it waits for.
        since: it waits for no more operations than there are serials from this one on.
    """

    __slots__ = ("__weakref__", "inputs", "kind", "serial", "since", "size")

    size: int
    since: int

    def __init__(self, kind: Kind, inputs: Inputs) -> None:
        self.shape = kind.shape
        self.dtype = kind.dtype
        self.found = None
        self.kind = kind
        self.inputs = inputs
        self.serial = since = next(_serials)
        size = kind.size
        for x in inputs:
            if type(x) is Deferred:
                size += x.size
                if x.since < since:
                    since = x.since
        self.since = since
        self.size = size if size < LARGE else LARGE

    def is_long(self) -> bool:
        """Whether too many wait, counted anew: serials also go to other chains, and threads."""
        number = len(waiting(self))
        self.since = self.serial - number + 1
        return number > MOST_DEFERRED

    def compute(self) -> Array:
        """The array, from the kind's engine."""
        return self.kind.engine.compute(self)

    def settle(self, found: Array) -> None:
        """Notes what was found, unless another thread did; the inputs are no longer needed."""
        self.found = self.found or found  # first: who sees no inputs finds this
        self.inputs = ()


_serials = count(1)

Inputs: TypeAlias = tuple["Array | Deferred", ...]
# deferred operations with their inputs, each after those that it waits for
Order: TypeAlias = list[tuple[Deferred, Inputs]]


class Backlog:
    """The operations that wait, as far as they are large, so that all together are not too large.

    What waits keeps what it reads, be it a batch of samples of which only the loss is wanted.
    """

    def __init__(self) -> None:
        self._operations: list[ref[Deferred]] = []
        self._size = 0  # of these, many of which may be computed or gone

    def add(self, deferred: Deferred) -> None:
        """Counts an operation; if too much waits, all is computed."""
        self._operations.append(ref(deferred))
        self._size += deferred.kind.size
        if self._size > MOST_WAITING:
            self._look_through()

    def _look_through(self) -> None:
        still, size = [], 0
        for operation in self._operations:
            found = operation()
            if found is not None and found.found is None:
                still.append(operation)
                size += found.kind.size
        if size > MOST_WAITING:
            size = 0
            while still:  # from the last on: what it alone needs goes with it
                found = still.pop()()
                if found is not None and found.found is None:
                    found.compute()
        self._operations, self._size = still, size


def waiting(wanted: Deferred) -> Order:
    """A deferred operation and all that it waits for."""
    order = [(wanted, wanted.inputs)]
    seen = {id(wanted)}
    for _, inputs in order:
        for x in inputs:
            if type(x) is Deferred and id(x) not in seen:
                read = x.inputs  # before it is seen that it has none, as another thread settled it
                if x.found is None:
                    seen.add(id(x))
                    order.append((x, read))
    return sorted(order, key=_serial_of)


def _serial_of(pair: tuple[Deferred, Inputs]) -> int:
    return pair[0].serial


def to_be_stored(order: Order) -> list[int]:
    """The places of the operations whose results somebody may still ask for; the last is wanted.

    A view is not stored but what it reads is.
    """
    places = {id(deferred): place for place, (deferred, _) in enumerate(order)}
    # of each, those that are in no tuple of the order
    others = [n - 1 for n in references(list(map(itemgetter(0), order)))]
    stored = []
    for place in range(len(order) - 1, -1, -1):
        deferred, inputs = order[place]
        is_asked_for = others[place] > 0 or place == len(order) - 1
        if is_asked_for and deferred.kind.is_view and place < len(order) - 1:
            continue
        if is_asked_for:
            stored.append(place)
        for x in inputs:
            if id(x) in places:
                others[places[id(x)]] -= 1
    return stored[::-1]


def structure(order: Order) -> tuple[list[Any], list[Array]]:
    """What the function of deferred operations depends on, and the arrays that it reads.

    Of each operation the kind, then for each input its place in the order, or -1, -2 and so on for
    the arrays.
    """
    places = {id(deferred): place for place, (deferred, _) in enumerate(order)}
    sources: list[Array] = []
    key: list[Any] = []
    for deferred, inputs in order:
        key.append(deferred.kind)
        for x in inputs:
            place = places.get(id(x))
            if place is None:
                x = known(x)
                place = places.setdefault(id(x), -1 - len(sources))
                if place == -1 - len(sources):
                    sources.append(x)
            key.append(place)
    return key, sources


def program_of(
    order: Order, key: Sequence[Any], sources: list[Array], stored: list[int]
) -> Program:
    """What deferred operations compute of arrays; with the results at some places of the order.

    Args:
        order: the operations.
        key: their structure. What they read is not looked up again: another thread may have
            computed some of it anew.
        sources: the arrays that they read.
        stored: the places.
    """
    arguments = [Value(INPUT, (), {"name": "x"}, x.shape, x.dtype) for x in sources]
    values = {-1 - number: value for number, value in enumerate(arguments)}
    places = iter(key)
    for place, (_, inputs) in enumerate(order):
        kind = next(places)
        operands = tuple([values[next(places)] for _ in inputs])
        name = kind.operation.name
        values[place] = Value(name, operands, kind.attributes, kind.shape, kind.dtype)
    return Program(arguments, {}, {}, [values[place] for place in stored])
