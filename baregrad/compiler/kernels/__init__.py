"""From fused kernels to vector programs: matrix products with epilogues, maps, and indexing.

`plans.plan_kernel` decides how a kernel is computed; the plan then writes the code.

Imports go one way; each file knows only those before it:

``errors``, ``integers`` (of 64 bits), ``operands`` (matrices in memory), ``shuffles``, ``tiling``
(a model of cycles), ``loops``; matrix products: ``epilogue``, ``microkernel``, ``packing``,
``plan``, the ways to compute one, ``blocking``, ``tiled``, ``dot``, ``transposed``, and
``contraction``, which chooses; expressions: ``arithmetic``, ``expression``, ``reductions``,
``sweep``, ``passes``, ``late``; the kernels: ``maps``, ``narrow`` ones, ``products``, ``batches``,
``indexing``, ``copies``, ``randomness``, ``plans``; kernels that are cut in parts: ``parts``,
``work``.
"""
