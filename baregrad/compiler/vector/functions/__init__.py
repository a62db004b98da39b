"""Elementary functions of float32 vectors, as sequences of instructions of the vector language.

Each takes a builder and values and returns a value. They are written once and give the same bits on
every target. The coefficients were computed by ``benchmarks/minimax.py``; the errors in the
docstrings are the largest over all float32, found by ``benchmarks/ulp.py``, in units in the last
place (ULP) of the exact result. Denormal arguments and results are not flushed.
"""
