"""The order of integers by machine code, compared with Python's sorting."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad import Generator
from baregrad.engines.selection import ReferenceEngine, using
from baregrad.machine.errors import ExecutableMemoryError
from baregrad.tensor import draws, order_code
from baregrad.tensor.order_code import natively_ordered

HERE = order_code._function() is not None
native = pytest.mark.skipif(not HERE, reason="this processor runs no machine code")


def in_order(integers):
    return sorted(range(len(integers)), key=lambda number: integers[number] >> 32)


@native
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50))
def test_integers_are_put_in_order(integers):
    found = natively_ordered(array("Q", integers))
    assert found.typecode == "q"
    assert found.tolist() == in_order(integers)


@native
@pytest.mark.parametrize("bit", [32, 42, 43, 53, 54, 63])
@given(data=st.data())
def test_of_equals_the_first_comes_first(bit, data):
    one = st.tuples(st.integers(0, 1), st.integers(0, 2**32 - 1))
    integers = [high << bit | low for high, low in data.draw(st.lists(one, min_size=1))]
    assert natively_ordered(array("Q", integers)).tolist() == in_order(integers)


@native
def test_integers_that_are_put_in_order_stay_as_they_are():
    integers = array("Q", Generator(0).bits(1000))
    before = integers[:]
    natively_ordered(integers)
    assert integers == before


def test_few_and_many_numbers_have_the_same_order(monkeypatch):
    calls = []
    monkeypatch.setattr(
        order_code, "natively_ordered", lambda x: calls.append(len(x)) or natively_ordered(x)
    )
    monkeypatch.setattr(draws, "LARGE", 20)
    with using(ReferenceEngine()):
        in_python = Generator(8).permutation(200)
    assert calls == []
    assert Generator(8).permutation(200) == in_python
    Generator(8).permutation(19)
    assert calls == [200]
    monkeypatch.setattr(order_code, "_function", lambda: None)
    assert Generator(8).permutation(200) == in_python
    assert calls == [200, 200]


def test_there_is_no_machine_code_where_it_cannot_run(monkeypatch):
    make = order_code._function.__wrapped__
    monkeypatch.setattr(order_code, "is_x86_64", lambda: False)
    assert make() is None
    monkeypatch.undo()
    monkeypatch.setattr(order_code, "NativeFunction", refuse)
    assert make() is None


def refuse(*arguments):
    raise ExecutableMemoryError("no pages today")
