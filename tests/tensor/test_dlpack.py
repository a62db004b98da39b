"""Arrays from and for other libraries, without a copy."""

import ctypes
import gc

import pytest

from baregrad.errors import ArgumentError, CopyError, DTypeError
from baregrad.tensor import dlpack
from baregrad.tensor.borrowed import Borrowed, address_of, readable
from baregrad.tensor.tensor import Tensor, from_dlpack

DTYPES = ["float32", "float64", "int64", "bool"]


class Giver:
    """An array of another library: a tensor's capsule, changed as a test needs it."""

    def __init__(self, data, device=(1, 0), dtype=None, **changes):
        self.tensor, self.device, self.changes = Tensor(data, dtype), device, changes
        self.kept = []  # alive as long as this

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, *, max_version=None):
        capsule = self.tensor.__dlpack__(max_version=max_version)
        name = dlpack.VERSIONED if max_version else dlpack.UNVERSIONED
        managed = dlpack.KINDS[name].from_address(dlpack._pointer(capsule, name))
        for field, value in self.changes.items():
            if isinstance(value, list):
                value = (ctypes.c_int64 * len(value))(*value)
                self.kept.append(value)
            setattr(managed.tensor, field, value)
        return capsule


class OldGiver(Giver):
    """A library that knows no versions."""

    def __dlpack__(self):
        return super().__dlpack__()


@pytest.mark.parametrize("giver", [Tensor, Giver, OldGiver])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_given_can_be_taken(giver, dtype):
    x = giver([[1, 0, 1], [0, 1, 1]], dtype=dtype)
    taken = from_dlpack(x)
    assert (taken.tolist(), taken.dtype) == ([[1, 0, 1], [0, 1, 1]], dtype)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1, 1, 1)])
def test_every_shape_can_be_taken(shape):
    x = Tensor([1.0] * (0 not in shape)).reshape(*shape)
    assert from_dlpack(x).shape == shape


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"strides": [1, 3], "shape": [3, 2]}, [[0, 3], [1, 4], [2, 5]]),
        ({"strides": [3, 2], "shape": [2, 2]}, [[0, 2], [3, 5]]),
        ({"strides": [-3, -1], "byte_offset": 20}, [[5, 4, 3], [2, 1, 0]]),
        ({"strides": [0, 1]}, [[0, 1, 2], [0, 1, 2]]),
        ({"strides": None}, [[0, 1, 2], [3, 4, 5]]),
        ({"strides": [99, 1], "shape": [1, 3]}, [[0, 1, 2]]),
    ],
)
def test_every_way_to_lie_in_memory_is_read(changes, expected):
    assert from_dlpack(Giver([[0.0, 1, 2], [3, 4, 5]], **changes)).tolist() == expected


@pytest.mark.parametrize(("copy", "shares"), [(None, True), (False, True), (True, False)])
def test_a_taken_tensor_has_its_own_numbers_only_where_that_is_asked_for(copy, shares):
    x = Tensor([[1.0, 2.0]], "float64")
    taken = from_dlpack(x, copy=copy)
    assert isinstance(taken.held, Borrowed) == shares
    assert (address_of(readable(taken)) == address_of(x.array.data)) == shares
    assert taken.tolist() == x.tolist()


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ([1, 2], {}),
        ([1.0, 2.0, 3.0, 4.0], {"strides": [2], "shape": [2]}),
        ([1.0, 2.0], {"shape": [0]}),
        ([1.0, 2.0], {"shape": [1], "byte_offset": 2}),
    ],
)
def test_what_must_be_copied_is_refused_where_that_is_not_wanted(data, changes):
    with pytest.raises(CopyError, match="only floats of 32 or 64 bits that lie in row-major order"):
        from_dlpack(Giver(data, **changes), copy=False)


def test_what_nobody_has_taken_is_freed_with_its_capsule():
    before = len(dlpack._given)
    capsules = [Tensor([1.0]).__dlpack__(max_version=v) for v in (None, (1, 0))]
    assert len(dlpack._given) == before + 2
    del capsules
    gc.collect()
    assert len(dlpack._given) == before


def test_a_copy_can_be_asked_for():
    x = Tensor([1.0, 2.0])
    for copy, shared, flags in [(None, True, dlpack.READ_ONLY), (True, False, dlpack.COPIED)]:
        capsule = x.__dlpack__(max_version=(1, 1), copy=copy)
        address = dlpack._pointer(capsule, dlpack.VERSIONED)
        managed = dlpack.DLManagedTensorVersioned.from_address(address)
        assert (managed.tensor.data == x.array.data.buffer_info()[0]) == shared
        assert (managed.major, managed.flags) == (1, flags)


def test_another_device_cannot_be_asked_for():
    with pytest.raises(ArgumentError, match=r"processor's memory, \(1, 0\), not on \(2, 0\)"):
        Tensor([1.0]).__dlpack__(dl_device=(2, 0))
    assert Tensor([1.0]).__dlpack_device__() == (1, 0)


def test_an_array_on_another_device_is_refused():
    with pytest.raises(ArgumentError, match=r"device \(2, 0\).*copy it to the processor"):
        from_dlpack(Giver([1.0], device=(2, 0)))


def test_what_gives_nothing_is_refused():
    with pytest.raises(ArgumentError, match="with the method __dlpack__, not list"):
        from_dlpack([1.0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_can_be_made_of_what_gives_its_numbers(dtype):
    giver = Giver([[1, 0], [0, 1]], dtype=dtype)
    made = Tensor(giver)
    assert (made.tolist(), made.dtype) == ([[1, 0], [0, 1]], dtype)
    giver.tensor.assign([[1, 1], [1, 1]])
    assert made.tolist() == [[1, 0], [0, 1]]
    assert Tensor(giver, "float64").dtype == "float64"
    leaf = Tensor([[0.0, 0.0], [0.0, 0.0]])
    leaf.assign(giver)
    assert (leaf.tolist(), leaf.dtype) == ([[1, 1], [1, 1]], "float32")


def test_what_keeps_its_numbers_is_refused():
    class Keeper(Giver):
        def __dlpack__(self, *, max_version=None):
            raise BufferError("use detach()")

    with pytest.raises(DTypeError, match=r"Keeper gives no numbers: use detach\(\)"):
        Tensor(Keeper([1.0]))


def test_what_gives_no_capsule_is_refused():
    giver = Giver([1.0])
    giver.__class__ = type("Odd", (Giver,), {"__dlpack__": lambda self, max_version: 3})
    with pytest.raises(ArgumentError, match=r"Odd.__dlpack__\(\) gave no capsule"):
        from_dlpack(giver)


@pytest.mark.parametrize(
    "changes", [{"code": 4, "bits": 16}, {"code": 5, "bits": 64}, {"lanes": 2}]
)
def test_values_that_are_no_real_numbers_are_refused(changes):
    with pytest.raises(DTypeError, match="cannot become a tensor; convert them"):
        from_dlpack(Giver([1.0], **changes))


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_reads_without_a_copy_and_may_not_write(dtype):
    numpy = pytest.importorskip("numpy")
    x = Tensor([[1, 0], [0, 1]], dtype)
    seen = numpy.from_dlpack(x)
    assert (seen.tolist(), str(seen.dtype)) == (x.tolist(), dtype)
    assert seen.ctypes.data == x.array.data.buffer_info()[0]
    assert not seen.flags.writeable
    address = seen.ctypes.data
    del x
    gc.collect()
    assert seen.ctypes.data == address
    assert seen.tolist() == [[1, 0], [0, 1]]
    count = len(dlpack._given)
    del seen
    gc.collect()
    assert len(dlpack._given) == count - 1


@pytest.mark.parametrize("kind", ["int8", "uint16", "int32", "float16", "float32", "bool"])
def test_numpy_arrays_are_taken(kind):
    numpy = pytest.importorskip("numpy")
    values = numpy.array([[1, 0, 1], [0, 1, 0]], kind)
    assert from_dlpack(values).tolist() == values.tolist()
    assert from_dlpack(values.T[::-1]).tolist() == values.T[::-1].tolist()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_reads_without_a_copy_and_its_tensors_are_taken(dtype):
    torch = pytest.importorskip("torch")
    assert Tensor(torch.ones(2, 3)).tolist() == [[1, 1, 1], [1, 1, 1]]
    with pytest.raises(DTypeError, match=r"Parameter gives no numbers: .*detach"):
        Tensor(torch.nn.Linear(1, 1).weight)
    x = Tensor([[1, 0], [0, 1]], dtype)
    seen = torch.from_dlpack(x)
    assert seen.data_ptr() == x.array.data.buffer_info()[0]
    assert seen.tolist() == x.tolist()
    assert from_dlpack(seen.T).tolist() == [[1, 0], [0, 1]]
