"""Activation functions: what makes a neuron more than a weighted sum."""

from __future__ import annotations

import math
from typing import Self

from baregrad.errors import ArgumentError
from baregrad.tensor import primitives
from baregrad.tensor.reductions import Axes, Reductions


class Activations(Reductions):
    """A tensor that activation functions can be applied to."""

    __slots__ = ()

    def tanh(self) -> Self:
        """Hyperbolic tangent, between -1 and 1."""
        return self._float(primitives.tanh)

    def sigmoid(self) -> Self:
        """The logistic function 1 / (1 + e⁻ˣ), between 0 and 1."""
        return self._float(primitives.sigmoid)

    def softplus(self) -> Self:
        """log(1 + eˣ), a smooth relu."""
        return self._float(primitives.softplus)

    def relu(self) -> Self:
        """max(x, 0), the rectified linear unit; its gradient at 0 is 0."""
        return (self <= 0).where(0, self)

    def leaky_relu(self, slope: float = 0.01) -> Self:
        """x above 0 and slope · x below."""
        return (self <= 0).where(slope * self, self)

    def elu(self, alpha: float = 1.0) -> Self:
        """x above 0 and α(eˣ - 1) below (Clevert, Unterthiner, Hochreiter 2015)."""
        return (self <= 0).where(alpha * self.clip(high=0).expm1(), self)

    def selu(self) -> Self:
        """The elu whose α and scale keep mean 0 and variance 1 (Klambauer et al. 2017, eq. 2)."""
        alpha, scale = 1.6732632423543772, 1.0507009873554805
        return scale * self.elu(alpha)

    def gelu(self, approximate: str = "none") -> Self:
        """x Φ(x), with Φ the normal distribution function (Hendrycks, Gimpel 2016).

        Args:
            approximate: ``"none"``, or ``"tanh"`` for the paper's approximation of Φ.
        """
        if approximate == "tanh":
            inner = math.sqrt(2 / math.pi) * (self + 0.044715 * self * self * self)
            return 0.5 * self * (1 + inner.tanh())
        if approximate != "none":
            raise ArgumentError(f'gelu: approximate must be "none" or "tanh", not {approximate!r}')
        return 0.5 * self * (1 + (self * math.sqrt(0.5)).erf())

    def silu(self) -> Self:
        """x · sigmoid(x), also called swish."""
        return self * self.sigmoid()

    def mish(self) -> Self:
        """x · tanh(softplus(x)) (Misra 2019)."""
        return self * self.softplus().tanh()

    def softmax(self, axis: int = -1) -> Self:
        """eˣ divided by its sum along an axis: positive, with sum 1.

        The largest element is subtracted first, which changes nothing but keeps eˣ finite.
        """
        e = (self - self._largest(axis, "softmax")).exp()
        return e / e.sum(axis, keepdims=True)

    def log_softmax(self, axis: int = -1) -> Self:
        """The logarithm of softmax, finite where softmax underflows to 0."""
        shifted = self - self._largest(axis, "log_softmax")
        return shifted - shifted.exp().sum(axis, keepdims=True).log()

    def logsumexp(self, axis: Axes = None, keepdims: bool = False) -> Self:
        """log of the sum of eˣ, a smooth maximum; finite where eˣ overflows."""
        largest = self._largest(axis, "logsumexp")
        total = (self - largest).exp().sum(axis, keepdims=True).log() + largest
        return total if keepdims else total.sum(axis)  # of one element: drops the axes

    def _largest(self, axis: Axes, name: str) -> Self:
        """The largest elements, as constants: a shift by them cancels, so no gradient is lost.

        Infinity cannot be a shift (∞ - ∞ is NaN) and is replaced by 0, and so is the largest of
        nothing.
        """
        axes = self._axes(axis, name)
        floats = self._as(self, self._at_least_float())
        if self.size == 0:
            return floats.sum(axes, keepdims=True)
        largest = floats.max(axes, keepdims=True)
        largest = self.apply(primitives.stop_gradient, largest)
        return largest.isfinite().where(largest, 0)
