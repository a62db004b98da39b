"""Contenders that take turns."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from harness.options import Options
from harness.process import Contender, ContenderError, missing

LEAST_ROUNDS = 3
WARM_UP_ROUNDS = 12
LEAST_WARM_UP_ROUNDS = 2
Makers = Mapping[str, tuple[str, str, str]]  # label -> module, maker, the package that it needs


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def start(
    makers: Makers, task: str, threads: int, patience: float
) -> tuple[dict[str, Contender], dict[str, dict[str, Any]], dict[str, str]]:
    """All that can be started, what they said of themselves, and why the others could not."""
    running: dict[str, Contender] = {}
    said: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    for name, (module, maker, package) in makers.items():
        if missing(package):
            failed[name] = "not installed"
            continue
        try:
            running[name] = Contender(module, maker, task, threads, patience)
            said[name] = running[name].answer()
        except ContenderError as error:
            running.pop(name, None)
            failed[name] = str(error)
        say(f"  {name}: {failed.get(name, 'ready')}")
    return running, said, failed


def take_turns(
    running: dict[str, Contender], options: Options
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Microseconds per step of each, round by round, and why some did not get to the end.

    Whoever has not the turn is stopped. Rounds to warm up go before, in which everyone finds how
    many steps to make, and whatever tunes itself as it runs.
    """
    failed: dict[str, str] = {}
    for contender in running.values():
        contender.pause()
    for number in _rounds(WARM_UP_ROUNDS, LEAST_WARM_UP_ROUNDS, options.budget / 4):
        _round(running, number, failed, options)
    measured: dict[str, list[float]] = {name: [] for name in running}
    for number in _rounds(options.rounds, LEAST_ROUNDS, options.budget):
        for name, us in _round(running, number, failed, options).items():
            measured[name].append(us)
    return {name: measured[name] for name in running}, failed


def _rounds(most: int, least: int, budget: float) -> Iterator[int]:
    """Numbers of rounds, as many as there are seconds for."""
    begin = time.perf_counter()
    for number in range(most):
        if number >= least and time.perf_counter() - begin > budget:
            break
        yield number


def _round(
    running: dict[str, Contender], number: int, failed: dict[str, str], options: Options
) -> dict[str, float]:
    """Microseconds per step of each; whoever fails runs no more. Each round has another order."""
    found = {}
    for name in _rotated(list(running), number):
        try:
            answer = _turn(running[name], seconds=options.seconds, clock=options.clock)
            found[name] = answer["us"]
        except ContenderError as error:
            failed[name] = str(error)
            del running[name]
    return found


def _turn(contender: Contender, **request: Any) -> dict[str, Any]:
    """What a stopped contender answers; it is stopped again after it.

    Raises:
        ContenderError: see `Contender.ask`.
    """
    contender.resume()
    answer = contender.ask(**request)
    contender.pause()
    return answer


def _rotated(names: Sequence[str], by: int) -> list[str]:
    by %= max(len(names), 1)
    return [*names[by:], *names[:by]]


def compete(makers: Makers, task: str, threads: int, options: Options) -> dict[str, Any]:
    """Start, take turns, end.

    Returns:
        JSON: microseconds per step by label, reasons of failure by label, versions, and the
        loss of one step more.
    """
    running, said, failed = start(makers, task, threads, options.patience)
    everyone = list(running.values())
    try:
        measured, later = take_turns(running, options)
        last = _losses(running)
    finally:
        for contender in everyone:
            contender.close()
    return {
        "clock": options.clock,
        "us": measured,
        "failed": failed | later,
        "versions": sorted({answer["version"] for answer in said.values()}),
        "last": last,
    }


def _losses(running: Mapping[str, Contender]) -> dict[str, float]:
    """Of one more step of those that can still make one."""
    found = {}
    for name, contender in running.items():
        with suppress(ContenderError):
            found[name] = _turn(contender, steps=1)["loss"]
    return found
