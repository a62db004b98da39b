import math
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import baregrad as bg
from baregrad.data.split import train_test_split
from baregrad.data.synthetic import sine
from baregrad.data.table import Table
from baregrad.errors import ArgumentError, DataError


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 99))
def test_the_parts_together_are_all_samples(count, test_size, seed):
    train, test = train_test_split(list(range(count)), test_size=test_size, seed=seed)
    assert sorted(train + test) == list(range(count))
    assert len(test) == max(1, min(count - 1, round(count * test_size)))


def test_all_arrays_are_split_alike():
    x = bg.arange(20).reshape(10, 2)
    table = Table({"n": list(range(10))})
    x_train, x_test, t_train, t_test, l_train, l_test = train_test_split(
        x, table, list(range(10)), test_size=3, seed=5
    )
    assert x_test.tolist() == [[2 * i, 2 * i + 1] for i in l_test]
    assert x_train.tolist() == [[2 * i, 2 * i + 1] for i in l_train]
    assert t_test["n"] == [str(i) for i in l_test]
    assert t_train["n"] == [str(i) for i in l_train]
    assert len(l_test) == 3


def test_the_seed_decides_the_split():
    parts = [train_test_split(list(range(50)), seed=s) for s in (1, 1, 2)]
    assert parts[0] == parts[1] != parts[2]


def test_without_a_seed_the_default_generator_draws():
    bg.manual_seed(3)
    first = train_test_split(list(range(50)))
    assert train_test_split(list(range(50))) != first
    bg.manual_seed(3)
    assert train_test_split(list(range(50))) == first


def test_the_split_of_made_up_data_of_the_same_seed_does_not_sort_it():
    x = sine(100, seed=1).x
    _, test = train_test_split(x, seed=1)
    # The test part of a sorted set would lie in one quarter of [-pi, pi).
    assert test.min().item() < -1 < 1 < test.max().item()


@given(
    st.lists(st.integers(2, 30), min_size=1, max_size=4),
    st.floats(0.2, 0.8),
    st.integers(0, 9),
)
def test_stratified_parts_have_each_label_in_its_share(sizes, test_size, seed):
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    count = len(labels)
    tests = max(1, min(count - 1, round(count * test_size)))
    assume(len(sizes) <= min(tests, count - tests))
    train, test = train_test_split(labels, test_size=test_size, seed=seed, stratify=labels)
    assert len(test) == tests
    assert sorted(train + test) == labels
    for label, size in enumerate(sizes):
        assert abs(Counter(test)[label] - size * tests / count) < 1


def test_labels_may_be_a_tensor():
    labels = bg.Tensor([0, 1] * 10)
    _, test = train_test_split(labels, test_size=4, seed=0, stratify=labels)
    assert sorted(test.tolist()) == [0, 0, 1, 1]


def test_nothing_to_split_is_refused():
    with pytest.raises(ArgumentError, match="needs at least one array"):
        train_test_split()


def test_different_lengths_are_refused():
    with pytest.raises(DataError, match=r"different lengths: \[3, 2\]"):
        train_test_split([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    ("count", "size"),
    [
        *((4, 0), (4, 4), (4, 0.0), (4, 1.0), (4, -1), (1, 0.5), (0, 0.5)),
        *((4, math.nan), (4, "0.2"), (4, None), (4, True)),
    ],
)
def test_a_size_that_leaves_a_part_empty_is_refused(count, size):
    with pytest.raises(ArgumentError, match="leaves one part empty"):
        train_test_split(list(range(count)), test_size=size, seed=0)


def test_labels_must_be_one_for_each_sample():
    with pytest.raises(DataError, match="stratify has 1 label, and there must be one for each"):
        train_test_split([1, 2, 3], stratify=[0], seed=0)
    with pytest.raises(DataError, match="one label for each sample"):
        train_test_split([1, 2], stratify=bg.zeros(2, 1), seed=0)


def test_a_label_with_one_sample_cannot_be_stratified():
    with pytest.raises(DataError, match="label 'b' has one sample only"):
        train_test_split([1, 2, 3], stratify=["a", "a", "b"], seed=0)


def test_more_labels_than_test_samples_cannot_be_stratified():
    with pytest.raises(DataError, match="3 labels and 6 samples cannot"):
        train_test_split(list(range(6)), stratify=list("aabbcc"), test_size=2, seed=0)
