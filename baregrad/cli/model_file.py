"""The model that a command works with."""

from __future__ import annotations

from pathlib import Path

from baregrad.data.preprocess import Preprocessor
from baregrad.errors import ArgumentError, ModelFileError
from baregrad.files.architecture import embedded, widths
from baregrad.files.model import SavedModel, load_model
from baregrad.nn.module import Module
from baregrad.tensor.random import Generator
from baregrad.tensor.tensor import Tensor

MODEL_FILE = "model.safetensors"


def saved_model(path: str) -> SavedModel:
    """The model in a file, or in the folder of a run.

    Raises:
        ModelFileError: it is not there, or is not a model.
    """
    return load_model(model_path(path))


def model_path(path: str) -> Path:
    """The file of a model, which may be in the folder of a run."""
    place = Path(path)
    return place / MODEL_FILE if place.is_dir() else place


def model_for_tables(path: str) -> tuple[Module, Preprocessor]:
    """A model that reads tables, and how it does.

    Raises:
        ModelFileError: it is not there, is not a model, or reads none.
    """
    model, preprocessor, _ = saved_model(path)
    if preprocessor is None:
        raise ModelFileError(
            f"{path} was saved without a preprocessor, so it cannot read tables; load it in Python "
            "with load_model"
        )
    return model, preprocessor


def inputs_of(model: Module) -> int:
    """How many features a model takes.

    Raises:
        ArgumentError: it takes any number.
    """
    inputs, _ = widths(model)
    if inputs is None:
        raise ArgumentError(f"{model!r} takes any number of features, so none can be made up")
    return inputs


def sample_for(model: Module) -> Tensor:
    """Normal random numbers, as standardised features are; all categories are number 0."""
    sample = Generator(seed=0).randn(inputs_of(model))
    places = embedded(model)
    if not places:
        return sample
    return Tensor([[0.0 if i in places else v for i, v in enumerate(sample.tolist())]])
