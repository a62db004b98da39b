"""Operations that wait until somebody looks: when they are computed, from what, and how often."""

import gc
import math
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_eager import ENGINES, REFERENCE, drawn, known_engines

import baregrad as bg
from baregrad import Tensor
from baregrad.compiler import deferred, routine
from baregrad.compiler.eager import native_engine
from baregrad.compiler.routine import Routine
from baregrad.engines import pending, selection
from baregrad.engines.pending import is_open
from baregrad.errors import DTypeError, GradientError, ShapeError
from baregrad.machine.cpu import is_x86_64
from baregrad.tensor.graph import recording

pytestmark = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")


@pytest.fixture(params=ENGINES)
def engine(request):
    with selection.using(native_engine(request.param)):
        yield request.param


@pytest.fixture
def calls(monkeypatch):
    """The numbers of results of each call of machine code."""
    made = []
    run = Routine.__call__

    def noted(self, inputs):
        found = run(self, inputs)
        made.append(found and len(found))
        return found

    monkeypatch.setattr(Routine, "__call__", noted)
    return made


def leaf(*shape, seed=1):
    x = drawn(*shape, seed=seed)
    x.requires_grad = True
    return x


# --- when ---------------------------------------------------------------------------------------


def test_a_result_is_computed_when_it_is_looked_at_and_only_once(engine, calls):
    y = (leaf(20, 20) * 2).tanh()
    assert is_open(y.held)
    assert calls == []
    first = y.tolist()
    assert not is_open(y.held)
    assert y.tolist() == first
    assert len(calls) == 1


def test_what_lies_between_is_stored_if_a_tensor_still_holds_it(engine, calls):
    x = leaf(20, 20)
    between = x * 2
    (between + 1).sum().item()
    assert not is_open(between.held)
    between.tolist()
    assert len(calls) == 1


def test_what_nobody_can_ask_for_any_more_is_never_stored(engine, calls):
    x = drawn(20, 20)
    with bg.no_grad():
        ((x * 2).exp() + 1).sum().item()
    assert calls == [1]


def test_where_references_are_not_counted_everything_is_stored(engine, calls, monkeypatch):
    monkeypatch.setattr(pending, "ARE_COUNTED", False)
    with bg.no_grad():
        ((drawn(20, 20) * 2).exp() + 1).sum().item()
    assert calls == [4]


def test_a_transposed_matrix_is_not_copied_for_a_product_nor_beside_one(engine, calls):
    x, w = drawn(20, 30), drawn(10, 30)
    transposed = w.T
    product = x @ transposed
    product.tolist()
    assert is_open(transposed.held)
    assert calls == [1]


def test_small_operations_wait_for_large_ones_and_are_else_computed_at_once(engine):
    small = drawn(3, 3)
    assert not is_open((small + small).held)
    assert not is_open((small.T + small).held)
    assert is_open((drawn(20, 20).sum() + small).held)


def test_reshaping_what_is_there_shares_it(engine):
    x = drawn(20, 30)
    assert x.reshape(30, 20).array.data is x.array.data


def test_a_step_without_a_look_is_one_call_forward_and_backward_and_one_for_the_update(
    engine, calls
):
    model = bg.MLP(8, [16, 16, 3], activation="relu", seed=1)
    optimizer = bg.Adam(model.parameters())
    x, y = drawn(32, 8), Tensor([i % 3 for i in range(32)])
    for _ in range(3):
        calls.clear()
        optimizer.zero_grad()
        loss = bg.losses.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        assert math.isfinite(loss.item())
        assert calls == [6 + 1, 18]  # gradients and the loss; parameters and two moments of each


def test_heads_that_share_a_trunk_compute_it_once(engine, calls):
    w = leaf(20, 20)
    trunk = (drawn(20, 20, seed=2) @ w).tanh()
    heads = [(trunk * 2).sum(), (trunk * trunk).sum()]
    heads[0].backward()
    assert not is_open(trunk.held)
    assert calls == [3]  # the gradient, the loss, the trunk
    heads[1].backward()


# --- what raises, raises at once ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: x @ x[:19], ShapeError),
        (lambda x: x + x[:, :19], ShapeError),
        (lambda x: (x * math.nan).astype("int64"), DTypeError),
        (lambda x: (x * 0).astype("int64") + 2**62 + 2**62, DTypeError),
        (lambda x: x.take([20]), IndexError),
        (lambda x: x.reshape(7, -1), ShapeError),
        (lambda x: (x * 0)[:0].max(0), ShapeError),
    ],
)
def test_errors_come_where_they_are_made_though_what_they_read_waits(engine, function, error):
    waiting = drawn(20, 20).exp()
    with pytest.raises(error):
        function(waiting)


def test_no_result_that_may_fail_waits(engine):
    x = drawn(20, 20)
    numbers = Tensor(list(range(400))).reshape(20, 20)
    for y in (x.argmax(1), numbers + 1, x.take([3]), x.astype("float64"), (x > 0).sum()):
        assert not is_open(y.held)


def test_an_assignment_after_use_changes_nothing_that_waits_but_is_noticed(engine):
    w = leaf(20, 20)
    y = w * 2
    before = w.tolist()
    w.assign(bg.zeros(20, 20))
    with pytest.raises(GradientError, match="was assigned a new value after multiply"):
        y.sum().backward()
    assert y.tolist() == [[2 * value for value in row] for row in before]


# --- bounds -------------------------------------------------------------------------------------


def test_chains_that_nobody_looks_at_are_computed_in_between(engine):
    kept = [drawn(20, 20)]
    for _ in range(1000):
        kept.append(kept[-1] * 0.5 + kept[0])
        assert sum(is_open(x.held) for x in kept) <= deferred.MOST_DEFERRED
    with selection.using(REFERENCE):
        x = kept[0]
        for _ in range(50):
            x = x * 0.5 + kept[0]
    for a, b in zip(kept[50].array.data, x.array.data, strict=True):
        assert math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-5)


def test_results_that_nobody_looks_at_do_not_keep_too_much_of_what_they_are_made_from(
    engine, monkeypatch
):
    monkeypatch.setattr(deferred, "MOST_WAITING", 50_000)
    read, results = [], []
    with bg.no_grad():
        for seed in range(12):
            x = drawn(100, 100, seed=seed)
            read.append(weakref.ref(x.array.data))
            results.append((x * 2 + 1).sum() * 2)
            del x
            assert sum(data() is not None for data in read) <= 3
    expected = [2 * (2 * drawn(100, 100, seed=seed).sum().item() + 1e4) for seed in range(12)]
    for result, number in zip(results, expected, strict=True):
        assert math.isclose(result.item(), number, rel_tol=1e-4)


def test_what_is_looked_at_is_no_longer_counted(engine, calls, monkeypatch):
    monkeypatch.setattr(deferred, "MOST_WAITING", 50_000)
    for _ in range(20):
        y = (drawn(100, 100) * 2).tanh()
        assert is_open(y.held)
        y.tolist()


def test_a_long_chain_keeps_few_results_as_it_is_computed(engine, monkeypatch):
    results = []
    settle = deferred.Deferred.settle

    def noted(self, found):
        results.append(weakref.ref(found.data))
        alive.append(sum(data() is not None for data in results))
        settle(self, found)

    alive = []
    monkeypatch.setattr(deferred.Deferred, "settle", noted)
    with bg.no_grad():
        x = drawn(40, 40)
        for _ in range(deferred.MOST_DEFERRED + 1):
            x = x * 0.5
    assert len(results) > deferred.MOST_DEFERRED
    assert max(alive) <= 3


def test_what_was_computed_from_is_let_go(engine):
    x = drawn(100, 100)
    data = weakref.ref(x.array.data)
    with bg.no_grad():  # a graph holds what it is made of
        y = x * 2
        z = y.exp()
    del x
    assert data() is not None
    z.tolist()
    gc.collect()
    assert data() is None


def test_routines_share_the_memory_of_what_lies_between(engine, monkeypatch):
    monkeypatch.setattr(routine, "_arenas", [])
    for rows in (20, 60, 40):
        x = drawn(rows, 30)
        with bg.no_grad():
            ((x @ x.T).softmax() @ x).sum().item()
    (arena,) = routine._arenas
    assert 60 * 60 * 4 <= arena.nbytes < 3 * 60 * 60 * 4


def test_operations_that_wait_elsewhere_do_not_make_a_chain_long(engine, calls):
    x = drawn(20, 20)
    with bg.no_grad():
        y = x * 2
        others = [x + number for number in range(deferred.MOST_DEFERRED)]
        z = (y + 1).tanh()
        assert is_open(z.held)
        z.tolist()
    assert calls == [2]  # z, and y that is held
    assert all(is_open(other.held) for other in others)


def test_an_old_view_does_not_make_everything_after_it_wait_singly(engine, calls):
    w = drawn(20, 30)
    transposed = w.T
    for _ in range(deferred.MOST_DEFERRED):
        (w * 1).sum().item()
    y = drawn(20, 20) @ (transposed.T + 1)
    assert is_open(y.held) or not is_open(transposed.held)
    assert y.tolist() == (drawn(20, 20) @ (w + 1)).tolist()


# --- memory that others may write to --------------------------------------------------------------


def test_memory_that_others_were_given_is_never_read_late(engine):
    x = drawn(20, 20)
    before = x.array.data[0]
    waiting = x * 2
    x.__dlpack__()
    x.array.data[0] = 7.0  # as they may
    assert waiting.array.data[0] == 2 * before
    later = [x + 1, x.T.reshape(-1) + 1, x.reshape(-1) + 1, x.detach() + 1]
    x.array.data[0] = 9.0
    assert [y.array.data[0] for y in later] == [8.0] * 4


def test_gradients_of_memory_that_others_were_given_are_never_computed_late(engine):
    x = leaf(20, 20)
    x.__dlpack__()
    before = x.array.data[0]
    y = x * 2
    (y * y).sum().backward()
    x.array.data[0] = 7.0  # as they may
    assert y.grad.array.data[0] == 4 * before


@pytest.mark.parametrize("make", [lambda x: x.detach(), lambda x: x * 2, lambda x: (x * 2).T + 1])
def test_memory_is_shown_without_a_copy_if_nothing_waits_for_it(engine, make):
    x = make(drawn(20, 20))
    address = x.array.data.buffer_info()[0]
    x.__dlpack__()
    x.__dlpack__()
    assert x.array.data.buffer_info()[0] == address
    x = make(drawn(20, 20))
    x.tolist()
    address, waiting = x.array.data.buffer_info()[0], x + 1
    x.__dlpack__()
    assert x.array.data.buffer_info()[0] != address
    assert waiting.tolist() == (x + 1).tolist()


# --- against the reference engine ---------------------------------------------------------------

STEPS = {
    "add": lambda x, y: x + y,
    "multiply": lambda x, y: x * y,
    "scale": lambda x, y: 0.5 * x,
    "tanh": lambda x, y: x.tanh(),
    "relu": lambda x, y: (x - y).relu(),
    "matmul": lambda x, y: (x @ y).tanh(),
    "transpose": lambda x, y: x.T,
    "reshape": lambda x, y: (x.reshape(-1) * 2).reshape(x.shape),
    "softmax": lambda x, y: x.softmax(),
    "where": lambda x, y: (x < y).where(x, 0.1 * y),
    "row": lambda x, y: x - x.mean(0, keepdims=True),
    "detach": lambda x, y: x + y.detach(),
    "slice": lambda x, y: bg.concat([x[8:], x[:8]]),
    "choice": lambda x, y: x.take([15 - i for i in range(16)]),
    "maximum": lambda x, y: x.maximum(y),
}


def flat(values):
    if not isinstance(values, list):
        return [values]
    return [number for value in values for number in flat(value)]


@settings(max_examples=12)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9), st.booleans(), st.booleans()),
        min_size=2,
        max_size=10,
    ),
    looks_first=st.booleans(),
    twice=st.booleans(),
)
def test_graphs_of_all_kinds_with_looks_in_between(steps, looks_first, twice):
    results = []
    for each in (known_engines()[0], REFERENCE):
        with selection.using(each):
            leaves = [leaf(16, 16), leaf(16, 16, seed=2)]
            made = list(leaves)
            for name, other, is_recorded, is_looked_at in steps:
                with recording(is_recorded):
                    made.append(STEPS[name](made[-1], made[other % len(made)]))
                if is_looked_at:
                    made[-1].tolist()
            loss = (made[-1] * made[-1]).mean() + sum((x * x).mean() for x in leaves)
            if looks_first:
                loss.item()
            for _ in range(1 + twice):
                loss.backward()
            values = [x.grad.tolist() for x in made if x.grad is not None]
            results.append([loss.item(), values, [x.tolist() for x in made]])
    found, expected = map(flat, results)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert math.isclose(a, b, rel_tol=2e-3, abs_tol=2e-4)
