"""Tensors over memory of others: read where it lies, and copied before anything needs it twice."""

import copy
import gc
import mmap
import pickle
from array import array
from functools import partial

import pytest

from baregrad import compile as compiled
from baregrad.errors import CopyError, DTypeError
from baregrad.nn.mlp import MLP
from baregrad.tensor.borrowed import Borrowed, address_of, borrowed
from baregrad.tensor.graph import no_grad
from baregrad.tensor.tensor import Tensor, from_buffer, from_dlpack, shared
from baregrad.training.evaluation import predict
from baregrad.training.fit import fit


def lent(values, shape, code="f"):
    """An array of others, and the tensor that has borrowed it."""
    memory = array(code, values)
    return memory, from_buffer(memoryview(memory).cast("B").cast(code, shape))


def is_borrowed(tensor):
    return isinstance(tensor.held, Borrowed)


@pytest.mark.parametrize(("code", "dtype"), [("f", "float32"), ("d", "float64")])
def test_floats_are_read_where_they_lie(code, dtype):
    memory, x = lent(range(6), (2, 3), code)
    assert (x.shape, x.dtype) == ((2, 3), dtype)
    memory[4] = 40
    assert x[1].tolist() == [3, 40, 5]
    assert address_of(x.held.view) == memory.buffer_info()[0]


def test_the_owner_cannot_move_what_was_lent():
    memory, x = lent([1], (1,))
    with pytest.raises(BufferError):
        memory.append(2)
    del x
    gc.collect()
    memory.append(2)


def test_an_operation_has_a_copy_so_that_its_gradient_is_of_the_same_numbers():
    memory, x = lent([1, 2], (2,))
    w = Tensor([3.0, 4.0], requires_grad=True)
    loss = (x * w).sum()
    memory[0] = 100
    loss.backward()
    assert w.grad.tolist() == [1, 2]
    assert x.tolist() == [1, 2]


def test_a_borrowed_leaf_that_requires_a_gradient_gets_one():
    memory, x = lent(range(6), (3, 2))
    x.requires_grad = True
    y = (x.take([0, 2]) ** 2).sum() + x[1:].sum()
    memory[4] = 100
    y.backward()
    assert x.grad.tolist() == [[0, 2], [1, 1], [9, 11]]


@pytest.mark.parametrize(
    "choose",
    [
        lambda x: x[1:3],
        lambda x: x[-1:],
        lambda x: x[2],
        lambda x: x[...],
        lambda x: x[None, 1:2],
    ],
)
def test_rows_one_after_another_are_not_copied(choose):
    values = [float(i) for i in range(12)]
    _, x = lent(values, (4, 3))
    expected = choose(Tensor(values).reshape(4, 3))
    chosen = choose(x)
    assert (chosen.tolist(), chosen.shape) == (expected.tolist(), expected.shape)
    assert is_borrowed(x)


@pytest.mark.parametrize(
    "choose",
    [
        lambda x: x.take([3, 0, -1]),
        lambda x: x.take([[0], [1]]),
        lambda x: x[[True, False, False, True]],
        lambda x: x[1:3, 2],
        lambda x: x[1:1],
        lambda x: x[2, 1],
    ],
)
def test_to_choose_rows_does_not_copy_the_others(choose):
    values = [float(i) for i in range(12)]
    _, x = lent(values, (4, 3))
    assert choose(x).tolist() == choose(Tensor(values).reshape(4, 3)).tolist()
    assert is_borrowed(x)


@pytest.mark.parametrize(
    "choose", [lambda x: x[::2], lambda x: x[::-1], lambda x: x.take([2, 0], 1), lambda x: x.T]
)
def test_what_is_no_choice_of_rows_makes_a_copy(choose):
    values = [float(i) for i in range(12)]
    _, x = lent(values, (4, 3))
    assert choose(x).tolist() == choose(Tensor(values).reshape(4, 3)).tolist()
    assert not is_borrowed(x)


def test_to_print_and_to_detach_copies_nothing():
    memory, x = lent([1, 2], (2,))
    assert repr(x) == "Tensor([1.0, 2.0])"
    other = x.detach()
    memory[0] = 5
    assert (is_borrowed(x), other.tolist()) == (True, [5, 2])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copied_tensor_has_numbers_of_its_own(copied):
    memory, x = lent([1, 2], (2,))
    other = copied(x)
    memory[0] = 5
    assert other.tolist() == [1, 2]


def test_read_only_memory_is_borrowed():
    pages = mmap.mmap(-1, 4096)
    pages[:8] = array("f", [1, 2]).tobytes()
    x = from_buffer(memoryview(pages).toreadonly()[:8].cast("f"))
    assert (is_borrowed(x), x.tolist()) == (True, [1, 2])


@pytest.mark.parametrize(
    "data",
    [
        array("q", [1, 2]),  # machine code trusts indices that were checked
        array("f"),
        memoryview(array("f", [1, 2, 3]))[::2],
        memoryview(bytes(9))[1:].cast("f") if address_of(memoryview(bytes(9))) % 4 == 0 else b"12",
    ],
)
def test_what_must_be_copied_is_not_borrowed(data):
    assert borrowed(data) is None
    with pytest.raises(CopyError, match="leave out copy=False"):
        from_buffer(data, copy=False)
    assert from_buffer(data).tolist() == list(data)


def test_a_copy_can_be_had_at_once():
    memory = array("f", [1, 2])
    x = from_buffer(memory, copy=True)
    memory.append(3)
    assert not is_borrowed(x)


def test_what_is_no_buffer_is_refused():
    with pytest.raises(DTypeError, match="list has no buffer of numbers; for numbers and lists"):
        from_buffer([1.0])
    with pytest.raises(DTypeError, match="native byte order"):
        from_buffer(memoryview(b"ab").cast("c"))


def test_lists_and_tensors_are_shared_by_being_copied_or_passed_on():
    x = Tensor([1.0])
    assert shared(x) is x
    assert shared([1.0]).tolist() == [1.0]
    assert is_borrowed(shared(array("f", [1.0])))


# --- training and predicting ----------------------------------------------------------------------


def samples(count=300):
    x = [((7 * i) % 23) / 23 - 0.5 for i in range(3 * count)]
    return x, [x[i] - 2 * x[i + 1] * x[i + 2] for i in range(0, 3 * count, 3)]


@pytest.mark.parametrize("native", [True, False])
def test_training_and_predicting_read_in_place_and_give_the_same_bits(native):
    x, y = samples()
    (_, inputs), (_, targets) = lent(x, (300, 3)), lent(y, (300, 1))
    own = Tensor(x).reshape(300, 3), Tensor(y).reshape(300, 1)
    found = []
    for data in (own, (inputs, targets)):
        model = MLP(3, [4, 1], seed=0)
        train = partial(fit, epochs=2, seed=3, metrics=["mae"], validation_split=0.25)
        history = train(model, *data, compiled=native)
        assert history.compiled is native
        found.append((history.history, model.state_dict(), predict(model, data[0])))
    (history, state, outputs), other = found
    assert history == other[0]
    assert [p.tolist() for p in state.values()] == [p.tolist() for p in other[1].values()]
    assert outputs.tolist() == other[2].tolist()
    assert is_borrowed(inputs)
    assert is_borrowed(targets)


def test_a_compiled_step_sees_what_was_written_however_little_there_is():
    memory, x = lent([1, 2], (2,))
    step = compiled(lambda: (x * 2).sum())
    with no_grad():
        assert step().item() == 6
        memory[0] = 10
        assert step().item() == 24
    many = compiled(lambda row: row * 3)
    assert many(x).tolist() == [30, 6]
    assert many.many(2, x).tolist() == [30, 6]
    assert is_borrowed(x)


def test_a_compiled_step_writes_to_no_memory_of_others():
    memory, x = lent([1, 2], (2,))

    @compiled
    def step():
        x.assign(x + 1)

    step()
    assert x.tolist() == [2, 3]
    assert memory.tolist() == [1, 2]


def test_arrays_of_others_within_a_compiled_step_are_constants():
    memory = array("f", [1, 2])
    step = compiled(lambda x: x + from_buffer(memory))
    assert step(Tensor([1.0, 1.0])).tolist() == [2, 3]


def test_numpy_and_pytorch_lend_their_numbers():
    numpy = pytest.importorskip("numpy")
    values = numpy.array([[1, 2], [3, 4]], "float32")
    for x in (from_dlpack(values), from_buffer(values), from_dlpack(values, copy=False)):
        assert is_borrowed(x)
        values[0, 0] += 1
        assert x[0].tolist() == values[0].tolist()
    with pytest.raises(CopyError, match="row-major"):
        from_dlpack(values.T, copy=False)
    assert from_dlpack(values.T).tolist() == values.T.tolist()
    torch = pytest.importorskip("torch")
    given = torch.tensor([1.0, 2.0])
    x = from_dlpack(given)
    for tensor in (x, shared(given)):
        assert address_of(tensor.held.view) == given.data_ptr()
    del tensor
    del given
    gc.collect()
    assert x.tolist() == [1, 2]


def test_what_was_borrowed_by_dlpack_is_given_back():
    numpy = pytest.importorskip("numpy")
    values = numpy.ones(3, "float64")
    x = from_dlpack(values)
    part = x[1:]
    del x
    gc.collect()
    weak = __import__("weakref").ref(values)
    del values
    gc.collect()
    assert part.tolist() == [1, 1]
    del part
    gc.collect()
    assert weak() is None
