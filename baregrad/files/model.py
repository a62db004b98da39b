"""Model files: weights, architecture, and what turns tables into the model's inputs, in one file.

They are safetensors files, whose metadata holds the rest as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from baregrad.data.preprocess import Preprocessor
from baregrad.data.source import FilePath
from baregrad.errors import ArgumentError, BaregradError, ModelFileError
from baregrad.files.safetensors import load_tensors, save_tensors
from baregrad.nn.mlp import MLP
from baregrad.tensor.tensor import Tensor
from baregrad.version import __version__

FORMAT = "baregrad model"
VERSION = "1"  # of what the metadata means


class SavedModel(NamedTuple):
    """What a model file holds.

    Attributes:
        model: in prediction mode.
        preprocessor: from tables to its inputs and from its outputs back; None if none was saved.
        training: what was saved about the training.
    """

    model: MLP
    preprocessor: Preprocessor | None
    training: dict[str, Any]


def save_model(
    path: FilePath,
    model: MLP,
    preprocessor: Preprocessor | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Writes a model to a file that is there whole or not at all.

    Args:
        path: the file, usually ending in ``.safetensors``.
        model: its present weights and its architecture are saved.
        preprocessor: saved with it, so that the file suffices to predict from tables.
        training: anything else, such as settings and results; it comes back as JSON holds it,
            tuples as lists.

    Raises:
        ArgumentError: not an MLP, a function of one's own where only names can be saved, or a
            preprocessor for another number of features or outputs.
        FileWriteError: the file cannot be written.
    """
    if type(model) is not MLP:
        raise ArgumentError(
            f"only an MLP can be rebuilt from a file, not {type(model).__name__}; save its weights "
            "with save_tensors(path, model.state_dict())"
        )
    if preprocessor is not None and (problem := _mismatch(model, preprocessor)):
        raise ArgumentError(problem)
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "baregrad": __version__,
        "architecture": _json(model.config(), "the architecture", "activations and initializers"),
        "training": _json(dict(training or {}), "training", "its contents"),
    }
    if preprocessor is not None:
        metadata["preprocessor"] = _json(preprocessor.state(), "the preprocessor", "its contents")
    save_tensors(path, model.state_dict(), metadata)


def load_model(path: FilePath) -> SavedModel:
    """The model in a file that `save_model` wrote.

    The file may come from anybody: nothing in it is executed, and it is refused unless all its
    parts are there and fit together.

    Raises:
        ModelFileError: the file cannot be read, is damaged, of a later version, or not a model.
    """
    tensors, metadata = load_tensors(path)
    try:
        return _rebuilt(tensors, metadata)
    except (BaregradError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(f"{path!s} is not a model file that can be used: {reason}") from error


def _rebuilt(tensors: dict[str, Tensor], metadata: dict[str, str]) -> SavedModel:
    if metadata.get("format") != FORMAT:
        raise ModelFileError("it holds tensors, but no baregrad model; read it with load_tensors")
    if metadata["version"] != VERSION:
        raise ModelFileError(
            f"its version is {metadata['version']!r} and this baregrad reads version {VERSION!r}; "
            "use a newer baregrad"
        )
    model = _model(_parsed(metadata["architecture"]), tensors)
    preprocessor = None
    if "preprocessor" in metadata:
        preprocessor = Preprocessor.from_state(_parsed(metadata["preprocessor"]))
        if problem := _mismatch(model, preprocessor):
            raise ModelFileError(problem)
    return SavedModel(model, preprocessor, _parsed(metadata["training"]))


def _model(config: dict[str, Any], tensors: dict[str, Tensor]) -> MLP:
    """The MLP of an architecture with these weights."""
    # An architecture larger than its weights is refused before it takes memory.
    sizes = [config["inputs"], *config["neurons"]]
    needed = sum(a * b for a, b in pairwise(sizes))
    given = sum(tensor.size for tensor in tensors.values())
    if not needed <= given:
        raise ModelFileError(f"its architecture has {needed} weights or more, and it holds {given}")
    model = MLP(**config, seed=0)  # not to draw from the default generator for nothing
    model.load_state_dict(tensors)
    model.eval()
    return model


def _mismatch(model: MLP, preprocessor: Preprocessor) -> str | None:
    """How a model and a preprocessor do not fit together, or None if they do."""
    inputs, outputs = model.layers[0].inputs, model.layers[-1].outputs
    if inputs != preprocessor.inputs:
        return f"the model has {inputs} inputs and the preprocessor {preprocessor.inputs} features"
    # Two classes can also be told apart by the sign of one output.
    if outputs != preprocessor.outputs and (outputs, preprocessor.outputs) != (1, 2):
        return (
            f"the model has {outputs} outputs and the preprocessor's target needs "
            f"{preprocessor.outputs}"
        )
    return None


def _json(value: Any, what: str, which: str) -> str:
    import json  # files are written and read seldom

    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{what} cannot be saved: {error}; give {which} by name, or as numbers, texts and "
            "lists of them"
        ) from None


def _parsed(text: str) -> dict[str, Any]:
    import json  # files are written and read seldom

    try:
        value = json.loads(text)
    except RecursionError:
        raise ModelFileError("its metadata is nested too deeply") from None
    if not isinstance(value, dict):
        raise ModelFileError("its metadata is not made of JSON objects")
    return value
