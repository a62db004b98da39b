"""Arrays whose numbers are computed when somebody looks at them."""

import pickle

import pytest

from baregrad.engines import array as arrays
from baregrad.engines import pending
from baregrad.engines.array import Array, Exposed
from baregrad.engines.pending import Pending, exposed, is_open, known, references


class Counted(Pending):
    """Two numbers, and how often they were computed."""

    def __init__(self):
        self.shape, self.dtype, self.found = (2,), "float32", None
        self.times = 0

    def compute(self):
        self.times += 1
        self.settle(arrays.new([1.0, 2.0], (2,), "float32"))
        return self.found


class Holder:
    """What a tensor is to `exposed`."""

    def __init__(self, held):
        self.held = held

    @property
    def array(self):
        return self.held


def test_it_is_computed_by_the_first_look_alone():
    x = Counted()
    assert is_open(x)
    assert x.known
    assert [list(x.data) for _ in range(3)] == [[1.0, 2.0]] * 3
    assert not is_open(x)
    assert known(x) is x.found
    assert x.times == 1


def test_an_array_is_known_and_never_open():
    x = arrays.new([1.0], (1,), "float32")
    assert known(x) is x
    assert not is_open(x)


def test_it_is_pickled_as_an_array():
    copied = pickle.loads(pickle.dumps(Counted()))
    assert type(copied) is Array
    assert copied == arrays.new([1.0, 2.0], (2,), "float32")


def test_how_to_compute_is_said_by_subclasses():
    with pytest.raises(NotImplementedError):
        Pending().compute()


def test_references_are_counted_but_that_of_the_list():
    alone, held = [1.5], [2.5]
    things = [held, [3.5], alone]
    del alone
    assert references(things) == [1, 0, 0]


def test_uncounted_references_are_very_many(monkeypatch):
    monkeypatch.setattr(pending, "ARE_COUNTED", False)
    assert min(references([object()])) > 10**6


@pytest.mark.parametrize("make", [lambda: arrays.new([1.0, 2.0], (2,), "float32"), Counted])
def test_what_is_shown_to_others_is_a_copy_only_if_somebody_has_it_too(make):
    holder = Holder(make())
    address = holder.held.data.buffer_info()[0]
    holder.held = exposed(holder)
    assert type(holder.held) is Exposed
    assert holder.held.data.buffer_info()[0] == address
    assert exposed(holder) is holder.held
    for owner in (lambda x: x, known, lambda x: x.data):
        holder = Holder(make())
        kept = owner(holder.held)
        before = holder.held.data.buffer_info()[0]
        found = exposed(holder)
        assert found.data.buffer_info()[0] != before
        assert list(found.data) == [1.0, 2.0]
        del kept
