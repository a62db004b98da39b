"""The multi-layer perceptron: neurons in layers, layers in sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baregrad.arguments import checked_count
from baregrad.engines.array import DType
from baregrad.errors import ArgumentError, checked_name
from baregrad.nn.activations import ActivationFunction, activation_named
from baregrad.nn.initializers import Initializer, initial_weights, suitable_initializer
from baregrad.nn.layers import (
    BatchNorm1d,
    Dropout,
    LayerNorm,
    Linear,
    check_probability,
    checked_float,
    features_of,
)
from baregrad.nn.module import Module
from baregrad.tensor.factories import zeros
from baregrad.tensor.random import DROPOUT, generator_for
from baregrad.tensor.tensor import Tensor

NORMS: dict[str, type[LayerNorm] | type[BatchNorm1d]] = {"layer": LayerNorm, "batch": BatchNorm1d}


def check_norm(norm: str | None) -> None:
    """Refuses what is neither None nor the name of a norm.

    Raises:
        ArgumentError: it is not.
    """
    if norm is not None:
        checked_name("norm", norm, NORMS)


class Neuron(Module):
    """A weighted sum of the inputs, a bias, and an activation: φ(w · x + b).

    Args:
        inputs: how many numbers come in.
        activation: name or function of φ.
        initializer: of the weights; by default one that suits the activation.
        seed: of the initial weights.
        dtype: of the parameters.

    Attributes:
        weights: (inputs,).
        bias: a scalar.
    """

    weights: Tensor
    bias: Tensor

    def __init__(
        self,
        inputs: int,
        activation: str | ActivationFunction = "tanh",
        initializer: str | Initializer | None = None,
        seed: int | None = None,
        dtype: DType = "float32",
    ) -> None:
        inputs = checked_count(inputs, "the number of inputs")
        initializer = initializer or suitable_initializer(activation)
        weights = initial_weights(initializer, 1, inputs, seed).reshape(inputs)
        self.activation = activation_named(activation)
        self.weights = Tensor(weights, checked_float(dtype), requires_grad=True)
        self.bias = zeros(dtype=dtype, requires_grad=True)

    @classmethod
    def of_layer(cls, layer: Layer, number: int) -> Neuron:
        """A neuron that shares row `number` of a layer's weight, and passes gradients to it.

        Its weights and bias have the gradients that those of the layer have now.
        """
        neuron = cls.__new__(cls)
        neuron.activation = layer.activation
        neuron.weights = layer.weight[number]
        neuron.bias = layer.bias[number]
        for own, whole in ((neuron.weights, layer.weight), (neuron.bias, layer.bias)):
            own.grad = None if whole.grad is None else whole.grad[number].detach()
        return neuron

    def forward(self, x: Any) -> Tensor:
        """(inputs,) -> a scalar, or (samples, inputs) -> (samples,)."""
        x = features_of(x, self.weights.size, self.weights.dtype, self)
        return self.activation(x @ self.weights + self.bias)

    def describe(self) -> str:
        """Its size."""
        return f"{self.weights.size}"


class Layer(Linear):
    """Neurons that see the same inputs, computed together as one matrix product.

    Args:
        inputs: how many numbers come in.
        neurons: how many neurons there are.
        activation: name or function, applied to each weighted sum.
        norm: ``"layer"`` or ``"batch"`` normalisation before the activation, or None.
        dropout: the probability with which training drops an output.
        initializer: of the weights; by default one that suits the activation.
        seed: of the initial weights and of dropout.
        dtype: of the parameters.
        stream: which of the seed's random sequences, so that layers of one seed differ.

    Attributes:
        weight: (neurons, inputs), a row for each neuron.
        bias: (neurons,).
    """

    bias: Tensor

    def __init__(
        self,
        inputs: int,
        neurons: int,
        activation: str | ActivationFunction = "tanh",
        norm: str | None = None,
        dropout: float = 0.0,
        initializer: str | Initializer | None = None,
        seed: int | None = None,
        dtype: DType = "float32",
        stream: int = 0,
    ) -> None:
        check_norm(norm)
        initializer = initializer or suitable_initializer(activation)
        super().__init__(
            inputs, neurons, initializer=initializer, seed=seed, dtype=dtype, stream=stream
        )
        self.activation = activation_named(activation)
        self.norm = NORMS[norm](neurons, dtype=dtype) if norm else None
        self.dropout = Dropout(dropout, generator_for(seed, DROPOUT + stream)) if dropout else None

    @property
    def neurons(self) -> list[Neuron]:
        """Each neuron by itself, with its own `weights` and `bias`.

        Raises:
            ArgumentError: the layer has a norm or a softmax, which make each neuron's output depend
                on the others.
        """
        if self.norm is not None or self.activation in (Tensor.softmax, Tensor.log_softmax):
            raise ArgumentError(
                "the neurons of a layer with a norm or a softmax depend on each other, so none can "
                "be computed by itself"
            )
        return [Neuron.of_layer(self, number) for number in range(self.outputs)]

    def forward(self, x: Any) -> Tensor:
        """(inputs,) -> (neurons,), or (samples, inputs) -> (samples, neurons)."""
        z = super().forward(x)
        if self.norm is not None:
            z = self.norm(z)
        y = self.activation(z)
        return y if self.dropout is None else self.dropout(y)


class MLP(Module):
    """A multi-layer perceptron.

    Args:
        inputs: the number of features of a sample.
        neurons: the number of neurons in each layer, the output layer last.
        activation: of the hidden layers, name or function; or a list, one for each hidden layer.
        output_activation: of the last layer.
        dropout: the probability with which training drops the output of a hidden neuron.
        norm: ``"layer"`` or ``"batch"`` normalisation in the hidden layers, or None.
        initializer: name or function of the initial weights; by default one that suits each
            layer's activation.
        seed: of the initial weights and of dropout; None draws from the default generator.
        dtype: of the parameters, and so of the output.

    Raises:
        ArgumentError: no layers, a size below 1, or an unknown name.

    >>> model = MLP(3, [4, 4, 1], seed=0)
    >>> model([1.0, 2.0, 3.0]).shape
    (1,)
    """

    def __init__(
        self,
        inputs: int,
        neurons: Sequence[int],
        activation: str | ActivationFunction | Sequence[str | ActivationFunction] = "tanh",
        output_activation: str | ActivationFunction = "identity",
        dropout: float = 0.0,
        norm: str | None = None,
        initializer: str | Initializer | None = None,
        seed: int | None = None,
        dtype: DType = "float32",
    ) -> None:
        inputs, neurons = checked_count(inputs, "the number of inputs"), _checked_sizes(neurons)
        self._config = {
            "inputs": inputs,
            "neurons": neurons,
            "activation": activation,
            "output_activation": output_activation,
            "dropout": dropout,
            "norm": norm,
            "initializer": initializer,
            "dtype": dtype,
        }
        hidden = len(neurons) - 1
        activations = [*_one_each(activation, hidden), output_activation]
        check_norm(norm)
        check_probability(dropout)
        fan_ins = [inputs, *neurons[:-1]]
        self.layers = [
            Layer(
                fan_ins[i],
                neurons[i],
                activations[i],
                norm if i < hidden else None,
                dropout if i < hidden else 0.0,
                initializer,
                seed,
                dtype,
                stream=i,
            )
            for i in range(len(neurons))
        ]

    def forward(self, x: Any) -> Tensor:
        """(inputs,) -> (outputs,), or (samples, inputs) -> (samples, outputs)."""
        for layer in self.layers:
            x = layer(x)
        return x  # type: ignore[no-any-return]

    def config(self) -> dict[str, Any]:
        """The arguments that make a model like this one: ``MLP(**model.config())``."""
        return dict(self._config)

    def describe(self) -> str:
        """Its sizes."""
        return f"{self.layers[0].inputs}, {[layer.outputs for layer in self.layers]}"


def _checked_sizes(neurons: Sequence[int]) -> list[int]:
    if not isinstance(neurons, list | tuple) or not neurons:
        raise ArgumentError(
            f"neurons must be a list with the size of each layer, such as [16, 1], not {neurons!r}"
        )
    return [checked_count(n, f"the number of neurons in layer {i}") for i, n in enumerate(neurons)]


def _one_each(
    activation: str | ActivationFunction | Sequence[str | ActivationFunction], hidden: int
) -> list[str | ActivationFunction]:
    """The activation of each hidden layer."""
    if isinstance(activation, str) or not isinstance(activation, Sequence):
        activation_named(activation)  # even where there is no hidden layer to use it
        return [activation] * hidden
    if len(activation) != hidden:
        raise ArgumentError(
            f"activation must list a function for each hidden layer, {hidden} in all, and lists "
            f"{len(activation)}; the last layer's is output_activation"
        )
    return list(activation)
