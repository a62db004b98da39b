"""Test errors on MNIST, of networks whose errors others have published.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86 (1998), figure 9: networks with one and two hidden layers,
trained with the mean squared error. N. Srivastava et al., "Dropout: a simple way to prevent neural
networks from overfitting", JMLR 15 (2014), table 2: rectified linear units with dropout.

Networks, losses and dropout are theirs; Adam and one cycle of learning rates are not, which need
fewer epochs than there were then. Nothing was chosen by the test images' errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import baregrad as bg
from accuracies.figures import Result, estimate

COLUMNS = ["network", "seeds", "published, %", "baregrad, %", "epochs"]
PIXELS, CLASSES = 784, 10
FILES = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]


class Images(NamedTuple):
    """Images (samples, pixels) from 0 to 1, and the numbers of their digits (samples,)."""

    x: bg.Tensor
    y: bg.Tensor


class Network(NamedTuple):
    """A network, and how it is trained.

    Attributes:
        make: the network of a seed.
        loss: of the outputs.
        targets: from the digits to what the outputs should be.
        optimizer: from parameters and `lr`.
        rate: the learning rate at its peak.
        epochs: how many.
        batch_size: images to a step.
        published: the error of a network of these sizes, %, with its source.
    """

    make: Callable[[int], bg.Module]
    loss: str
    targets: Callable[[bg.Tensor], bg.Tensor]
    optimizer: type[bg.Optimizer]
    rate: float
    epochs: int
    batch_size: int
    published: str


# --- 1998 -----------------------------------------------------------------------------------------


def scaled_tanh(x: bg.Tensor) -> bg.Tensor:
    """1.7159 tanh(2 x / 3), appendix A of the paper: ±1 at ±1, where it bends most."""
    return 1.7159 * (x * (2 / 3)).tanh()


def plus_and_minus(digits: bg.Tensor) -> bg.Tensor:
    """(samples, 10): 1 for the digit and -1 for the others."""
    return 2 * digits.one_hot(CLASSES) - 1


def squared_errors(hidden: Sequence[int], published: str) -> Network:
    """One of LeCun's networks."""

    def make(seed: int) -> bg.Module:
        sizes = [*hidden, CLASSES]
        return bg.MLP(PIXELS, sizes, scaled_tanh, scaled_tanh, seed=seed)

    return Network(make, "mse", plus_and_minus, bg.Adam, 0.003, 20, 128, published)


# --- 2014 -----------------------------------------------------------------------------------------


class AdamMaxNorm(bg.Adam):
    """Adam; then the weights that lead to a neuron are scaled to a norm of at most `LIMIT`.

    Section 5.1 of the paper, with the c = 2 of its appendix B.1.
    """

    LIMIT = 2.0

    @staticmethod
    def rule(parameter: bg.Tensor, *rest: Any, **options: Any) -> tuple[bg.Tensor, Any]:
        """See the class; biases, which have one axis, are left as they are."""
        new, state = bg.Adam.rule(parameter, *rest, **options)
        if new.ndim == 1:
            return new, state
        norms = (new * new).sum(1, keepdims=True).sqrt()
        return new * (AdamMaxNorm.LIMIT / norms.maximum(AdamMaxNorm.LIMIT)), state


def dropout_network(hidden: Sequence[int], epochs: int, published: str) -> Network:
    """One of Srivastava's networks: a fifth of the pixels is dropped, and half of the neurons."""

    def make(seed: int) -> bg.Module:
        network = bg.MLP(PIXELS, [*hidden, CLASSES], "relu", dropout=0.5, seed=seed)
        return bg.Sequential(bg.Dropout(0.2, bg.Generator(seed)), network)

    return Network(make, "cross_entropy", same, AdamMaxNorm, 0.002, epochs, 256, published)


def same(digits: bg.Tensor) -> bg.Tensor:
    """The digits themselves."""
    return digits


NETWORKS = {
    "300, mean squared error": squared_errors([300], "4.7 (LeCun 1998)"),
    "500+150, mean squared error": squared_errors([500, 150], "2.95 (LeCun 1998)"),
    "1024+1024, ReLU, dropout, max-norm": dropout_network(
        [1024, 1024], 40, "1.25, with max-norm 1.06 (Srivastava 2014: 3 layers)"
    ),
}


# --- measuring ------------------------------------------------------------------------------------


def images(folder: Path) -> tuple[Images, Images]:
    """The 60,000 to train on, and the 10,000 to test with."""
    read = [bg.read_idx(folder / f"{name}-ubyte.gz", scale="images" in name) for name in FILES]
    x, y, test_x, test_y = read
    return Images(x.reshape(-1, PIXELS), y), Images(test_x.reshape(-1, PIXELS), test_y)


def trained(network: Network, train: Images, test: Images, epochs: int, seed: int) -> Result:
    """The share of the test images that a network takes for another digit."""
    start = process_time()
    model = network.make(seed)
    steps = epochs * -(-len(train.x) // network.batch_size)
    bg.fit(
        model,
        train.x,
        network.targets(train.y),
        network.loss,
        network.optimizer(model.parameters(), lr=network.rate),
        epochs,
        network.batch_size,
        schedule=bg.schedules.one_cycle(steps),
        seed=seed,
    )
    seconds = process_time() - start
    right = bg.predict(model, test.x).argmax(-1) == test.y
    return Result(1 - right.mean().item(), seconds)


def cells(name: str, epochs: int, results: Sequence[Result]) -> list[str]:
    """A line of the table."""
    return [
        name,
        str(len(results)),
        NETWORKS[name].published,
        estimate([100 * result.error for result in results]),
        str(epochs),
    ]
