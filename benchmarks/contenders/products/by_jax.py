"""JAX: the product compiled for these matrices."""

import jax
from harness.tasks import Run

from contenders.products.product import Product, read_task

__all__ = ["VERSION", "multiply", "read_task"]
VERSION = f"jax {jax.__version__}"


def multiply(product: Product, threads: int) -> Run:
    """The transposing is compiled with it, so that nothing is copied beforehand."""
    a, b = [
        jax.numpy.array(x, jax.numpy.float32).reshape(shape)
        for x, shape in zip(product.factors(), product.shapes, strict=True)
    ]
    first, second = product.form

    @jax.jit
    def compiled(a: jax.Array, b: jax.Array) -> jax.Array:
        return (a.T if first == "T" else a) @ (b.T if second == "T" else b)

    def steps(count: int) -> float:
        for _ in range(count):
            c = compiled(a, b)
            c.block_until_ready()
        return float(c[0, 0])

    return Run(steps)
