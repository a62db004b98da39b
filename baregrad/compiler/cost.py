"""What a kernel costs, counted and estimated before any code is written."""

from __future__ import annotations

from typing import Final

from baregrad.compiler.kernel import (
    COLUMNS,
    FUNCTIONS,
    ITEMSIZE,
    ROWS,
    Apply,
    Batch,
    Buffer,
    Contraction,
    Copy,
    Index,
    Kernel,
    Map,
    Node,
    Reduce,
    Uniform,
    buffers_read,
    buffers_written,
    is_narrow,
)

# what one core does in a nanosecond, about, at the sizes of a training step
_PRODUCT_FLOPS: Final = 80.0
_EXPRESSION_FLOPS: Final = 20.0
_BYTES: Final = 60.0
# instructions of an elementary function, about
_FUNCTION_FLOPS: Final = 25
# elements of the shortest vector: a row that is shorter takes as long
_LANES: Final = 8
# to reduce a row to one number, and to wait for it
_ROW_NANOSECONDS: Final = 20.0


def flops(kernel: Kernel) -> int:
    """Operations on numbers: each element-wise operation and each addition of a sum is one."""
    if isinstance(kernel, Uniform):
        return kernel.target.size
    if isinstance(kernel, Copy):
        return 0
    if isinstance(kernel, Index):
        return 0 if kernel.op == "take" else kernel.source.size
    if isinstance(kernel, Batch):
        return 2 * kernel.target.size * kernel.depth
    return _product(kernel) + sum(_work(kernel, node) for node in kernel.nodes)


def _product(kernel: Map | Contraction) -> int:
    if isinstance(kernel, Map):
        return 0
    return 2 * kernel.rows * kernel.columns * kernel.depth


def _work(kernel: Map | Contraction, node: Node) -> int:
    if isinstance(node, Apply):
        return _places(kernel, node.extent)
    return _places(kernel, node.extent | node.over) if isinstance(node, Reduce) else 0


def _places(kernel: Map | Contraction, extent: int) -> int:
    rows = kernel.rows if extent & ROWS else 1
    return rows * kernel.columns if extent & COLUMNS else rows


def traffic(kernel: Kernel) -> int:
    """Bytes of the buffers that a kernel reads, and of those it writes; each counted once."""
    return sum(map(size_in_bytes, buffers_read(kernel))) + sum(
        map(size_in_bytes, buffers_written(kernel))
    )


def size_in_bytes(buffer: Buffer) -> int:
    """Of all elements."""
    return buffer.size * ITEMSIZE[buffer.dtype]


def nanoseconds(kernel: Kernel) -> float:
    """How long one core takes, roughly: an estimate to decide by, the same on every computer."""
    if isinstance(kernel, Batch):
        return max(flops(kernel) / _PRODUCT_FLOPS, traffic(kernel) / _BYTES)
    if not isinstance(kernel, Map | Contraction):
        return flops(kernel) / _EXPRESSION_FLOPS + traffic(kernel) / _BYTES
    # a single column is computed as a row
    width = max(kernel.columns if kernel.columns != 1 else kernel.rows, 1)
    shared = isinstance(kernel, Map) and is_narrow(kernel)
    padding = 1.0 if shared else -(-width // _LANES) * _LANES / width
    expression = sum(_instructions(kernel, node) for node in kernel.nodes)
    arithmetic = _product(kernel) / _PRODUCT_FLOPS + expression / _EXPRESSION_FLOPS
    reductions = sum(isinstance(node, Reduce) and node.over == COLUMNS for node in kernel.nodes)
    waiting = 0.0 if shared else kernel.rows * reductions * _ROW_NANOSECONDS
    return max(arithmetic * padding, traffic(kernel) / _BYTES) + waiting


def _instructions(kernel: Map | Contraction, node: Node) -> int:
    is_function = isinstance(node, Apply) and node.op in FUNCTIONS - {"sqrt"} | {"power"}
    return _work(kernel, node) * (_FUNCTION_FLOPS if is_function else 1)
