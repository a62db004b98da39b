"""Matrix products by baregrad and other libraries: ``python benchmarks/products.py``.

Each contender has a process of its own, bound to one core, and they take turns (`harness.rounds`).
Measured are the shapes of networks' layers, with the two gradients of each, and square ones.
Printed is a table: microseconds, baregrad's share of the peak of multiply-adds, and how many times
as long as baregrad the fastest of the others takes. Each product is one call from Python, whose
cost counts: about one microsecond for NumPy and baregrad, several for the others. ``--clock
processor`` is for a machine that has other things to do, ``--only 256x10`` for one kind of layer.
"""

import argparse
import statistics
from pathlib import Path

from contenders.products.product import Product
from harness.figures import fastest, number, ratio, table
from harness.options import Options
from harness.rounds import Makers, compete
from harness.worker import CLOCKS

OWN, PEAK = "baregrad", "peak"
PEERS = {
    "NumPy": ("by_numpy", "numpy"),
    "torch": ("by_torch", "torch"),
    "JAX": ("by_jax", "jax"),
    "ONNX Runtime": ("by_onnx", "onnxruntime"),
}
MAKERS: Makers = {
    OWN: ("products.own", "multiply", "baregrad"),
    PEAK: ("products.own", "multiply_add", "baregrad"),
    **{
        name: (f"products.{module}", "multiply", package)
        for name, (module, package) in PEERS.items()
    },
}
BATCHES = (32, 256, 1024)
LAYERS = ((784, 256), (256, 256), (256, 10))  # inputs, outputs
SQUARES = (256, 512, 1024)
FORMS = ("NN", "NT", "TN", "TT")


def layer(batch: int, inputs: int, outputs: int) -> list[Product]:
    """y = x Wᵀ, and the gradients dx = dy W and dW = dyᵀ x."""
    return [
        Product(batch, outputs, inputs, "NT"),
        Product(batch, inputs, outputs, "NN"),
        Product(outputs, inputs, batch, "TN"),
    ]


def products() -> dict[str, list[Product]]:
    """By what they are called on the command line."""
    found = {
        f"{inputs}x{outputs}": [x for batch in BATCHES for x in layer(batch, inputs, outputs)]
        for inputs, outputs in LAYERS
    }
    found |= {str(n): [Product(n, n, n, form) for form in FORMS] for n in SQUARES}
    return found | {"large": layer(512, 2048, 4096)}


def row(product: Product, options: Options) -> list[str]:
    """One line of the table."""
    found = compete(MAKERS, product.task, 1, options)
    us, own = found["us"], found["us"].get(OWN)
    if not own:
        return [product.task, found["failed"].get(OWN, "–")]
    cells = [number(statistics.median(us[name])) if us.get(name) else "–" for name in (OWN, *PEERS)]
    share = "–"
    if us.get(PEAK):
        peaks = [found["last"][PEAK] / x for x in us[PEAK]]
        shares = [product.flops / x / most for x, most in zip(own, peaks, strict=True)]
        share = f"{statistics.median(shares):.0%}"
    best = fastest(us, PEERS)
    return [product.task, *cells, share, f"{ratio(us[best], own):.2f}" if best else "–"]


def main() -> None:
    every = products()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=every, default=list(every), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    given = parser.parse_args()
    options = Options(
        tasks=[],
        threads=[1],
        clock=given.clock,
        rounds=given.rounds,
        seconds=0.01,
        budget=20.0,
        patience=60.0,
        repeats=1,
        mnist=Path(),
    )
    head = ["rows×columns×depth", OWN, *PEERS, "of peak", "best peer / own"]
    print(table(head, [row(product, options) for name in given.only for product in every[name]]))


if __name__ == "__main__":
    main()
