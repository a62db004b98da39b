"""From fused kernels to vector programs: matrix products with epilogues, maps, and indexing.

Imports go one way; each file knows only those before it: ``operands``, ``shuffles``, ``tiling``,
``loops``, ``epilogue``, ``microkernel``, ``packing``, ``plan``, then the ways to compute a product,
``tiled``, ``dot``, ``transposed``, and ``contraction``, which chooses among them.
"""
