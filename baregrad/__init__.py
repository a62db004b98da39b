"""Neural networks from scratch: tensors, back-propagation, multi-layer perceptrons.

>>> import baregrad as bg
>>> model = bg.MLP(3, [4, 4, 1], seed=0)
>>> loss = (model([1.0, 2.0, 3.0]) ** 2).sum()
>>> loss.backward()
>>> model.layers[0].weight.grad.shape
(4, 3)

What is not needed to build and differentiate a model is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import baregrad.engines.selection as _selection
from baregrad.engines.selection import engine, set_engine
from baregrad.errors import (
    ArgumentError,
    BaregradError,
    CaptureError,
    CopyError,
    DataError,
    DTypeError,
    FileWriteError,
    GradientError,
    MissingExtraError,
    ModelFileError,
    NonFiniteError,
    NotFittedError,
    OutOfRangeError,
    ShapeError,
)
from baregrad.nn import losses
from baregrad.nn.embedding import EmbeddedFeatures, Embedding
from baregrad.nn.layers import Activation, BatchNorm1d, Dropout, LayerNorm, Linear, Sequential
from baregrad.nn.mlp import MLP, Layer, Neuron
from baregrad.nn.module import Module
from baregrad.optim import schedules
from baregrad.optim.adam import Adam, AdamW
from baregrad.optim.adaptive import Adagrad, RMSprop
from baregrad.optim.clip import clip_grad_norm, clip_grad_value
from baregrad.optim.lbfgs import LBFGS
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.sgd import SGD
from baregrad.tensor.custom import elementwise, with_gradient
from baregrad.tensor.factories import arange, eye, full, linspace, ones, zeros
from baregrad.tensor.functions import abs as abs
from baregrad.tensor.functions import (
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
    maximum,
    mean,
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
    take,
    tanh,
    transpose,
    unsqueeze,
    var,
    where,
)
from baregrad.tensor.functions import max as max
from baregrad.tensor.functions import min as min
from baregrad.tensor.functions import sum as sum
from baregrad.tensor.gradcheck import gradcheck
from baregrad.tensor.graph import no_grad, tracing
from baregrad.tensor.random import Generator, manual_seed, rand, randint, randn
from baregrad.tensor.tensor import Tensor, as_tensor, from_buffer, from_dlpack
from baregrad.version import __version__

if TYPE_CHECKING:
    from baregrad.compiler.explain import explain
    from baregrad.compiler.step import compile as compile
    from baregrad.compiler.threads import set_threads, threads
    from baregrad.data.batches import batches
    from baregrad.data.idx import read_idx
    from baregrad.data.preprocess import Preprocessor
    from baregrad.data.read import read_table
    from baregrad.data.split import train_test_split
    from baregrad.data.synthetic import DATASETS, dataset_named
    from baregrad.data.table import Table
    from baregrad.estimators.classifier import MLPClassifier
    from baregrad.estimators.regressor import MLPRegressor
    from baregrad.files.model import load_model, save_model
    from baregrad.files.safetensors import load_tensors, save_tensors
    from baregrad.training.callbacks import (
        CSVLog,
        EarlyStopping,
        LambdaCallback,
        Progress,
        TimeLimit,
    )
    from baregrad.training.evaluation import evaluate, predict
    from baregrad.training.fit import fit
    from baregrad.training.history import History
    from baregrad.training.learning_rate import find_learning_rate
    from baregrad.training.predictor import Predictor
    from baregrad.training.run import Callback, Run
    from baregrad.view.frames import GraphFrames
    from baregrad.view.graph import draw_graph
    from baregrad.view.report.recorder import Recorder
    from baregrad.view.stepper import stepper

# Public, too, but no part of `from baregrad import *`, which would hide Python's own.
_BUILT_IN_NAMES = ["abs", "compile", "max", "min", "sum"]

__all__ = [
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "ArgumentError",
    "BaregradError",
    "BatchNorm1d",
    "CSVLog",
    "Callback",
    "CaptureError",
    "CopyError",
    "DATASETS",
    "DTypeError",
    "DataError",
    "Dropout",
    "EarlyStopping",
    "EmbeddedFeatures",
    "Embedding",
    "FileWriteError",
    "Generator",
    "GradientError",
    "GraphFrames",
    "History",
    "LBFGS",
    "LambdaCallback",
    "Layer",
    "LayerNorm",
    "Linear",
    "MLP",
    "MLPClassifier",
    "MLPRegressor",
    "MissingExtraError",
    "ModelFileError",
    "Module",
    "Neuron",
    "NonFiniteError",
    "NotFittedError",
    "Optimizer",
    "OutOfRangeError",
    "Predictor",
    "Preprocessor",
    "Progress",
    "RMSprop",
    "Recorder",
    "Run",
    "SGD",
    "Sequential",
    "ShapeError",
    "Table",
    "Tensor",
    "TimeLimit",
    "__version__",
    "arange",
    "argmax",
    "argmin",
    "as_tensor",
    "batches",
    "clip",
    "clip_grad_norm",
    "clip_grad_value",
    "concat",
    "cos",
    "dataset_named",
    "draw_graph",
    "elementwise",
    "elu",
    "engine",
    "erf",
    "evaluate",
    "exp",
    "expand",
    "explain",
    "expm1",
    "eye",
    "find_learning_rate",
    "fit",
    "flatten",
    "from_buffer",
    "from_dlpack",
    "full",
    "gelu",
    "grad",
    "gradcheck",
    "isfinite",
    "leaky_relu",
    "linspace",
    "load_model",
    "load_tensors",
    "log",
    "log_softmax",
    "logsumexp",
    "losses",
    "manual_seed",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "mish",
    "no_grad",
    "one_hot",
    "ones",
    "permute",
    "predict",
    "rand",
    "randint",
    "randn",
    "read_idx",
    "read_table",
    "relu",
    "reshape",
    "save_model",
    "save_tensors",
    "schedules",
    "selu",
    "set_engine",
    "set_threads",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "squeeze",
    "stack",
    "std",
    "stepper",
    "take",
    "tanh",
    "threads",
    "tracing",
    "train_test_split",
    "transpose",
    "unsqueeze",
    "var",
    "where",
    "with_gradient",
    "zeros",
]

# Where to find what is imported on first use; the same as above, for Python itself.
_LATER = {
    "baregrad.compiler.explain": "explain",
    "baregrad.compiler.step": "compile",
    "baregrad.compiler.threads": "set_threads threads",
    "baregrad.data.batches": "batches",
    "baregrad.data.idx": "read_idx",
    "baregrad.data.preprocess": "Preprocessor",
    "baregrad.data.read": "read_table",
    "baregrad.data.split": "train_test_split",
    "baregrad.data.synthetic": "DATASETS dataset_named",
    "baregrad.data.table": "Table",
    "baregrad.estimators.classifier": "MLPClassifier",
    "baregrad.estimators.regressor": "MLPRegressor",
    "baregrad.files.model": "load_model save_model",
    "baregrad.files.safetensors": "load_tensors save_tensors",
    "baregrad.training.callbacks": "CSVLog EarlyStopping LambdaCallback Progress TimeLimit",
    "baregrad.training.evaluation": "evaluate predict",
    "baregrad.training.history": "History",
    "baregrad.training.learning_rate": "find_learning_rate",
    "baregrad.training.fit": "fit",
    "baregrad.training.predictor": "Predictor",
    "baregrad.training.run": "Callback Run",
    "baregrad.view.frames": "GraphFrames",
    "baregrad.view.graph": "draw_graph",
    "baregrad.view.report.recorder": "Recorder",
    "baregrad.view.stepper": "stepper",
}


def _native_engine(name: str | None) -> _selection.Engine:
    """For what is large; the compiler is loaded only now."""
    from baregrad.compiler.collector import importing

    with importing():
        from baregrad.compiler.eager import native_engine

    return native_engine(name)


def _native_name(name: str | None) -> str:
    """That of this engine, which compiled steps go by; they do not need the engine itself."""
    from baregrad.compiler.collector import importing

    with importing():
        from baregrad.compiler.vector.compile import target_named

    return target_named(name).name


_selection.register_native(_native_engine, _native_name)


def __getattr__(name: str) -> Any:
    for module, names in _LATER.items():
        if name in names.split():
            from baregrad.compiler.collector import importing

            with importing():
                globals()[name] = found = getattr(import_module(module), name)
            return found
    raise AttributeError(f"module 'baregrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__ + _BUILT_IN_NAMES)
