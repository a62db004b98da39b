"""tinygrad: the whole step through `TinyJit`, on the processor.

Its kernels are compiled by clang; where there is none, by that of the wheel `ziglang`.
"""

import importlib.util
import os
import shutil
from importlib.metadata import version
from pathlib import Path

if shutil.which("clang") is None and (zig := importlib.util.find_spec("ziglang")) and zig.origin:
    os.environ["ZIG"] = str(Path(zig.origin).with_name("zig"))
    os.environ["CC"] = str(Path(__file__).with_name("zig_as_clang.sh"))

os.environ["TRAINING"] = "1"  # the optimizers refuse to work otherwise

from harness.tasks import LEARNING_RATE, Run, Task
from tinygrad import Tensor, TinyJit, dtypes, nn

VERSION = f"tinygrad {version('tinygrad')}"


def tensor(values: memoryview, shape: tuple[int, ...], integers: bool = False) -> Tensor:
    dtype = dtypes.int64 if integers else dtypes.float32
    found = Tensor(bytes(values), dtype=dtype).reshape(shape)
    return (found.cast(dtypes.int32) if integers else found).contiguous().realize()


def jitted(task: Task, threads: int) -> Run:
    layers = [
        (tensor(memoryview(weight), (outputs, inputs)), tensor(memoryview(bias), (outputs,)))
        for (inputs, outputs), (weight, bias) in zip(task.layers, task.weights(), strict=True)
    ]
    kind = nn.optim.SGD if task.optimizer == "sgd" else nn.optim.Adam
    parameters = [parameter.is_param_() for pair in layers for parameter in pair]
    optimizer = kind(parameters, lr=LEARNING_RATE)
    x = tensor(memoryview(task.inputs()), (task.batch, task.sizes[0]))
    mse = task.loss == "mse"
    wanted = (task.batch, task.sizes[-1]) if mse else (task.batch,)
    y = tensor(memoryview(task.targets()), wanted, integers=not mse)

    @TinyJit
    def step() -> Tensor:
        z = x
        for number, (weight, bias) in enumerate(layers):
            z = z.linear(weight.T, bias)
            if number < len(layers) - 1:
                z = z.tanh() if task.activation == "tanh" else z.relu()
        loss = ((z - y) ** 2).mean() if mse else z.sparse_categorical_crossentropy(y)
        optimizer.zero_grad()
        loss.backward()
        return loss.realize(*optimizer.schedule_step())

    def steps(count: int) -> float:
        for _ in range(count):
            loss = step()
        return loss.item()

    return Run(steps)
