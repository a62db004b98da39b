from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.data.batches import batches, epoch_order
from baregrad.errors import ArgumentError


@given(
    st.integers(0, 50), st.integers(1, 20), st.none() | st.integers(0, 2**64 - 1), st.integers(0, 9)
)
def test_every_sample_is_in_one_batch(count, size, seed, epoch):
    found = list(batches(count, size, seed, epoch))
    assert sorted(i for batch in found for i in batch) == list(range(count))
    assert all(len(batch) == size for batch in found[:-1])
    assert all(1 <= len(batch) <= size for batch in found[-1:])


def test_without_a_seed_the_samples_stay_in_order():
    assert [list(b) for b in batches(5, 2)] == [[0, 1], [2, 3], [4]]


def test_a_last_batch_that_is_not_full_can_be_dropped():
    assert [list(b) for b in batches(5, 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert [list(b) for b in batches(4, 2, drop_last=True)] == [[0, 1], [2, 3]]


def test_the_order_depends_on_seed_and_epoch_alone():
    bg.manual_seed(1)
    first = epoch_order(100, seed=7, epoch=3)
    bg.rand(10)
    assert epoch_order(100, seed=7, epoch=3) == first
    assert epoch_order(100, seed=7, epoch=4) != first
    assert epoch_order(100, seed=8, epoch=3) != first


def test_batches_are_the_order_of_the_epoch_in_pieces():
    found = array("q")
    for batch in batches(10, 3, seed=7, epoch=3):
        found.extend(batch)
    assert found == epoch_order(10, seed=7, epoch=3)


def test_a_batch_chooses_from_a_tensor():
    x = bg.arange(6).reshape(3, 2)
    assert [x.take(b).tolist() for b in batches(3, 2)] == [[[0, 1], [2, 3]], [[4, 5]]]


def test_a_batch_size_of_zero_is_refused_at_once():
    with pytest.raises(ArgumentError, match="the batch size must be an integer of at least 1"):
        batches(5, 0)


def test_a_negative_count_is_refused():
    with pytest.raises(ArgumentError, match=r"number of samples must be .* of at least 0, not -1"):
        batches(-1, 2)
    with pytest.raises(ArgumentError, match=r"number of samples must be .* of at least 0, not -1"):
        batches(-1, 2, seed=0)


def test_a_negative_epoch_is_refused():
    with pytest.raises(ArgumentError, match=r"number of the epoch must be .* at least 0, not -1"):
        epoch_order(5, 0, -1)
