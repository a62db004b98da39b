"""Model files: weights, architecture, and what turns tables into the model's inputs, in one file.

They are safetensors files, whose metadata holds the rest as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from baregrad.data.preprocess import Preprocessor
from baregrad.data.source import FilePath
from baregrad.errors import ArgumentError, BaregradError, ModelFileError
from baregrad.files.architecture import alike, described, embedded, rebuilt, widths
from baregrad.files.safetensors import MAX_MESSAGE, load_tensors, save_tensors
from baregrad.files.strict_json import parsed
from baregrad.nn.losses import cross_entropy
from baregrad.nn.module import Module
from baregrad.tensor.tensor import Tensor
from baregrad.training.logits import check_logits
from baregrad.version import __version__

FORMAT = "baregrad model"
VERSION = "2"  # of what the metadata means
MAX_ARCHITECTURE = 1_000_000  # characters
UNUSABLE = (  # what a part that is not as it should be raises
    BaregradError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class SavedModel(NamedTuple):
    """What a model file holds.

    Attributes:
        model: in prediction mode.
        preprocessor: from tables to its inputs and from its outputs back; None if none was saved.
        training: what was saved about the training.
    """

    model: Module
    preprocessor: Preprocessor | None
    training: dict[str, Any]


def save_model(
    path: FilePath,
    model: Module,
    preprocessor: Preprocessor | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Writes a model to a file that is there whole or not at all, and that `load_model` reads.

    Args:
        path: the file, usually ending in ``.safetensors``.
        model: its present weights and its architecture are saved. An `MLP`, another module of the
            library, or a `Sequential` of such, as with `EmbeddedFeatures` in front.
        preprocessor: saved with it, so that the file suffices to predict from tables.
        training: anything else, such as settings and results; it comes back as JSON holds it,
            tuples as lists, NaN and infinity as None.

    Raises:
        ArgumentError: a module or function of one's own, one that was changed after it was made,
            or a preprocessor that does not fit it.
        FileWriteError: the file cannot be written.
    """
    state = model.state_dict()
    architecture = _json(described(model), "the architecture")
    _check_that_it_comes_back(model, architecture, state)
    if problem := _mismatch(model, preprocessor):
        raise ArgumentError(problem)
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "baregrad": __version__,
        "architecture": architecture,
        "training": _json(dict(training or {}), "training"),
    }
    if preprocessor is not None:
        metadata["preprocessor"] = _json(preprocessor.state(), "the preprocessor")
    save_tensors(path, state, metadata)


def _check_that_it_comes_back(
    model: Module, architecture: str, state: Mapping[str, Tensor]
) -> None:
    """A model whose layers were changed by hand may be another than its description."""
    try:
        copy = _model(parsed(architecture), state, len(architecture))
        problem = "" if alike(model, copy) else "a layer of it is not as described"
    except (BaregradError, ValueError) as error:
        problem = str(error)
    if problem:
        raise ArgumentError(
            f"the {type(model).__name__} cannot be rebuilt from a file, perhaps as it was changed "
            f"after it was made: {problem}; put its layers into a new Sequential, or save its "
            "weights with save_tensors(path, model.state_dict())"
        )


def load_model(path: FilePath) -> SavedModel:
    """The model in a file that `save_model` wrote.

    The file may come from anybody: nothing in it is executed, and it is refused unless all its
    parts are there and fit together. No random number is drawn, and the file may be written over.

    Raises:
        ModelFileError: the file cannot be read, is damaged, of a later version, or not a model.
    """
    return model_of(path, *load_tensors(path))


def model_of(path: FilePath, tensors: dict[str, Tensor], metadata: dict[str, str]) -> SavedModel:
    """The model that a file's tensors and metadata are.

    Raises:
        ModelFileError: they are none; the message names the file.
    """
    try:
        return _saved_model(tensors, metadata)
    except UNUSABLE as error:
        reason = f"{error} is missing" if type(error) is KeyError else str(error)
        if len(reason) > MAX_MESSAGE:
            reason = f"{reason[:MAX_MESSAGE]} ..."
        raise ModelFileError(f"{path!s} is not a model file that can be used: {reason}") from error


def _saved_model(tensors: dict[str, Tensor], metadata: dict[str, str]) -> SavedModel:
    if metadata.get("format") != FORMAT:
        raise ModelFileError("it holds tensors, but no baregrad model; read it with load_tensors")
    version, architecture = metadata["version"], metadata["architecture"]
    if version != VERSION:
        raise ModelFileError(
            f"its version is {version!r} and this baregrad reads version {VERSION!r}; use a newer "
            "baregrad"
        )
    model = _model(_object(architecture), tensors, len(architecture))
    preprocessor = None
    if "preprocessor" in metadata:
        preprocessor = Preprocessor.from_state(_object(metadata["preprocessor"]))
    if problem := _mismatch(model, preprocessor):
        raise ModelFileError(problem)
    return SavedModel(model, preprocessor, _object(metadata["training"]))


def _model(config: dict[str, Any], tensors: Mapping[str, Tensor], length: int) -> Module:
    """The module of an architecture, whose text has this length, with these weights."""
    if length > MAX_ARCHITECTURE:
        raise ModelFileError(f"its architecture is a text of more than {MAX_ARCHITECTURE} letters")
    model = rebuilt(config, {name: tensor.shape for name, tensor in tensors.items()})
    model.load_state_dict(tensors)
    return model.eval()


def _mismatch(model: Module, preprocessor: Preprocessor | None) -> str | None:
    """How parts of a model, or it and a preprocessor, do not fit; None if they do."""
    inputs, outputs = widths(model)
    if preprocessor is None:
        return None
    if inputs != preprocessor.inputs:
        return f"the model has {inputs} inputs and the preprocessor {preprocessor.inputs} features"
    # Two classes can also be told apart by the sign of one output.
    if outputs != preprocessor.outputs and (outputs, preprocessor.outputs) != (1, 2):
        return (
            f"the model has {outputs} outputs and the preprocessor's target needs "
            f"{preprocessor.outputs}"
        )
    if embedded(model) != preprocessor.embeddings:
        return (
            f"the preprocessor has numbers of categories at {preprocessor.embeddings}, and the "
            f"model embeds {embedded(model)}; begin it with EmbeddedFeatures(p.inputs, "
            "p.embeddings)"
        )
    if preprocessor.classes:
        check_logits(model, cross_entropy)
    return None


def _json(value: Any, what: str) -> str:
    import json  # files are written and read seldom

    try:  # JSON has no NaN and no infinity
        return json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None))
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(
            f"{what} cannot be saved: {error}; give its contents as numbers, texts and lists of "
            "them"
        ) from None


def _object(text: str) -> dict[str, Any]:
    value = parsed(text)
    if not isinstance(value, dict):
        raise ModelFileError("its metadata is not made of JSON objects")
    return value
