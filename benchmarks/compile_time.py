"""How long the first call of a compiled step takes in a new process, and its memory.

``python benchmarks/compile_time.py``. Two training steps with Adam: T3 is 8-64-64-1 with mean
squared error on 64 samples, T5 is 784-256-128-10 with cross-entropy on 128. The clock runs from
before `bg.compile` is first named to the loss of the first step. None of the compiler's modules is
imported before: the model is built in Python for that. What counts is the thread's processor time,
which stands still while another process has its turn. Processes take turns, so that a change of the
machine's speed meets all of them; the medians must not be above the limits. Where the time goes is
measured in processes of its own, in which the stages are wrapped in clocks; what no stage has is in
"the rest".
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

ROUNDS = 15
# layers, samples, loss
TASKS: dict[str, tuple[tuple[int, ...], int, str]] = {
    "T3": ((8, 64, 64, 1), 64, "mse"),
    "T5": ((784, 256, 128, 10), 128, "cross_entropy"),
}
LIMITS = {"T3": 0.050, "T5": 0.150}  # seconds
MEMORY_LIMIT = 40  # MiB, of a process that trains T3
TRAINING_STEPS = 500

# As users have it: with the byte code that the first import writes.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

# stage, module, function or method
STAGES = (
    ("capture", "baregrad.compiler.capture", "capture"),
    ("simplify", "baregrad.compiler.simplify", "simplify"),
    ("fuse", "baregrad.compiler.fusion", "fuse"),
    ("memory", "baregrad.compiler.memory", "plan_memory"),
    ("verify", "baregrad.compiler.vector.verifier", "verify"),
    ("fold, liveness", "baregrad.compiler.vector.folding", "fold_loads"),
    ("fold, liveness", "baregrad.compiler.vector.liveness", "live_intervals"),
    ("registers", "baregrad.compiler.vector.allocation", "allocate"),
    ("instructions", "baregrad.compiler.vector.lowering", "lower"),
    ("layout", "baregrad.machine.assembler", "Assembler.finish"),
    ("pages", "baregrad.machine.function", "NativeFunction.__init__"),
    ("processor", "baregrad.machine.cpu", "processor_features"),
)


class Clock:
    """Seconds by stage; what is within another stage's time is not counted there."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = [0.0]

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time counted."""

        def timed(*args: Any, **options: Any) -> Any:
            self._within.append(0.0)
            begin = time.thread_time()
            try:
                return function(*args, **options)
            finally:
                seconds = time.thread_time() - begin
                inner = self._within.pop()
                self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds - inner
                self._within[-1] += seconds

        return timed

    def install(self) -> None:
        """Wrap the stages, wherever they are known by name."""
        for stage, home, name in STAGES:
            owner, _, method = name.rpartition(".")
            if owner:
                kind = getattr(import_module(home), owner)
                setattr(kind, method, self.around(stage, getattr(kind, method)))
                continue
            function = getattr(import_module(home), name)
            self._replace(function, self.around(stage, function))
        plans = import_module("baregrad.compiler.kernels.plans")
        self._replace(plans.plan_kernel, self._planning(plans.plan_kernel))

    @staticmethod
    def _replace(function: Callable[..., Any], timed: Callable[..., Any]) -> None:
        for module in [m for name, m in sys.modules.items() if name.startswith("baregrad.")]:
            for name, value in list(vars(module).items()):
                if value is function:
                    setattr(module, name, timed)

    def _planning(self, plan_kernel: Callable[..., Any]) -> Callable[..., Any]:
        """Clocks the plans too, which are of many classes."""
        clocked: set[type] = set()

        def planned(*args: Any) -> Any:
            plan = plan_kernel(*args)
            kind: Any = type(plan)
            if kind not in clocked:
                clocked.add(kind)
                kind.write = self.around("vector code", kind.write)
            return plan

        return self.around("plan kernels", planned)


def training_step(name: str) -> tuple[Callable[..., Any], Any, Any]:
    """A step that is not compiled yet, and a batch."""
    import baregrad as bg
    from baregrad.engines.selection import ReferenceEngine, using

    generator = bg.Generator(1)
    layers, batch, loss = TASKS[name]
    with using(ReferenceEngine()):  # which leaves the compiler where it is
        model = bg.MLP(layers[0], list(layers[1:]), activation="relu", seed=0)
        x = generator.randn(batch, layers[0])
        if loss == "mse":
            y = generator.randn(batch, layers[-1])
        else:
            y = generator.randint(0, layers[-1], (batch,))
    measured = getattr(bg.losses, loss)
    optimizer = bg.Adam(model.parameters())

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        value = measured(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return step, x, y


def first_call(name: str, *, in_stages: bool) -> None:
    """In a new process: print the seconds of each stage and of all."""
    step, x, y = training_step(name)
    clock = Clock()
    begin = time.thread_time()
    import baregrad as bg

    compiled = bg.compile(step)
    if in_stages:
        clock.seconds["import"] = time.thread_time() - begin
        clock.install()
        begin = time.thread_time() - clock.seconds["import"]
    compiled(x, y).item()
    clock.seconds["all"] = time.thread_time() - begin
    if compiled.fallback is not None:
        sys.exit(f"nothing was compiled: {compiled.fallback}")
    for stage, seconds in clock.seconds.items():
        print(f"{stage}: {seconds}")


def train(name: str) -> None:
    """In a new process: train, and print the most memory it had, in MiB."""
    import resource

    import baregrad as bg

    step, x, y = training_step(name)
    compiled = bg.compile(step)
    for _ in range(TRAINING_STEPS):
        compiled(x, y)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"memory: {peak / 2 ** (20 if sys.platform == 'darwin' else 10)}")


def child(*arguments: str) -> dict[str, float]:
    """What a new process of this script prints."""
    command = [sys.executable, __file__, *arguments]
    result = subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True, text=True)
    pairs = [line.split(": ") for line in result.stdout.splitlines()]
    return {name: float(number) for name, number in pairs}


def median(runs: list[dict[str, float]], name: str) -> float:
    """Of a stage that not every run need have had."""
    return statistics.median([run.get(name, 0.0) for run in runs])


def report(name: str, whole: list[dict[str, float]], parts: list[dict[str, float]]) -> bool:
    """Prints what was measured; whether it is within the limit."""
    seconds = [run["all"] for run in whole]
    middle = statistics.median(seconds)
    print(
        f"{name}: median {1e3 * middle:.0f} ms, from {1e3 * min(seconds):.0f} to"
        f" {1e3 * max(seconds):.0f}; limit {1e3 * LIMITS[name]:.0f}"
    )
    stages = {stage: median(parts, stage) for run in parts for stage in run if stage != "all"}
    stages["the rest"] = median(parts, "all") - sum(stages.values())
    for stage, middle_of_stage in stages.items():
        print(f"    {stage:16} {1e3 * middle_of_stage:6.1f}")
    return middle <= LIMITS[name]


def main() -> None:
    whole: dict[str, list[dict[str, float]]] = {name: [] for name in LIMITS}
    parts: dict[str, list[dict[str, float]]] = {name: [] for name in LIMITS}
    for name in LIMITS:
        child("whole", name)  # writes the byte code
    for _ in range(ROUNDS):
        for name in LIMITS:
            whole[name].append(child("whole", name))
            parts[name].append(child("stages", name))
    print(f"Python {sys.version.split()[0]}, {ROUNDS} interleaved rounds, new processes")
    within = [report(name, whole[name], parts[name]) for name in LIMITS]
    memory = child("train", "T3")["memory"]
    print(f"most memory of a process that trains T3: {memory:.1f} MiB; limit {MEMORY_LIMIT}")
    if not all(within) or memory > MEMORY_LIMIT:
        sys.exit("a limit is passed")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[1] == "train":
        train(sys.argv[2])
    else:
        first_call(sys.argv[2], in_stages=sys.argv[1] == "stages")
