"""Operations computed one by one by machine code, against the reference engine."""

import copy
import math
import os
import pickle
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import baregrad as bg
from baregrad import Tensor
from baregrad.compiler.deferred import Deferred, Mask
from baregrad.compiler.eager import NativeEngine, native_engine
from baregrad.compiler.vector.compile import TARGETS
from baregrad.engines import pending, selection
from baregrad.engines.array import Array
from baregrad.errors import BaregradError
from baregrad.machine.cpu import is_x86_64, processor_features
from baregrad.machine.errors import ExecutableMemoryError
from baregrad.tensor import primitives

NAMES = processor_features() if is_x86_64() else frozenset()
ENGINES = [
    pytest.param(
        target.name,
        marks=pytest.mark.skipif(not target.features <= NAMES, reason=f"no {target.name}"),
    )
    for target in TARGETS
]
pytestmark = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")
REFERENCE = selection.ReferenceEngine()
KINDS = st.sampled_from(["full", "row", "column", "one"])

# around vectors of 8 and 16 lanes, blocks of several, and the least size that is worth machine code
SIZES = st.sampled_from([1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64, 65, 127, 129, 257])


@pytest.fixture(params=ENGINES)
def engine(request):
    return native_engine(request.param)


def drawn(*shape, low=-2.0, high=2.0, seed=1):
    generator = bg.Generator(seed)
    with selection.using(REFERENCE):
        return Tensor((low + (high - low) * generator.rand(*shape)).tolist(), "float32").reshape(
            shape
        )


def both(engine, function, *inputs):
    """What the native engine and the reference engine compute."""
    results = []
    for each in (engine, REFERENCE):
        with selection.using(each):
            result = function(*inputs)
            assert isinstance(result.array.shape, tuple)
            results.append((result.shape, result.dtype, list(result.array.data)))
    return results


def assert_same(engine, function, *inputs, tolerance=1e-5):
    (shape, dtype, found), (expected_shape, expected_dtype, expected) = both(
        engine, function, *inputs
    )
    assert (shape, dtype) == (expected_shape, expected_dtype)
    if dtype != "float32":
        assert found == expected
        return
    for a, b in zip(found, expected, strict=True):
        if math.isnan(b) or math.isinf(b):
            assert a == b or (math.isnan(a) and math.isnan(b))
        else:
            assert abs(a - b) <= tolerance * max(1, abs(b))


UNARY = {
    "negative": lambda x: -x,
    "abs": abs,
    "exp": Tensor.exp,
    "expm1": Tensor.expm1,
    "log": Tensor.log,
    "sqrt": Tensor.sqrt,
    "sin": Tensor.sin,
    "cos": Tensor.cos,
    "erf": Tensor.erf,
    "tanh": Tensor.tanh,
    "sigmoid": Tensor.sigmoid,
    "softplus": Tensor.softplus,
    "to bool": lambda x: x.astype("bool"),
    "from bool": lambda x: (x > 0).astype("float32"),
    "counted": lambda x: (x > 0).astype("int64"),
    "relu": Tensor.relu,
}
BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: abs(x) ** y,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "maximum": Tensor.maximum,
    "where": lambda x, y: (x < y).where(x, y),
}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, math.inf, -math.inf, math.nan, 1e-30, 1e30, 80.0]


@pytest.mark.parametrize("name", UNARY)
@settings(max_examples=3)
@given(rows=SIZES, columns=SIZES)
def test_functions_of_one_array(name, rows, columns):
    for known in known_engines():
        assert_same(known, UNARY[name], drawn(rows, columns))


def known_engines():
    return [native_engine(target.name) for target in TARGETS if target.features <= NAMES]


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=3)
@given(
    rows=SIZES,
    columns=SIZES,
    kinds=st.tuples(*[st.sampled_from(["full", "row", "column", "one"])] * 2),
)
def test_functions_of_two_arrays_that_broadcast(name, rows, columns, kinds):
    shapes = {"full": (rows, columns), "row": (columns,), "column": (rows, 1), "one": ()}
    x, y = (drawn(*shapes[kind], seed=seed) for seed, kind in enumerate(kinds))
    for known in known_engines():
        assert_same(known, BINARY[name], x, y)


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_special_numbers(engine, name):
    assert_same(engine, UNARY[name], Tensor(SPECIAL * 12))


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_special_numbers(engine, name):
    x, y = Tensor([SPECIAL] * 13), Tensor([[number] for number in SPECIAL])
    assert_same(engine, BINARY[name], x, y)


def test_the_sign_of_zero_is_kept(engine):
    with selection.using(engine):
        result = -Tensor([0.0] * 300)
    assert {math.copysign(1, value) for value in result.tolist()} == {-1.0}


@pytest.mark.parametrize(
    "reduce",
    [
        lambda x, axis: x.sum(axis),
        lambda x, axis: x.max(axis, keepdims=True),
        lambda x, axis: x.argmax(axis),
        lambda x, axis: x.softmax(0 if axis is None else axis),
        lambda x, axis: x.logsumexp(axis),
        lambda x, axis: x.var(axis),
    ],
)
@settings(max_examples=3)
@given(rows=SIZES, columns=SIZES, axis=st.sampled_from([0, 1, None]))
def test_reductions(reduce, rows, columns, axis):
    for known in known_engines():
        assert_same(known, lambda x: reduce(x, axis), drawn(rows, columns), tolerance=1e-4)


@settings(max_examples=8)
@given(m=SIZES, k=SIZES, n=SIZES, left=st.booleans(), right=st.booleans())
def test_products_of_matrices_and_of_transposed_ones(m, k, n, left, right):
    x, y = drawn(*((k, m) if left else (m, k))), drawn(*((n, k) if right else (k, n)), seed=2)
    for known in known_engines():
        assert_same(
            known,
            lambda x, y: (x.T if left else x) @ (y.T if right else y),
            x,
            y,
            tolerance=2e-6 * k + 1e-6,
        )


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.reshape(-1),
        lambda x: x.permute(1, 2, 0),
        lambda x: x.permute(2, 0, 1).permute(1, 0, 2) + 1,
        lambda x: x.permute(2, 1, 0).reshape(20, -1) * 2,
        lambda x: x.unsqueeze(0).expand(3, *x.shape),
        lambda x: bg.concat([x, 2 * x], axis=1),
        lambda x: x[1:, ::-1, 3],
        lambda x: x.take([4, 0, 4, 2], 1),
        lambda x: x @ x.mT,
        lambda x: (x > 0).permute(1, 0, 2).reshape(-1).where(1.5, -1.5),
        lambda x: (x > 0).sum(1),
        lambda x: x.flatten().scatter_add(Tensor([i % 7 for i in range(480)]), 0, 7),
        lambda x: x.astype("float64").sum(),
    ],
)
def test_changes_of_shape_and_selections(engine, function):
    assert_same(engine, function, drawn(6, 8, 10))


@pytest.mark.parametrize("numbers", [[1, 2, 3], [2**40, -(2**62), 5], [2**63 - 1, 0, -(2**63)]])
def test_integers_are_exact(engine, numbers):
    x = Tensor(numbers * 100)
    for function in (
        lambda x: x == 5,
        lambda x: x < 2**40,
        lambda x: (x < 4).where(x, 0),
        lambda x: x.reshape(3, 100).max(1),
        lambda x: x.reshape(3, 100).argmax(1),
    ):
        assert_same(engine, function, x)


@pytest.mark.parametrize(
    "function",
    [
        lambda: bg.zeros(20, 30) @ bg.zeros(20, 30),
        lambda: bg.zeros(20, 30) + bg.zeros(20, 29),
        lambda: bg.zeros(20, 0).max(1) + bg.zeros(500),
        lambda: Tensor([2**62] * 300) + Tensor([2**62] * 300),
        lambda: Tensor([2] * 300) ** Tensor([-1] * 300),
        lambda: Tensor([math.nan] * 300).astype("int64"),
        lambda: bg.zeros(20, 30).take([20]),
        lambda: bg.zeros(20, 30).reshape(7, -1),
    ],
)
def test_errors_are_those_of_the_reference_engine(engine, function):
    messages = []
    for each in (engine, REFERENCE):
        with selection.using(each), pytest.raises(BaregradError) as caught:
            function()
        messages.append((type(caught.value), str(caught.value)))
    assert messages[0] == messages[1]


def test_a_wrong_index_is_an_error_and_no_wild_write(engine):
    with selection.using(engine):
        x, indices = bg.ones(300), Tensor([0] * 299 + [10**9])
        with pytest.raises(IndexError):
            x.scatter_add(indices, 0, 10)
        assert x.scatter_add(Tensor([3] * 300), 0, 5).tolist() == [0, 0, 0, 300, 0]


def test_functions_that_are_not_of_their_inputs_alone_or_cannot_be_checked_are_not_joined(engine):
    x, outside, indices = bg.ones(300), bg.ones(300), Tensor(list(range(300)))
    functions = {
        "reads another tensor": lambda x, i: x + outside,
        "chooses by computed indices": lambda x, i: x.scatter_add((i < 5).where(i, 0), 0, 10),
        "may overflow": lambda x, i: i * i,
        "looks at numbers": lambda x, i: x * x.sum().item(),
        "is wrong": lambda x, i: x.no_such_method(),
    }
    for key, function in functions.items():
        assert engine.together(key, function, [x.array, indices.array]) is None
    assert engine.together(["a list"], lambda x: x, [x.array]) is None


def test_random_numbers_are_the_same(engine):
    assert_same(engine, lambda: bg.Generator(5).rand(40, 17), tolerance=0)


def test_small_arrays_and_float64_stay_in_python(engine):
    for x in (drawn(5, 5), bg.zeros(0, 500), drawn(20, 20).astype("float64")):
        assert (
            both(engine, lambda x: (x.exp() + x).sum(), x)[0]
            == both(engine, lambda x: (x.exp() + x).sum(), x)[1]
        )


def test_the_same_operation_gives_the_same_bits_whatever_was_computed_before():
    first, second = (NativeEngine(TARGETS[1]) for _ in range(2))
    x, w = drawn(33, 65), drawn(65, 17)
    with selection.using(first):
        for _ in range(3):
            expected = (x @ w).tanh().array.data
    with selection.using(second):
        assert (x @ w).tanh().array.data == expected


def test_a_transposed_matrix_is_copied_when_it_is_looked_at(engine):
    x = drawn(20, 30)
    with selection.using(engine):
        y = x.T
        assert isinstance(y.array, Deferred)
        assert y.known
        assert y.tolist() == [list(column) for column in zip(*x.tolist(), strict=True)]


def test_deferred_arrays_are_copied_and_pickled_as_arrays(engine):
    x = drawn(20, 30)
    with selection.using(engine):
        transposed, mask = x.T.array, (x > 0).array
    assert all(isinstance(array, Deferred) for array in (transposed, mask))
    assert isinstance(pending.known(mask), Mask)
    for array in (transposed, mask, pending.known(mask)):
        for other in (copy.deepcopy(array), pickle.loads(pickle.dumps(array))):
            assert isinstance(other, Array)
            assert other == Array(array.data, array.shape, array.dtype)


def test_threads_compute_the_same_kind_at_the_same_time(engine):
    x, w = drawn(64, 100), drawn(100, 50)
    expected = both(engine, lambda: (x @ w).softmax(1).sum(0))[0]
    found = []

    def work():
        found.extend(both(engine, lambda: (x @ w).softmax(1).sum(0))[0] for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_computes_on():
    (known, *_) = known_engines()
    x = drawn(64, 100)
    with selection.using(known):
        expected = (x @ x.T).sum().item()
        child = os.fork()
        if child == 0:  # no exception may leave it
            os._exit(0 if (x @ x.T).sum().item() == expected else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_where_memory_for_code_is_refused_python_computes_with_one_warning(monkeypatch):
    def refuse(*arguments):
        raise ExecutableMemoryError("not permitted")

    monkeypatch.setattr(selection, "_warned", False)
    monkeypatch.setattr("baregrad.compiler.eager.Routine", refuse)
    with selection.using(NativeEngine(TARGETS[1])):
        with pytest.warns(RuntimeWarning, match="not permitted"):
            assert (bg.ones(300) + 1).tolist() == [2.0] * 300
        assert (bg.ones(300) * 3).tolist() == [3.0] * 300


def test_operations_of_ones_own_are_computed_by_their_own_rule(engine):
    cube = bg.elementwise("cube", lambda x: x**3, lambda g, y, x: 3 * g * x * x)
    x = drawn(20, 20)
    assert_same(engine, cube, x)


def test_every_primitive_has_a_place_in_these_tests():
    tested = {
        *UNARY,
        *BINARY,
        *("sum", "max", "argmax", "matmul", "uniform"),
        *("reshape", "permute", "expand", "concat", "slice", "take", "scatter_add"),
    }
    others = {"unslice", "stop_gradient", "cast"}  # in gradients; the input; to and from bool
    assert set(primitives.PRIMITIVES) <= tested | others
