"""NumPy, whose products are OpenBLAS's."""

import numpy as np
from harness.tasks import Run

from contenders.products.product import Product, read_task

__all__ = ["VERSION", "factors", "multiply", "read_task"]
VERSION = f"numpy {np.__version__}"


def factors(product: Product) -> tuple[np.ndarray, np.ndarray]:
    """Both, as they are multiplied: views of how they lie."""
    a, b = [
        np.frombuffer(x, np.float32).reshape(shape)
        for x, shape in zip(product.factors(), product.shapes, strict=True)
    ]
    return a.T if product.form[0] == "T" else a, b.T if product.form[1] == "T" else b


def multiply(product: Product, threads: int) -> Run:
    """Into memory made once."""
    a, b = factors(product)
    c = np.empty((product.rows, product.columns), np.float32)

    def steps(count: int) -> float:
        for _ in range(count):
            np.matmul(a, b, out=c)
        return float(c[0, 0])

    return Run(steps)
