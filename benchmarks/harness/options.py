"""What `peers.py` was asked for."""

from pathlib import Path
from typing import NamedTuple


class Options(NamedTuple):
    """What to measure and how long.

    Attributes:
        tasks: names of training steps.
        threads: numbers of threads.
        rounds: of each measurement.
        clock: ``"wall"``, or ``"processor"`` for the processor time of the whole process, which
            means something on a busy machine and for one thread only.
        seconds: of each contender in each round, about.
        budget: seconds for the rounds of one task; at least three are made.
        patience: seconds to wait for an answer.
        repeats: of whole processes.
        mnist: the folder with the IDX files.
    """

    tasks: list[str]
    threads: list[int]
    rounds: int
    clock: str
    seconds: float
    budget: float
    patience: float
    repeats: int
    mnist: Path
