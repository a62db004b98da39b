"""MNIST, a small part of it, learned by the pure-Python engine. About a minute."""

from pathlib import Path

import pytest

import baregrad as bg

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "mnist"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.exists(), reason=f"MNIST's IDX files are not in {FOLDER}"),
]


def digits(name, count):
    images = bg.read_idx(FOLDER / f"{name}-images-idx3-ubyte.gz", scale=True)
    labels = bg.read_idx(FOLDER / f"{name}-labels-idx1-ubyte.gz")
    return images[:count].flatten(1), labels[:count]


def test_a_small_network_learns_digits_from_two_thousand_of_them():
    model = bg.MLP(784, [32, 10], activation="relu", seed=0)
    history = bg.fit(
        model,
        *digits("train", 2000),
        loss="cross_entropy",
        optimizer=bg.Adam(model.parameters(), lr=3e-3),
        epochs=5,
        metrics=["accuracy"],
        validation_data=digits("t10k", 1000),
        seed=0,
    )
    assert history["val_accuracy"][-1] > 0.84
    assert history["loss"][-1] < 0.25 < history["loss"][0]
