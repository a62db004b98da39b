"""The IDX files as NumPy arrays, for those who have NumPy."""

import gzip
from pathlib import Path

import numpy as np


def read(folder: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """(samples, 784) float32 from 0 to 1, and (samples,) int64."""
    with gzip.open(Path(folder) / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(Path(folder) / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return images.astype(np.float32) / np.float32(255), labels.astype(np.int64)
