"""Training steps T1 to T7 on one thread and more."""

import statistics
from collections.abc import Iterator
from typing import Any

from harness.figures import fastest, number, ratio, spread, table
from harness.options import Options
from harness.process import ContenderError
from harness.rounds import Makers, compete, say, start
from harness.tasks import TASKS

TITLE = "Training steps"
OWN = "baregrad, many steps per call"
OWN_SINGLE = "baregrad, one step per call"
OWN_EAGER = "baregrad, eager"
PEAK = "FMA peak"
MEETING = "threads meet"
EAGER = ("torch eager", "torch eager, fused optimizer")
CONTENDERS: Makers = {
    OWN: ("own", "many", "baregrad"),
    OWN_SINGLE: ("own", "one_by_one", "baregrad"),
    OWN_EAGER: ("own", "eager", "baregrad"),
    "torch eager": ("by_torch", "eager", "torch"),
    "torch eager, fused optimizer": ("by_torch", "fused", "torch"),
    "torch.compile": ("by_torch", "compiled", "torch"),
    "JAX jit": ("by_jax", "one_by_one", "jax"),
    "JAX scan": ("by_jax", "scanned", "jax"),
    "NumPy by hand": ("by_numpy", "by_hand", "numpy"),
    "scikit-learn": ("by_sklearn", "partial_fit", "sklearn"),
    "tinygrad": ("by_tinygrad", "jitted", "tinygrad"),
}
SCALAR: Makers = {"micrograd": ("by_micrograd", "training_step", "micrograd")}
SCALAR_TASKS = ("T1", "T2")
OTHER_LOSS = {("scikit-learn", "T4")}  # two classes are one output there
TOLERANCE = 1e-3, 1e-5  # relative and absolute, of the losses of the 20th step
STEPS_CHECKED = 20


def contenders(task: str) -> Makers:
    return CONTENDERS | SCALAR if task in SCALAR_TASKS else CONTENDERS


def measure(options: Options) -> Iterator[tuple[str, Any]]:
    """What was found, by task and number of threads."""
    for threads in options.threads:
        for task in options.tasks:
            say(f"{task}, {threads} thread{'s' * (threads > 1)}")
            makers: Makers = {PEAK: ("own", "peak", "baregrad")}
            if threads > 1:
                makers |= {MEETING: ("meeting", "meet", "baregrad")}
            makers |= contenders(task)
            yield f"{task}/{threads}", compete(makers, task, threads, options)


def check(options: Options) -> bool:
    """Print everyone's loss at the 20th step; whether they agree."""
    agree = True
    for task in options.tasks:
        running, _, failed = start(contenders(task), task, options.threads[0], options.patience)
        losses = {}
        for name, contender in running.items():
            with contender:
                try:
                    losses[name] = contender.ask(steps=STEPS_CHECKED - 1)["loss"]
                except ContenderError as error:
                    failed[name] = str(error)
        middle = statistics.median(losses.values()) if losses else 0.0
        relative, absolute = TOLERANCE
        print(f"{task}: {TASKS[task].describe()}; loss at step {STEPS_CHECKED}")
        for name, loss in losses.items():
            far = abs(loss - middle) > relative * abs(middle) + absolute
            word = "another loss" if (name, task) in OTHER_LOSS else "DIFFERS" if far else ""
            agree = agree and word != "DIFFERS"
            print(f"  {name:30} {loss:12.7f} {word}")
        for name, reason in failed.items():
            print(f"  {name:30} {reason}")
    return agree


def render(found: dict[str, Any]) -> str:
    """The summary, eager loops, and a table for each task."""
    ordered = {key: found[key] for key in sorted(found, key=_order)}
    parts = [
        "Microseconds per step, medians. The ratio is the median over rounds of the best peer's "
        f"time by that of “{OWN}”. Peers: every other library, in the fastest of its ways.",
        table(
            ["step", "threads", "baregrad", "best peer", "", "ratio", "required", ""],
            [_summary(key, one) for key, one in ordered.items()],
        ),
        "### The same step as a plain eager loop",
        table(
            ["step", "threads", "baregrad eager", "torch eager", "ratio", "compiled, 1 per call"],
            [_eager(key, one) for key, one in ordered.items()],
        ),
        *(_details(key, one) for key, one in ordered.items()),
    ]
    return "\n\n".join(parts)


def _order(key: str) -> tuple[int, str]:
    task, threads = key.split("/")
    return int(threads), task


def peers_of(one: dict[str, Any]) -> list[str]:
    """The labels of all that is not ours."""
    return [name for name in one["us"] if name not in (OWN, OWN_SINGLE, OWN_EAGER, PEAK, MEETING)]


def _median(one: dict[str, Any], name: str | None) -> str:
    values = one["us"].get(name)
    return number(statistics.median(values)) if values else "–"


def _ratio(one: dict[str, Any], name: str | None, own: str) -> float | None:
    """How many times as long one takes as the other; None where one is missing."""
    us = one["us"]
    return ratio(us[name], us[own]) if us.get(name) and us.get(own) else None


def _summary(key: str, one: dict[str, Any]) -> list[str]:
    task, threads = key.split("/")
    required = TASKS[task].required.get(int(threads))
    best = fastest(one["us"], peers_of(one))
    times = _ratio(one, best, OWN)
    verdict = ""
    if times and required:
        verdict = "met" if times >= required else "**missed**"
    return [
        task,
        threads,
        _median(one, OWN),
        _median(one, best),
        best or "",
        f"{times:.2f}" if times else "–",
        f"{required:.2f}" if required else "",
        verdict,
    ]


def _eager(key: str, one: dict[str, Any]) -> list[str]:
    task, threads = key.split("/")
    peer = fastest(one["us"], EAGER)
    times = _ratio(one, peer, OWN_EAGER)
    return [
        task,
        threads,
        _median(one, OWN_EAGER),
        _median(one, peer),
        f"{times:.2f}" if times else "–",
        _median(one, OWN_SINGLE),
    ]


def _details(key: str, one: dict[str, Any]) -> str:
    task, threads = key.split("/")
    flops = TASKS[task].flops
    own = one["us"].get(OWN)
    rows = []
    for name, values in sorted(one["us"].items(), key=lambda item: statistics.median(item[1])):
        if name in (PEAK, MEETING):
            continue
        low, median, high, least = spread(values)
        rows.append(
            [
                name,
                number(median),
                f"{number(low)} – {number(high)}",
                number(least),
                f"{ratio(values, own):.2f}" if own else "–",
                number(flops / median / 1e3),
            ]
        )
    rows += [[name, reason, "", "", "", ""] for name, reason in one["failed"].items()]
    head = ["", "µs per step", "quartiles", "least", "× baregrad", "GFLOP/s"]
    rounds = max(map(len, one["us"].values()), default=0)
    peak = one["last"].get(PEAK)
    measured = ""
    if peak:
        rate = number(peak / statistics.median(one["us"][PEAK]) / 1e3)
        measured = f" FMA peak meanwhile: {rate} GFLOP/s."
    if meetings := one["us"].get(MEETING):
        low, median, high, _ = [number(1e3 * value) for value in spread(meetings)]
        measured += f" The threads meet in {median} ns (quartiles {low} – {high})."
    title = f"### {task}, {threads} thread{'s' * (threads != '1')}: {TASKS[task].describe()}"
    return f"{title}\n\n{rounds} rounds, {one['clock']} time.{measured}\n\n{table(head, rows)}"
