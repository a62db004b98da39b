"""Embeddings: a vector of learned numbers for each category."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from baregrad.arguments import checked_count
from baregrad.engines.array import DType
from baregrad.errors import ArgumentError, DTypeError, OutOfRangeError
from baregrad.nn.initializers import Initializer, initial_weights
from baregrad.nn.layers import checked_float, features_of
from baregrad.nn.module import Module
from baregrad.nn.reduction import check_range
from baregrad.tensor.factories import zeros
from baregrad.tensor.functions import concat
from baregrad.tensor.tensor import Tensor, as_tensor

SIZE = 8  # numbers for a category, as in RealMLP (Holzmüller, Grinsztajn and Steinwart, 2024)


class Embedding(Module):
    """A table of vectors, one for each of the numbers 0 to `count` - 1.

    Category 0 stands for what was not there in training: its vector begins as zeros and stays so
    unless it occurs. By default, the others are drawn from a normal distribution of variance
    1 / size, so that a vector has about length 1.

    Args:
        count: how many categories there are, with number 0.
        size: how many numbers stand for each.
        initializer: name or function of the initial vectors, a matrix (count, size).
        seed: of the initial vectors; None draws from the default generator.
        dtype: of the vectors.
        stream: which of the seed's random sequences, so that layers of one seed differ.

    Raises:
        ArgumentError: a count or size below 1.

    Attributes:
        weight: (count, size), the vectors.
    """

    def __init__(
        self,
        count: int,
        size: int = SIZE,
        initializer: str | Initializer = "lecun_normal",
        seed: int | None = None,
        dtype: DType = "float32",
        stream: int = 0,
    ) -> None:
        self.count = checked_count(count, "the number of categories")
        self.size = checked_count(size, "the size of an embedding")
        vectors = initial_weights(initializer, self.count, self.size, seed, stream)
        vectors = concat([zeros(1, size), vectors[1:]])
        self.weight = Tensor(vectors, checked_float(dtype), requires_grad=True)

    def forward(self, indices: Any) -> Tensor:
        """Numbers of categories, int64, (...) -> (..., size).

        Raises:
            DTypeError: numbers that are no integers.
            OutOfRangeError: a number that no category has.
        """
        places = as_tensor(indices)
        if places.dtype != "int64":
            raise DTypeError(f"an embedding takes numbers of categories, int64, not {places.dtype}")
        check_range(places, 0, self.count - 1, "a category's number", OutOfRangeError)
        return self.weight.take(places)

    def describe(self) -> str:
        """Its sizes."""
        return f"{self.count}, {self.size}"


class EmbeddedFeatures(Module):
    """Features of which some are numbers of categories: those become vectors behind the others.

    ``Sequential(EmbeddedFeatures(p.inputs, p.embeddings), MLP(...))`` for a `Preprocessor` p that
    was fitted with ``categories="embedding"``.

    Args:
        inputs: number of features.
        counts: by the places of features that are numbers of categories, how many there are.
        size: how many numbers stand for a category.
        initializer: name or function of the initial vectors, see `Embedding`.
        seed: of the initial vectors; None draws from the default generator.
        dtype: of the vectors, and so of the result.

    Raises:
        ArgumentError: no feature at one of these places, or a count below 1.

    Attributes:
        outputs: number of features of the result.
    """

    def __init__(
        self,
        inputs: int,
        counts: Mapping[int, int],
        size: int = SIZE,
        initializer: str | Initializer = "lecun_normal",
        seed: int | None = None,
        dtype: DType = "float32",
    ) -> None:
        self.inputs = checked_count(inputs, "the number of inputs")
        for place in counts:
            if not 0 <= place < inputs:
                raise ArgumentError(f"there is no feature {place} to embed; there are {inputs}")
        self.places = sorted(counts)
        self.embeddings = [
            Embedding(counts[place], size, initializer, seed, dtype, stream)
            for stream, place in enumerate(self.places)
        ]
        self.dtype = checked_float(dtype)
        self.outputs = inputs + (size - 1) * len(self.places)

    def forward(self, x: Any) -> Tensor:
        """(inputs,) -> (outputs,), or (samples, inputs) -> (samples, outputs)."""
        features = features_of(x, self.inputs, self.dtype, self)
        bounds = [-1, *self.places, self.inputs]
        kept = [
            features[..., after + 1 : before]
            for after, before in pairwise(bounds)
            if before > after + 1
        ]
        vectors = [
            embedding(features[..., place].astype("int64"))
            for place, embedding in zip(self.places, self.embeddings, strict=True)
        ]
        return concat([*kept, *vectors], -1)

    def describe(self) -> str:
        """Its sizes."""
        return f"{self.inputs}, {self.outputs}"
