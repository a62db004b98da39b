"""Neural networks from scratch: tensors, back-propagation, multi-layer perceptrons.

>>> import baregrad as bg
>>> model = bg.MLP(3, [4, 4, 1])
>>> model([1.0, 2.0, 3.0])  # doctest: +SKIP
"""

from baregrad.engines.selection import engine
from baregrad.errors import (
    ArgumentError,
    BaregradError,
    DataError,
    DTypeError,
    GradientError,
    MissingExtraError,
    ModelFileError,
    NonFiniteError,
    OutOfRangeError,
    ShapeError,
)
from baregrad.nn.layers import BatchNorm1d, Dropout, LayerNorm, Linear, Sequential
from baregrad.nn.mlp import MLP, Layer, Neuron
from baregrad.nn.module import Module
from baregrad.tensor.custom import elementwise, with_gradient
from baregrad.tensor.factories import arange, eye, full, linspace, ones, zeros
from baregrad.tensor.functions import (
    abs,
    argmax,
    argmin,
    clip,
    concat,
    cos,
    elu,
    erf,
    exp,
    expand,
    expm1,
    flatten,
    gelu,
    grad,
    isfinite,
    leaky_relu,
    log,
    log_softmax,
    logsumexp,
    matmul,
    max,
    maximum,
    mean,
    min,
    minimum,
    mish,
    one_hot,
    permute,
    relu,
    reshape,
    selu,
    sigmoid,
    sign,
    silu,
    sin,
    softmax,
    softplus,
    sqrt,
    squeeze,
    stack,
    std,
    sum,
    take,
    tanh,
    transpose,
    unsqueeze,
    var,
    where,
)
from baregrad.tensor.gradcheck import gradcheck
from baregrad.tensor.graph import no_grad
from baregrad.tensor.random import Generator, manual_seed, rand, randint, randn
from baregrad.tensor.tensor import Tensor, as_tensor

__version__ = "0.1.0"
