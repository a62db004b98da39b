"""Targets of order 1, whatever their unit; and a network that gives them in their unit again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from baregrad.nn.mlp import Layer
from baregrad.tensor.tensor import Tensor


class TargetScaling(NamedTuple):
    """Standardised targets, (y - mean) / scale, for each output.

    Attributes:
        mean: (outputs,), of the samples trained on; float64.
        scale: (outputs,), their standard deviations; 1 for an output that is always the same.
    """

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, target: Tensor, weights: Tensor | None) -> TargetScaling:
        """That of targets (samples, outputs), which count by their weights (samples,)."""
        shares = Tensor([[1 / len(target)]], "float64")
        if weights is not None:
            shares = (weights / weights.sum()).reshape(-1, 1)
        mean = (shares * target).sum(0)
        centred = target - mean
        deviation = (shares * centred * centred).sum(0).sqrt()
        return cls(mean.detach(), Tensor([value or 1.0 for value in deviation.tolist()], "float64"))

    def encoded(self, target: Tensor) -> Tensor:
        """(samples, outputs) standardised."""
        return (target - self.mean) / self.scale

    @contextmanager
    def taken_out(self, layer: Layer) -> Iterator[None]:
        """A block in which a last layer, which gives values in their unit, gives standardised ones.

        Mean and scale are in its weights and biases before and after.
        """
        column = self.scale.reshape(-1, 1)
        _assign(layer, layer.weight / column, (layer.bias - self.mean) / self.scale)
        try:
            yield
        finally:
            self.put_in(layer)

    def put_in(self, layer: Layer) -> None:
        """Makes a last layer that gives standardised values give them in their unit."""
        column = self.scale.reshape(-1, 1)
        _assign(layer, layer.weight * column, layer.bias * self.scale + self.mean)


def _assign(layer: Layer, weight: Tensor, bias: Tensor) -> None:
    """New values, which float64 has made them, in the layer's own data type."""
    for parameter, value in ((layer.weight, weight), (layer.bias, bias)):
        parameter.assign(value.detach().astype(parameter.dtype))
