"""baregrad: the machine code of one product; and the peak of multiply-adds."""

from contraction import Product as Compiled
from contraction import peak
from harness.tasks import Run

import baregrad
from baregrad.compiler.kernels.plan import Size
from baregrad.compiler.vector.compile import host_target
from contenders.products.product import Product, read_task

__all__ = ["VERSION", "multiply", "multiply_add", "read_task"]
VERSION = f"baregrad {baregrad.__version__}"


def multiply(product: Product, threads: int) -> Run:
    """Into memory made once."""
    *size, form = product
    compiled = Compiled(Size(*size), form, host_target())
    for buffer, factor in zip(compiled.buffers, product.factors(), strict=False):
        buffer.view[:] = factor

    def steps(count: int) -> float:
        for _ in range(count):
            compiled.run(1)
        return compiled.buffers[2].view[0]

    return Run(steps)


def multiply_add(product: Product, threads: int) -> Run:
    """Multiply-adds that wait for nothing; what is returned is how many operations one step has."""
    run, flops = peak(host_target())

    def steps(count: int) -> float:
        for _ in range(count):
            run()
        return flops

    return Run(steps)
