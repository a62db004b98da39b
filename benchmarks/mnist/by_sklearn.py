"""scikit-learn: `partial_fit` of half an epoch, which makes its batches itself."""

import sys

import numpy as np
from sklearn.neural_network import MLPClassifier

from mnist import arrays, recipe


def main(folder: str, threads: str) -> None:
    x, y = arrays.read(folder, "train")
    test_x, test_y = arrays.read(folder, "t10k")
    model = MLPClassifier(
        recipe.SIZES[1:-1],
        batch_size=recipe.BATCH,
        learning_rate_init=recipe.RATE,
        alpha=0.0,
        shuffle=False,
        random_state=0,
    )

    def half_epoch(order: list[int]) -> None:
        model.partial_fit(x[order], y[order], classes=np.arange(recipe.SIZES[-1]))

    recipe.train(half_epoch, lambda: float((model.predict(test_x) == test_y).mean()))


if __name__ == "__main__":
    main(*sys.argv[1:])
