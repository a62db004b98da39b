"""Real tables of every kind, where they are at hand beside the repository."""

import os
from pathlib import Path

import pytest

from baregrad.data.idx import read_idx
from baregrad.data.preprocess import Preprocessor
from baregrad.data.read import read_table
from baregrad.errors import DataError

BESIDE = Path(__file__).parents[3] / "shared" / "data"
FOLDER = Path(os.environ.get("BAREGRAD_DATA", BESIDE))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no real data; set BAREGRAD_DATA to its folder"),
]


@pytest.mark.parametrize(
    ("file", "skip_rows", "target", "rows", "features", "outputs"),
    [
        ("adult-train.csv", 0, "column_15", 32561, 108, 2),
        ("california_housing.csv", 0, "median_house_value", 20640, 14, 1),
        ("winequality-red.csv", 0, "column_12", 1599, 11, 6),
        ("penguins.csv", 0, "species", 344, 14, 3),
        ("titanic.csv", 0, "survived", 891, 33, 2),
        ("mpg.csv", 0, "mpg", 398, 10, 1),
        ("digits.csv.gz", 0, "column_65", 1797, 61, 10),
        ("iris.csv", 1, "column_5", 150, 4, 3),
        ("breast_cancer.csv", 1, "column_31", 569, 30, 2),
    ],
)
def test_a_real_table_becomes_tensors(file, skip_rows, target, rows, features, outputs):
    table = read_table(FOLDER / file, skip_rows=skip_rows)
    preprocessor = Preprocessor.fit(table, target)
    x, y = preprocessor.transform(table), preprocessor.target(table)
    assert x.shape == (rows, features)
    assert len(y) == rows
    assert preprocessor.outputs == outputs
    assert bool(x.isfinite().min().item())


@pytest.mark.parametrize("file", ["iris.csv", "breast_cancer.csv"])
def test_a_first_line_of_counts_is_noticed(file):
    with pytest.raises(DataError, match="kip that row"):
        read_table(FOLDER / file)


def test_mnist_is_read():
    images = read_idx(FOLDER / "mnist" / "t10k-images-idx3-ubyte.gz", scale=True)
    labels = read_idx(FOLDER / "mnist" / "t10k-labels-idx1-ubyte.gz")
    assert images.shape == (10_000, 28, 28)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert max(images.buffer()) == 1
