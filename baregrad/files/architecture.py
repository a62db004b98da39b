"""Architectures: modules of the library as JSON, and made anew from it, without their weights.

JSON may come from anybody, so it is checked before anything is made of the sizes it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from reprlib import repr as brief
from typing import Any

from baregrad.errors import ArgumentError, ModelFileError, ShapeError
from baregrad.nn.activations import activation_name
from baregrad.nn.embedding import SIZE, EmbeddedFeatures, Embedding
from baregrad.nn.initializers import INITIALIZERS, initializer_named
from baregrad.nn.layers import Activation, BatchNorm1d, Dropout, LayerNorm, Linear, Sequential
from baregrad.nn.mlp import MLP, NORMS, Layer
from baregrad.nn.module import Module
from baregrad.tensor.factories import zeros
from baregrad.tensor.random import Generator
from baregrad.tensor.tensor import Tensor

LEVELS = 50  # of sequences in sequences
LARGEST = 2**40  # size of anything


# --- from modules to JSON ---------------------------------------------------------------------


def described(module: Module) -> dict[str, Any]:
    """The kind of a module, and the arguments that make one like it.

    Raises:
        ArgumentError: it, or an activation, is not the library's own.
    """
    kind = type(module)
    if kind not in ARGUMENTS:
        raise ArgumentError(
            f"only the library's own modules can be rebuilt from a file, not {kind.__name__}; "
            "save its weights with save_tensors(path, model.state_dict())"
        )
    return {"kind": kind.__name__, **ARGUMENTS[kind](module)}


def _mlp(model: MLP) -> dict[str, Any]:
    config = model.config()
    activation, initializer = config["activation"], config["initializer"]
    several = isinstance(activation, list | tuple)
    if callable(initializer):  # one's own is left out, as it has done its work
        initializer = next((n for n, f in INITIALIZERS.items() if f is initializer), None)
    return config | {
        "activation": [*map(_activation, activation)] if several else _activation(activation),
        "output_activation": _activation(config["output_activation"]),
        "initializer": initializer,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "inputs": layer.inputs,
        "neurons": layer.outputs,
        "activation": _activation(layer.activation),
        "norm": next((name for name, kind in NORMS.items() if type(layer.norm) is kind), None),
        "dropout": layer.dropout.p if layer.dropout else 0.0,
        "dtype": layer.weight.dtype,
    }


def _activation(activation: Any) -> str:
    """The name of an activation, given by name or as a function."""
    name = activation_name(activation)
    if name is not None:
        return name
    raise ArgumentError(
        f"the architecture cannot be saved: the activation {activation!r} is a function of one's "
        "own; give one of the library's by name"
    )


def _linear(layer: Linear) -> dict[str, Any]:
    sizes = {"inputs": layer.inputs, "outputs": layer.outputs}
    return {**sizes, "bias": layer.bias is not None, "dtype": layer.weight.dtype}


def _norm(norm: LayerNorm | BatchNorm1d) -> dict[str, Any]:
    momentum = {"momentum": float(norm.momentum)} if isinstance(norm, BatchNorm1d) else {}
    sizes = {"features": norm.features, "epsilon": float(norm.epsilon)}
    return {**sizes, **momentum, "dtype": norm.weight.dtype}


def _embedded(module: EmbeddedFeatures) -> dict[str, Any]:
    return {
        "inputs": module.inputs,
        "counts": [list(pair) for pair in embedded(module).items()],
        "size": module.embeddings[0].size if module.embeddings else SIZE,
        "dtype": module.dtype,
    }


ARGUMENTS: Mapping[type[Module], Callable[[Any], dict[str, Any]]] = {
    MLP: _mlp,
    Layer: _layer,
    Linear: _linear,
    LayerNorm: _norm,
    BatchNorm1d: _norm,
    Activation: lambda module: {"activation": _activation(module.activation)},
    Dropout: lambda module: {"p": module.p},
    Embedding: lambda m: {"count": m.count, "size": m.size, "dtype": m.weight.dtype},
    EmbeddedFeatures: _embedded,
    Sequential: lambda module: {"modules": [described(part) for part in module.modules]},
}
KINDS = {kind.__name__: kind for kind in ARGUMENTS}


# --- from JSON to modules ---------------------------------------------------------------------


def rebuilt(config: Any, shapes: Mapping[str, tuple[int, ...]]) -> Module:
    """The module that `described` as `config`, with tensors of these shapes, none of them drawn.

    Raises:
        ModelFileError: it describes none, or one with other tensors.
        ArgumentError, DTypeError, TypeError, ValueError: an argument will not do.
    """
    tensors, weights = _least(config)
    given = sum(map(_product, shapes.values()))
    if tensors > len(shapes) or weights > given:
        raise ModelFileError(
            f"its architecture has {weights} weights in {tensors} tensors, or more, and it holds "
            f"{given} in {len(shapes)}"
        )
    module = _made(config)
    if described(module) != config:
        raise ModelFileError(f"its architecture has arguments of no meaning: {brief(config)}")
    own = {name: tensor.shape for name, tensor in module.named_tensors()}
    if own != shapes:
        wrong = min(n for n in own.keys() | shapes.keys() if own.get(n) != shapes.get(n))
        raise ModelFileError(
            f"its tensor {brief(wrong)} has shape {shapes.get(wrong, 'none')}, and that of its "
            f"architecture {own.get(wrong, 'none')}"
        )
    return module


def _product(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _least(config: Any, level: int = 0) -> tuple[int, int]:
    """How many tensors and weights there are, but for biases; nothing is made to know it."""
    match config:
        case {"kind": "Sequential", "modules": list(modules)} if level < LEVELS:
            found = [_least(part, level + 1) for part in modules]
            return sum(tensors for tensors, _ in found), sum(weights for _, weights in found)
        case {"kind": "MLP", "inputs": inputs, "neurons": list(neurons)}:
            sizes = [*map(_size, [inputs, *neurons])]
            return len(neurons), sum(a * b for a, b in pairwise(sizes))
        case (
            {"kind": "Linear", "inputs": a, "outputs": b}
            | {"kind": "Layer", "inputs": a, "neurons": b}
            | {"kind": "Embedding", "count": a, "size": b}
        ):
            return 1, _size(a) * _size(b)
        case {"kind": "BatchNorm1d", "momentum": momentum} if not isinstance(momentum, float):
            pass
        case {
            "kind": "LayerNorm" | "BatchNorm1d",
            "features": features,
            "epsilon": float(epsilon),
        } if epsilon >= 0:
            return 2, _size(features)
        case {"kind": "EmbeddedFeatures", "counts": list(counts), "size": size}:
            return len(counts), sum(_size(count) for _, count in counts) * _size(size)
        case {"kind": "Activation" | "Dropout"}:
            return 0, 0
    raise ModelFileError(f"its architecture has a part that is of no known kind: {brief(config)}")


def _size(value: object) -> int:
    if type(value) is not int or not 1 <= value <= LARGEST:
        raise ModelFileError(f"sizes must be integers from 1 to {LARGEST}, not {brief(value)}")
    return value


def _made(config: dict[str, Any]) -> Module:
    arguments = {name: value for name, value in config.items() if name != "kind"}
    match config["kind"]:
        case "Sequential":
            return Sequential(*map(_made, config["modules"]))
        case "MLP":
            model = MLP(**arguments | {"initializer": _blank}, seed=0)
            model._config["initializer"] = name = config.get("initializer")
            if name is not None:
                initializer_named(name)
            return model
        case "Layer":
            return Layer(**arguments, initializer=_blank, seed=0)
        case "Linear":
            return Linear(**arguments, initializer=_blank, seed=0)
        case "EmbeddedFeatures":
            counts = dict(config["counts"])
            return EmbeddedFeatures(**arguments | {"counts": counts}, initializer=_blank, seed=0)
        case "Embedding":
            return Embedding(**arguments, initializer=_blank, seed=0)
        case kind:
            return KINDS[kind](**arguments)


def _blank(outputs: int, inputs: int, generator: Generator) -> Tensor:
    """Initial weights that others will take the place of at once: drawing them takes long."""
    return zeros(outputs, inputs)


# --- what fits what ---------------------------------------------------------------------------


def alike(a: Module, b: Module) -> bool:
    """Whether two modules, and all in them, are of the same kinds and arguments."""
    of_a, of_b = dict(a.named_children()), dict(b.named_children())
    return (
        described(a) == described(b)
        and of_a.keys() == of_b.keys()
        and all(alike(child, of_b[name]) for name, child in of_a.items())
    )


def widths(module: Module) -> tuple[int | None, int | None]:
    """How many features a module takes and gives; None where it takes any, or gives as many.

    Raises:
        ShapeError: one part of it gives others than the next one takes.
    """
    match module:
        case MLP(layers=parts) | Sequential(modules=parts):
            found = [pair for pair in map(widths, parts) if pair != (None, None)]
            for (_, gives), (takes, _) in pairwise(found):
                if takes not in (gives, None):
                    raise ShapeError(f"features: a part gives {gives}, and the next takes {takes}")
            return (found[0][0], found[-1][1]) if found else (None, None)
        case Linear() | EmbeddedFeatures():
            return module.inputs, module.outputs
        case LayerNorm() | BatchNorm1d():
            return module.features, module.features
        case Embedding():
            return None, module.size
    return None, None


def embedded(module: Module) -> dict[int, int]:
    """The places of the features that a model embeds, and how many categories each of them has."""
    while isinstance(module, Sequential) and len(module):
        module = module[0]
    if not isinstance(module, EmbeddedFeatures):
        return {}
    return {p: e.count for p, e in zip(module.places, module.embeddings, strict=True)}
