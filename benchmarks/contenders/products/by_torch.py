"""PyTorch, whose products are oneDNN's or MKL's."""

import torch
from harness.tasks import Run

from contenders.products import by_numpy
from contenders.products.product import Product, read_task

__all__ = ["VERSION", "multiply", "read_task"]
VERSION = f"torch {torch.__version__}"


def multiply(product: Product, threads: int) -> Run:
    """Into memory made once."""
    torch.set_num_threads(threads)
    a, b = [torch.from_numpy(x.copy(order="K")) for x in by_numpy.factors(product)]
    c = torch.empty(product.rows, product.columns)

    def steps(count: int) -> float:
        for _ in range(count):
            torch.mm(a, b, out=c)
        return c[0, 0].item()

    return Run(steps)
