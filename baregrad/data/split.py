"""Splitting samples into those to learn from and those to test with."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from numbers import Integral
from typing import Any

from baregrad.arguments import is_number
from baregrad.data.table import Table
from baregrad.errors import ArgumentError, DataError, counted
from baregrad.tensor.random import DATA, generator_for
from baregrad.tensor.tensor import Tensor

# A stream of its own: the order must not depend on numbers that made-up data was drawn from.
SPLIT = DATA + 1


def train_test_split(
    *arrays: Any, test_size: float = 0.25, seed: int | None = None, stratify: Any = None
) -> list[Any]:
    """Each array in two parts with the same samples in all of them, chosen at random.

    ``x_train, x_test, y_train, y_test = train_test_split(x, y, seed=0)``

    Args:
        arrays: tensors, tables or sequences of equal length.
        test_size: the share of samples for the test part, or how many they are.
        seed: of the choice; None draws from the default generator.
        stratify: a label for each sample; both parts then have each label in about its share.

    Returns:
        For each array its training part and its test part; sequences become lists. The samples of a
        part are in random order; but if one of the arrays is a table in a mapped file, in their
        own, as files are read fastest in order.

    Raises:
        ArgumentError: nothing to split, or a size that leaves one of the parts empty.
        DataError: different lengths, or a label too rare to be in both parts.
    """
    if not arrays:
        raise ArgumentError("train_test_split needs at least one array")
    count = len(arrays[0])
    lengths = [len(samples) for samples in arrays]
    if set(lengths) != {count}:
        raise DataError(f"the arrays to split have different lengths: {lengths}")
    tests = _test_count(count, test_size)
    order = generator_for(seed, SPLIT).permutation(count)
    if stratify is not None:
        order = _stratified(order, _labels(stratify, count), tests)
    parts: Sequence[Sequence[int]] = (order[tests:], order[:tests])
    if any(isinstance(samples, Table) and samples.is_mapped for samples in arrays):
        parts = [in_order(part, count) for part in parts]
    return [_chosen(samples, part) for samples in arrays for part in parts]


def in_order(numbers: Iterable[int], count: int) -> array[int]:
    """Different integers from 0 to `count` - 1 in ascending order, in little memory."""
    is_there = bytearray(count)
    for number in numbers:
        is_there[number] = 1
    return array("q", compress(range(count), is_there))


def _test_count(count: int, test_size: float) -> int:
    most = count if isinstance(test_size, Integral) else 1
    if not is_number(test_size) or not 0 < test_size < most or count < 2:
        raise ArgumentError(
            f"test_size {test_size!r} of {counted(count, 'sample')} leaves one part empty; give a "
            "share between 0 and 1 or a number of samples, of two or more"
        )
    return int(test_size) if test_size >= 1 else max(1, min(round(count * test_size), count - 1))


def _labels(stratify: Any, count: int) -> list[Any]:
    labels = stratify.tolist() if isinstance(stratify, Tensor) else list(stratify)
    if len(labels) != count:
        given, needed = counted(len(labels), "label"), counted(count, "sample")
        raise DataError(f"stratify has {given}, and there must be one for each of {needed}")
    if any(isinstance(label, list) for label in labels):
        raise DataError("stratify must be one label for each sample, not a row of numbers")
    return labels


def _stratified(order: array[int], labels: Sequence[Any], tests: int) -> array[int]:
    """The samples in an order whose first `tests` have each label in about its share."""
    left = _shares(Counter(map(labels.__getitem__, order)), tests, len(order))
    chosen, others = array("q"), array("q")
    for index in order:
        label = labels[index]
        (chosen if left[label] else others).append(index)
        left[label] -= left[label] > 0
    return chosen + others


def _shares(sizes: Mapping[Any, int], tests: int, count: int) -> dict[Any, int]:
    """How many samples of each label to test with: its share, by the largest remainders."""
    rare = [label for label, size in sizes.items() if size < 2]
    if rare or len(sizes) > min(tests, count - tests):
        problem = f"label {rare[0]!r} has one sample only" if rare else f"{len(sizes)} labels"
        raise DataError(
            f"stratify: {problem} and {count} samples cannot have every label in a test part of "
            f"{tests} and in the rest; leave stratify out, or change test_size"
        )
    shares = {label: size * tests // count for label, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda label: -(sizes[label] * tests % count))
    for label in by_remainder[: tests - sum(shares.values())]:
        shares[label] += 1
    return shares


def _chosen(samples: Any, indices: Sequence[int]) -> Any:
    if isinstance(samples, Tensor | Table):
        return samples.take(indices)
    return [samples[i] for i in indices]
