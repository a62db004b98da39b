"""Buffers of results that are used again."""

import copy
import gc
import pickle
import sys
import threading
from array import array

import pytest

from baregrad.compiler import recycling
from baregrad.compiler.recycling import Lent
from baregrad.engines import pending
from baregrad.engines.array import Array

ZERO = array("f", [0.0])
SIZE = 10_000


@pytest.fixture(autouse=True)
def store(monkeypatch):
    store = recycling._Store()
    monkeypatch.setattr(recycling, "_store", store)
    return store


def lent(store, size=SIZE):
    return store.lend(store.take(ZERO, size), (size,), "float32")


def test_the_buffer_of_an_array_that_went_is_used_again(store):
    kept, gone = lent(store), lent(store)
    address = gone.data.buffer_info()[0]
    del gone
    again = lent(store)
    assert again.data.buffer_info()[0] == address
    assert lent(store).data.buffer_info()[0] not in (address, kept.data.buffer_info()[0])


def test_other_sizes_and_types_get_their_own(store):
    others = [lent(store), lent(store)]
    del others[0]
    assert len(store.take(ZERO, SIZE + 1)) == SIZE + 1
    assert store.take(array("q", [0]), SIZE).typecode == "q"


@pytest.mark.parametrize(
    "holder",
    [
        lambda x: x.data,
        lambda x: memoryview(x.data),
        lambda x: Array(x.data, (1, SIZE), "float32"),
        lambda x: x._replace(shape=(1, SIZE)),
    ],
)
def test_a_buffer_that_somebody_still_has_is_left_alone(store, holder):
    others = lent(store)
    x = lent(store)
    held = holder(x)
    del x
    assert all(not buffers for buffers in store._kept.values())
    del held, others
    assert (store._bytes_kept, store._bytes_lent) == (0, 0)


def test_no_more_is_kept_than_twice_what_is_in_use_and_nothing_in_the_end(store):
    arrays = [lent(store, SIZE + i) for i in range(12)]
    while arrays:
        arrays.pop()
        kept = sum(len(data) * 4 for buffers in store._kept.values() for data in buffers)
        assert kept == store._bytes_kept <= recycling.MOST_SHARE * store._bytes_lent
    assert store._kept == {}
    assert (store._bytes_kept, store._bytes_lent) == (0, 0)


def test_where_references_are_not_counted_nothing_is_used_again(store, monkeypatch):
    monkeypatch.setattr(pending, "ARE_COUNTED", False)
    others = [lent(store), lent(store)]
    del others[0]
    assert store._kept == {}


def test_copies_are_ordinary_arrays(store):
    x = lent(store)
    assert type(x) is Lent
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(other) is Array
        assert other == x


def test_what_the_collector_finds_and_somebody_brings_back_keeps_its_numbers(store):
    class Phoenix:
        def __init__(self, held):
            self.held = held
            self.myself = self

        def __del__(self):
            back.append(self.held)

    back = []
    other = lent(store)
    Phoenix(lent(store))
    gc.collect()
    assert type(back[0]) is Lent
    assert store._kept == {}
    del other


def test_threads_lend_and_give_back_at_the_same_time_and_none_writes_to_anothers(
    store, monkeypatch
):
    def work(seed):
        held = []
        for n in range(1000):
            held.append(lent(store, 10 + (n * seed) % 7))
            held[-1].data[0] = seed
            wrong.extend(x for x in held if x.data[0] != seed)
            del held[: n % 5]

    wrong, raised = [], []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: raised.append(found.exc_value))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in (3, 4, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert (wrong, raised) == ([], [])
