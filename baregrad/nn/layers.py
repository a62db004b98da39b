"""Layers: the affine map, activation, dropout, normalisation, and modules in sequence."""

from __future__ import annotations

from math import inf
from typing import Any, overload

from baregrad.arguments import checked_count, checked_number
from baregrad.engines.array import FLOATS, DType
from baregrad.errors import ArgumentError, DTypeError, ShapeError
from baregrad.nn.activations import ActivationFunction, activation_named
from baregrad.nn.initializers import Initializer, initial_weights
from baregrad.nn.module import Module
from baregrad.tensor.factories import ones, zeros
from baregrad.tensor.graph import no_grad
from baregrad.tensor.random import Generator, generator_for
from baregrad.tensor.tensor import Tensor, as_tensor


def checked_float(dtype: DType) -> DType:
    """A data type that parameters can have.

    Raises:
        DTypeError: integers or bools, which carry no gradients.
    """
    if dtype not in FLOATS:
        raise DTypeError(f"parameters must be {' or '.join(FLOATS)}, not {dtype!r}")
    return dtype


def features_of(x: Any, features: int, dtype: DType, module: Module) -> Tensor:
    """The input of a layer as a tensor of its data type, with so many features in the last axis.

    Raises:
        ShapeError: another number of features.
    """
    tensor = as_tensor(x).astype(dtype)
    if tensor.shape[-1:] != (features,):
        raise ShapeError(
            f"{type(module).__name__} expects {features} features in the last axis: an input of "
            f"shape ({features},) or (samples, {features}), not {tensor.shape}"
        )
    return tensor


class Linear(Module):
    """The affine map x Wᵀ + b.

    Args:
        inputs: number of features of the input.
        outputs: number of features of the output.
        bias: whether there is a b.
        initializer: name or function of the initial weights; the bias begins at 0.
        seed: of the initial weights; None draws from the default generator.
        dtype: of the parameters, and so of the result.
        stream: which of the seed's random sequences, so that layers of one seed differ.

    Attributes:
        weight: (outputs, inputs), as in PyTorch: one row for each output.
        bias: (outputs,), or None.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        initializer: str | Initializer = "glorot_uniform",
        seed: int | None = None,
        dtype: DType = "float32",
        stream: int = 0,
    ) -> None:
        self.inputs = checked_count(inputs, "the number of inputs")
        self.outputs = checked_count(outputs, "the number of outputs")
        weight = initial_weights(initializer, self.outputs, self.inputs, seed, stream)
        self.weight = Tensor(weight, checked_float(dtype), requires_grad=True)
        self.bias = zeros(outputs, dtype=dtype, requires_grad=True) if bias else None

    def forward(self, x: Any) -> Tensor:
        """(inputs,) -> (outputs,), or (samples, inputs) -> (samples, outputs)."""
        z = features_of(x, self.inputs, self.weight.dtype, self) @ self.weight.T
        return z if self.bias is None else z + self.bias

    def describe(self) -> str:
        """Its sizes."""
        return f"{self.inputs}, {self.outputs}{'' if self.bias is not None else ', bias=False'}"


class Activation(Module):
    """An activation function as a module; a `Sequential` makes one of a name or a function.

    Args:
        activation: name or function, applied to the whole input.

    Raises:
        ArgumentError: no activation has this name.
    """

    def __init__(self, activation: str | ActivationFunction) -> None:
        self.activation = activation_named(activation)

    def forward(self, x: Any) -> Tensor:
        """The same shape, if the function keeps it."""
        return self.activation(as_tensor(x))

    def describe(self) -> str:
        """Its name."""
        return str(getattr(self.activation, "__name__", self.activation))


def check_probability(p: float) -> float:
    """A probability with which something may be dropped.

    Raises:
        ArgumentError: it is no number of at least 0 and below 1.
    """
    return checked_number(p, "the dropout probability", least=0, below=1)


class Dropout(Module):
    """In training sets each element to 0 with probability `p` and scales the others by 1/(1 - p).

    N. Srivastava et al., JMLR 15 (2014) 1929-1958, in the "inverted" form that leaves prediction
    as it is.

    Args:
        p: at least 0 and less than 1.
        generator: to draw from; None is the default one.

    Raises:
        ArgumentError: p out of range.
    """

    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        self.p = check_probability(p)
        self.generator = generator or generator_for(None)

    def forward(self, x: Any) -> Tensor:
        """The same shape."""
        inputs = as_tensor(x)
        if not self.training or self.p == 0:
            return inputs
        kept = self.generator.rand(*inputs.shape) >= self.p
        return inputs * kept.astype(inputs.dtype) / (1 - self.p)

    def describe(self) -> str:
        """Its probability."""
        return f"{self.p}"


class LayerNorm(Module):
    """Makes the features of each sample have mean 0 and variance 1, then scales and shifts them.

    J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", 2016, eq. 3 and 4.

    Args:
        features: the size of the last axis.
        epsilon: added to the variance, 0 or more.
        dtype: of the parameters.
    """

    def __init__(self, features: int, epsilon: float = 1e-5, dtype: DType = "float32") -> None:
        self.features = checked_count(features, "the number of features")
        self.epsilon = checked_number(epsilon, "epsilon", least=0, below=inf)
        self.weight = ones(features, dtype=checked_float(dtype), requires_grad=True)
        self.bias = zeros(features, dtype=dtype, requires_grad=True)

    def forward(self, x: Any) -> Tensor:
        """(..., features) -> (..., features)."""
        inputs = features_of(x, self.features, self.weight.dtype, self)
        centred = inputs - inputs.mean(-1, keepdims=True)
        variance = (centred * centred).mean(-1, keepdims=True)
        return centred / (variance + self.epsilon).sqrt() * self.weight + self.bias

    def describe(self) -> str:
        """Its size."""
        return f"{self.features}"


class BatchNorm1d(Module):
    """Makes each feature have mean 0 and variance 1 over the batch, then scales and shifts it.

    S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015, algorithms 1 and 2. Prediction uses
    running averages of the means and variances seen in training.

    Args:
        features: the size of the last axis.
        epsilon: added to the variance, 0 or more.
        momentum: the weight of the newest batch in the running averages, from 0 to 1.
        dtype: of the parameters.
    """

    def __init__(
        self,
        features: int,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        dtype: DType = "float32",
    ) -> None:
        self.features = checked_count(features, "the number of features")
        self.epsilon = checked_number(epsilon, "epsilon", least=0, below=inf)
        self.momentum = checked_number(momentum, "momentum", least=0, most=1)
        self.weight = ones(features, dtype=checked_float(dtype), requires_grad=True)
        self.bias = zeros(features, dtype=dtype, requires_grad=True)
        self.running_mean = zeros(features, dtype=dtype)
        self.running_var = ones(features, dtype=dtype)

    def forward(self, x: Any) -> Tensor:
        """(samples, features) -> (samples, features).

        Raises:
            ShapeError: in training, a batch of fewer than two samples, which has no variance.
        """
        batch = features_of(x, self.features, self.weight.dtype, self)
        if self.training:
            if batch.ndim != 2 or batch.shape[0] < 2:
                raise ShapeError(
                    f"BatchNorm1d needs two samples or more in training, a batch of shape "
                    f"(samples, {self.features}), not {batch.shape}; choose a batch size that "
                    "leaves no single sample over, or call eval() to predict"
                )
            mean, variance = batch.mean(0), batch.var(0)
            self._remember(mean, variance, batch.shape[0])
        else:
            mean, variance = self.running_mean, self.running_var
        return (batch - mean) / (variance + self.epsilon).sqrt() * self.weight + self.bias

    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Moves the running averages; of the variance, the unbiased estimate."""
        with no_grad():
            unbiased = variance * (count / (count - 1))
            for average, value in ((self.running_mean, mean), (self.running_var, unbiased)):
                average.assign(average + self.momentum * (value - average))

    def describe(self) -> str:
        """Its size."""
        return f"{self.features}"


class Sequential(Module):
    """Modules applied one after another: ``Sequential(Linear(2, 8), "relu", Linear(8, 1))``.

    Args:
        *modules: modules, and activations by name or as functions.

    Raises:
        ArgumentError: something that is neither.
    """

    def __init__(self, *modules: Module | str | ActivationFunction) -> None:
        for i, module in enumerate(modules):
            if isinstance(module, type) or not (isinstance(module, str) or callable(module)):
                raise ArgumentError(
                    f"Sequential: argument {i} is {module!r}, neither a module, such as "
                    'Dropout(0.5), nor an activation, such as "relu"'
                )
        self.modules = [m if isinstance(m, Module) else Activation(m) for m in modules]

    def forward(self, x: Any) -> Tensor:
        """The output of the last module."""
        for module in self.modules:
            x = module(x)
        return as_tensor(x)

    def __len__(self) -> int:
        return len(self.modules)

    @overload
    def __getitem__(self, index: int) -> Module: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Module:
        """A module; or, of a slice, a sequence of the same modules, which share their weights."""
        found = self.modules[index]
        return Sequential(*found) if isinstance(found, list) else found

    def describe(self) -> str:
        """Its modules."""
        return ", ".join(map(repr, self.modules))
