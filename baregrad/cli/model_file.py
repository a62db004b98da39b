"""The model that a command works with."""

from __future__ import annotations

from pathlib import Path

from baregrad.files.model import SavedModel, load_model

MODEL_FILE = "model.safetensors"


def saved_model(path: str) -> SavedModel:
    """The model in a file, or in the folder of a run.

    Raises:
        ModelFileError: it is not there, or is not a model.
    """
    place = Path(path)
    return load_model(place / MODEL_FILE if place.is_dir() else place)
