"""How long `import baregrad` takes beyond starting Python: ``python benchmarks/import_time.py``.

Bare interpreters and importing ones take turns, so that a change of the machine's speed meets
both; the median of the differences is what counts, and must not be above the limit.
"""

import os
import statistics
import subprocess
import sys
import time

ROUNDS = 30
LIMIT = 0.040  # seconds

# As users have it: with the byte code that the first import writes.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(code: str) -> float:
    """The wall time of a Python process that runs `code`."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    return time.perf_counter() - begin


def main() -> None:
    seconds("import baregrad")  # writes the byte code
    pairs = [(seconds("pass"), seconds("import baregrad")) for _ in range(ROUNDS)]
    bare, extra = [a for a, _ in pairs], [b - a for a, b in pairs]
    print(f"Python {sys.version.split()[0]}, {ROUNDS} interleaved rounds, milliseconds")
    for name, values in (("bare Python", bare), ("import baregrad, beyond that", extra)):
        low, middle, high = min(values), statistics.median(values), max(values)
        print(f"{name:30} median {1e3 * middle:6.1f}   from {1e3 * low:.1f} to {1e3 * high:.1f}")
    if statistics.median(extra) > LIMIT:
        sys.exit(f"import baregrad takes longer than {1e3 * LIMIT:.0f} ms")


if __name__ == "__main__":
    main()
