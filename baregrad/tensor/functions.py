"""The operations as functions: ``tanh(x)`` is ``x.tanh()``, and `x` may be a list of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from baregrad.engines.array import DType
from baregrad.tensor import autograd
from baregrad.tensor.tensor import Tensor, as_tensor

P = ParamSpec("P")


def _function(method: Callable[Concatenate[Tensor, P], Tensor]) -> Callable[..., Tensor]:
    @wraps(method)
    def call(x: Any, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        return method(as_tensor(x), *args, **kwargs)

    call.__module__ = __name__
    return call


abs = _function(Tensor.abs)
exp = _function(Tensor.exp)
expm1 = _function(Tensor.expm1)
log = _function(Tensor.log)
sqrt = _function(Tensor.sqrt)
sin = _function(Tensor.sin)
cos = _function(Tensor.cos)
erf = _function(Tensor.erf)
sign = _function(Tensor.sign)
isfinite = _function(Tensor.isfinite)
maximum = _function(Tensor.maximum)
minimum = _function(Tensor.minimum)
where = _function(Tensor.where)
clip = _function(Tensor.clip)

tanh = _function(Tensor.tanh)
sigmoid = _function(Tensor.sigmoid)
relu = _function(Tensor.relu)
leaky_relu = _function(Tensor.leaky_relu)
elu = _function(Tensor.elu)
selu = _function(Tensor.selu)
gelu = _function(Tensor.gelu)
silu = _function(Tensor.silu)
mish = _function(Tensor.mish)
softplus = _function(Tensor.softplus)
softmax = _function(Tensor.softmax)
log_softmax = _function(Tensor.log_softmax)
logsumexp = _function(Tensor.logsumexp)

sum = _function(Tensor.sum)
mean = _function(Tensor.mean)
var = _function(Tensor.var)
std = _function(Tensor.std)
max = _function(Tensor.max)
min = _function(Tensor.min)
argmax = _function(Tensor.argmax)
argmin = _function(Tensor.argmin)

reshape = _function(Tensor.reshape)
flatten = _function(Tensor.flatten)
squeeze = _function(Tensor.squeeze)
unsqueeze = _function(Tensor.unsqueeze)
transpose = _function(Tensor.transpose)
permute = _function(Tensor.permute)
expand = _function(Tensor.expand)
take = _function(Tensor.take)


def matmul(x: Any, y: Any) -> Tensor:
    """Matrix product of vectors, matrices or batches of matrices; see `Tensor.__matmul__`."""
    return as_tensor(x).matmul(as_tensor(y))


def concat(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors one after another along an axis."""
    return Tensor.concat([as_tensor(x) for x in tensors], axis)


def stack(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape, beside each other along a new axis."""
    return Tensor.stack([as_tensor(x) for x in tensors], axis)


def one_hot(indices: Any, classes: int, dtype: DType = "float32") -> Tensor:
    """For each integer a vector of `classes` zeros, with a one at that place."""
    return as_tensor(indices).one_hot(classes, dtype)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    gradients: Sequence[Tensor | None] | None = None,
    create_graph: bool = False,
) -> tuple[Tensor, ...]:
    """See `baregrad.tensor.autograd.grad`."""
    return autograd.grad(outputs, inputs, gradients, create_graph)
