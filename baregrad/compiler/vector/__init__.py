"""The vector language: small functions on vectors of numbers, from a builder to machine code.

A program is written with a `Builder`, without knowing how many lanes a vector has. The interpreter
runs it in Python; `compile_vector` makes machine code of it, for AVX-512 or AVX2. One subject per
file. Imports go one way; each file knows only those before it:

``errors``, ``program`` (the data), ``operations`` (what there is), ``construction``,
``arithmetic``, ``builder``, ``compositions`` (several instructions at once), ``functions`` (exp,
log, ...); ``text``, ``verifier``, ``scalars``, ``interpreter``; then, from a program to code,
``target``, ``folding`` (loads as operands), ``liveness``, ``allocation`` (of registers), ``moves``,
``calling``, ``emitter``, ``selection``, ``avx2``, ``avx512`` (which instructions), ``lowering``,
``compile``.
"""
