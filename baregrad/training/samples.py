"""Samples to learn from: inputs, targets and weights, checked before training begins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from baregrad.arguments import checked_number
from baregrad.engines.array import DType
from baregrad.errors import ArgumentError, DataError, DTypeError, ShapeError, counted
from baregrad.tensor import primitives
from baregrad.tensor.borrowed import consecutive, readable
from baregrad.tensor.tensor import Tensor, as_tensor, shared


class Samples:
    """Inputs `x` (samples, ...), targets `y` (samples, ...) and weights (samples,) or None.

    The weights are positive, and their mean over all samples is 1.
    """

    def __init__(self, x: Tensor, y: Tensor, weight: Tensor | None = None) -> None:
        self.x = x
        self.y = y
        self.weight = weight

    def __len__(self) -> int:
        return self.x.shape[0]

    def each(self, function: Callable[[Tensor], Tensor]) -> Samples:
        """A function of inputs, of targets and of weights."""
        weight = None if self.weight is None else function(self.weight)
        return Samples(function(self.x), function(self.y), weight)

    def take(self, indices: Any) -> Samples:
        """The samples of these numbers, as leaves: graphs begin with them, not with all samples."""
        return self.each(lambda x: x.take(indices).detach())

    def part(self, first: int, last: int) -> Samples:
        """Samples one after another; those in somebody else's memory are not copied."""
        return self.each(lambda x: consecutive(x, first, last, (last - first, *x.shape[1:])))

    def spread(self, count: int) -> Samples:
        """So many samples, or all if there are fewer, spread evenly over all."""
        count = min(count, len(self))
        return self.take([i * len(self) // count for i in range(count)])

    def rows(self, numbers: Tensor) -> Samples:
        """As `take`, of numbers from 0 on that are known to be there, in whatever shape."""
        return self.each(lambda x: Tensor.apply(primitives.take, x, numbers, axis=0).detach())


def checked_samples(x: Any, y: Any, weight: Any = None, *, what: str) -> Samples:
    """Samples from tensors, nested lists or buffers; those of weight 0 are left out.

    Raises:
        DataError: no samples, different numbers of them, or a NaN or infinite value.
        DTypeError: something that is no number.
        ShapeError: rows of different lengths; weights that are not one for each sample.
        ArgumentError: a negative weight, or no positive one.
    """
    inputs, targets = _tensor_of(x, f"{what}: x"), _tensor_of(y, f"{what}: y")
    if inputs.ndim == 0 or targets.ndim == 0 or inputs.size == 0:
        raise DataError(
            f"{what}: there are no samples: x has shape {inputs.shape}, y {targets.shape}"
        )
    if len(inputs) != len(targets):
        raise DataError(f"{what}: x has {counted(len(inputs), 'sample')} and y has {len(targets)}")
    _check_finite(inputs, f"{what}: x")
    _check_finite(targets, f"{what}: y")
    if weight is None:
        return Samples(inputs, targets)
    weights = as_tensor(weight)
    if weights.shape != (len(inputs),):
        raise ShapeError(
            f"sample_weight has shape {weights.shape}; it must be ({len(inputs)},), one number for "
            "each sample"
        )
    _check_finite(weights, "sample_weight")
    if min(weights.array.data) < 0 or not any(weights.array.data):
        raise ArgumentError("sample weights must be 0 or more, and some of them more")
    exact: DType = "float64" if inputs.dtype == "float64" else "float32"
    heavy = Samples(inputs, targets, weights.astype(exact)).take(weights > 0)
    assert heavy.weight is not None
    return Samples(heavy.x, heavy.y, heavy.weight / heavy.weight.mean())


def _tensor_of(data: Any, what: str) -> Tensor:
    """`data` as a tensor; errors say whose it is."""
    try:
        return shared(data)
    except (DTypeError, ShapeError) as error:
        raise type(error)(f"{what}: {error}") from None


def _check_finite(values: Tensor, what: str) -> None:
    elements = readable(values)
    if math.isfinite(sum(elements)):
        return
    for place, value in enumerate(elements):
        if not math.isfinite(value):
            row, column = divmod(place, values.size // len(values))
            raise DataError(
                f"{what} has the value {value} in sample {row}, feature {column}; fill it in or "
                "leave the sample out"
            )


def split_off(samples: Samples, share: float) -> tuple[Samples, Samples]:
    """The first samples for training, and the last `share` of them, as they are, for validation.

    Raises:
        ArgumentError: a share outside (0, 1), or one that leaves no sample on either side.
    """
    checked_number(share, "validation_split", above=0, below=1)
    count = round(len(samples) * share)
    if not 0 < count < len(samples):
        raise ArgumentError(
            f"validation_split must leave samples on both sides, and {share!r} of {len(samples)} "
            "samples does not"
        )
    first = len(samples) - count
    return samples.part(0, first), samples.part(first, len(samples))


def validation_samples(
    training: Samples, data: Sequence[Any] | None, share: float
) -> tuple[Samples, Samples | None]:
    """What to train on and what to validate on, by either of the two ways to say it.

    Raises:
        ArgumentError: both ways at once, or data that is not (x, y) or (x, y, sample_weight).
    """
    if data is None:
        return split_off(training, share) if share else (training, None)
    if share:
        raise ArgumentError("give either validation_data or validation_split, not both")
    if not isinstance(data, list | tuple) or len(data) not in (2, 3):
        raise ArgumentError("validation_data must be (x, y) or (x, y, sample_weight)")
    x, y, *weight = data
    return training, checked_samples(x, y, *weight, what="validation data")
