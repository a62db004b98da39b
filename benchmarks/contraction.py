"""GFLOP/s of matrix products on one core: ``python benchmarks/contraction.py [avx2]``.

Each product is repeated inside one native call, and takes turns with a measurement of the peak
(independent chains of multiply-adds) and, where they can be imported, with NumPy and PyTorch at one
thread, so that a change of the machine's speed meets all of them. Printed are medians, the share of
the peak, and how long Python needed to write the vector program and to make machine code of it.
Rates are of the thread's processor time: while another process has its turn nothing counts.
"""

import importlib.util
import os
import statistics
import sys
import time
from array import array
from collections.abc import Callable
from random import Random

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

from baregrad.compiler.kernels.contraction import plan_product
from baregrad.compiler.kernels.epilogue import Epilogue
from baregrad.compiler.kernels.operands import Operand
from baregrad.compiler.kernels.plan import Matrices, Size
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.compiler.vector.builder import Builder
from baregrad.compiler.vector.compile import compile_vector, host_target
from baregrad.compiler.vector.program import INT64, POINTER
from baregrad.compiler.vector.target import Target
from baregrad.machine.memory import AlignedBuffer

ROUNDS = 21
SECONDS = 0.001  # of each measurement, about: seldom interrupted
FORMS = "NN", "NT", "TN", "TT"  # T: transposed
CHAINS = 12  # more than latency times ports
PEAK_STEPS = 100_000

Run = Callable[[], object]


def peak(target: Target) -> tuple[Run, int]:
    """A run of multiply-adds that wait for nothing, and its floating-point operations."""
    b = Builder("peak", place=POINTER)
    (place,) = b.parameters
    x = b.load(place)
    with b.loop(0, PEAK_STEPS, 1, [x] * CHAINS) as loop:
        loop.carry(*[b.fma(chain, x, x) for chain in loop.carried])
    for number, chain in enumerate(loop.results):
        b.store(chain, place, displacement=4 * number * target.lanes)
    function, buffer = compile_vector(b.program, target), AlignedBuffer(CHAINS * target.lanes)
    return (lambda: function(buffer.address)), 2 * CHAINS * target.lanes * PEAK_STEPS


class Product:
    """One product, compiled, with its memory."""

    def __init__(self, size: Size, form: str, target: Target) -> None:
        rows, columns, depth = size
        left = (1, rows) if form[0] == "T" else (depth, 1)
        right = (1, depth) if form[1] == "T" else (columns, 1)
        begin = time.perf_counter()
        plan = plan_product(size, left, right, target)
        b = Builder("product", a=POINTER, b=POINTER, c=POINTER, scratch=POINTER, times=INT64)
        first, second, third, scratch, times = b.parameters
        result = Operand(third, columns, 1)
        epilogue = Epilogue(lambda place, value: place.store(value, result), touched=(result,))
        with b.loop(0, times):
            matrices = Matrices(Operand(first, *left), Operand(second, *right), epilogue)
            plan.write(b, matrices, (0, plan.blocks), scratch)
        middle = time.perf_counter()
        self.function = compile_vector(b.program, target)
        self.milliseconds = 1e3 * (middle - begin), 1e3 * (time.perf_counter() - middle)
        sizes = rows * depth, depth * columns, rows * columns, plan.scratch_bytes // 4
        self.buffers = [AlignedBuffer(max(count, 1)) for count in sizes]
        random = Random(0)
        for buffer in self.buffers[:2]:
            buffer.view[:] = array("f", [random.uniform(-1, 1) for _ in range(buffer.count)])
        self.addresses = [buffer.address for buffer in self.buffers]

    def run(self, times: int) -> None:
        """Compute it so many times."""
        self.function(*self.addresses, times)


def peers(size: Size, form: str, product: Product) -> dict[str, Run]:
    """The same product by libraries that are installed, on the same memory."""
    runs: dict[str, Run] = {}
    rows, columns, depth = size
    try:
        numpy = importlib.import_module("numpy")
    except ImportError:
        return runs
    a, b, c = [numpy.frombuffer(x.view, dtype=numpy.float32) for x in product.buffers[:3]]
    a = a.reshape(depth, rows).T if form[0] == "T" else a.reshape(rows, depth)
    b = b.reshape(columns, depth).T if form[1] == "T" else b.reshape(depth, columns)
    c = c.reshape(rows, columns)
    runs["numpy"] = lambda: numpy.matmul(a, b, out=c)
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return runs
    torch.set_num_threads(1)
    x, y, z = [torch.from_numpy(matrix) for matrix in (a, b, c)]
    runs["torch"] = lambda: torch.mm(x, y, out=z)
    return runs


def seconds(run: Run, times: int) -> float:
    """The processor time of one of so many runs."""
    begin = time.thread_time()
    for _ in range(times):
        run()
    return (time.thread_time() - begin) / times


def measure(size: Size, form: str, target: Target, peak_run: Run, peak_flops: int) -> None:
    """Print one line."""
    product = Product(size, form, target)
    others = peers(size, form, product)
    product.run(1)
    times = max(1, round(SECONDS / max(seconds(lambda: product.run(1), 3), 1e-9)))
    rates: dict[str, list[float]] = {name: [] for name in ("peak", "baregrad", *others)}
    for _ in range(ROUNDS):
        rates["peak"].append(peak_flops / seconds(peak_run, 1))
        rates["baregrad"].append(size.flops * times / seconds(lambda: product.run(times), 1))
        for name, run in others.items():
            rates[name].append(size.flops / seconds(run, times))
    median = {name: statistics.median(values) / 1e9 for name, values in rates.items()}
    share = statistics.median(
        [a / b for a, b in zip(rates["baregrad"], rates["peak"], strict=True)]
    )
    figures = "".join(f"{value:10.1f}" for value in median.values())
    print(
        f"{'×'.join(map(str, size)):>16} {form} {figures} {share:9.0%}"
        f" {product.milliseconds[0]:8.2f} {product.milliseconds[1]:8.2f}",
        flush=True,
    )


def shapes() -> list[tuple[Size, str]]:
    """Square products of every form, and the three of each layer of two networks."""
    squares = [(Size(n, n, n), form) for n in (64, 128, 256, 512, 1024) for form in FORMS]
    layers = [
        product
        for batch in (32, 256, 1024)
        for inputs, outputs in ((784, 256), (256, 256), (256, 10), (64, 1))
        for product in (
            (Size(batch, outputs, inputs), "NT"),  # the layer: x Wᵀ
            (Size(batch, inputs, outputs), "NN"),  # gradient of x
            (Size(outputs, inputs, batch), "TN"),  # gradient of W
        )
    ]
    return squares + layers


def main() -> None:
    target = AVX2 if "avx2" in sys.argv[1:] else host_target()
    peak_run, peak_flops = peak(target)
    head = ["peak", "baregrad"]
    head += [name for name in ("numpy", "torch") if importlib.util.find_spec(name)]
    print(f"{target.name}, one core, GFLOP/s, medians of {ROUNDS} interleaved rounds; Python in ms")
    print(f"{'rows×columns×depth':>19} {''.join(f'{name:>10}' for name in head)}", end="")
    print(f" {'of peak':>9} {'write':>8} {'lower':>8}")
    for size, form in shapes():
        measure(size, form, target, peak_run, peak_flops)


if __name__ == "__main__":
    main()
