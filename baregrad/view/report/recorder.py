"""Recording a model as it learns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import ceil, inf
from typing import Any, Final, NamedTuple

from baregrad.errors import ArgumentError
from baregrad.tensor.tensor import Tensor
from baregrad.training.history import History
from baregrad.training.run import Callback, Run

LARGEST: Final = 64_000_000  # bytes of weights that are kept
SAVED: Final = 16_000_000  # in a checkpoint
EARLY: Final = 2  # times that the distance of moments is halved, for trainings that end early
NEAR: Final = 16  # steps: they take so long that a copy after them is next to nothing


class Moment(NamedTuple):
    """A model after some of its steps.

    Attributes:
        step: how many.
        epoch: in which the last of them was.
        tensors: its parameters and all else that it learns, by their paths.
    """

    step: int
    epoch: int
    tensors: Mapping[str, Tensor]


class Recorder(Callback):
    """Keeps what a report is made of: the weights of the model at many moments of its training.

    Values and gradients of the graph at these moments are computed from the weights when the report
    is written. So training waits for nothing but copies of the weights; what is trained is the same
    to the last bit with a recorder and without; and the moments depend on the number of steps
    alone, not on the clock.

    Moments are equally far apart. When there are too many, or their weights take more than 64 MB,
    every second is left out and the distance doubles. In long trainings it begins with a quarter of
    what all their epochs need, so one that ends early has moments enough, too. A checkpoint has
    those of them that fit in 16 MB, and a training that is taken up from it goes on with them.

    Of a training that an exception ends, such as a loss that is not finite, the report is
    ``recorder.history.report(path)``.

    Args:
        records: how many moments to keep, at most, beside the beginning and the end.
        samples: how many training samples the report looks at, spread evenly over all.

    Attributes:
        moments: those kept, oldest first.
        history: of the training, or what there was of it when an exception ended it.
        seconds: how long the training has taken up to the last moment, recording included.
        spent: how long recording has.

    Raises:
        ArgumentError: a count below 1.
    """

    def __init__(self, records: int = 100, samples: int = 32) -> None:
        if records < 1 or samples < 1:
            raise ArgumentError(
                f"a recorder needs one record and one sample at least, not {records} and {samples}"
            )
        self.most = records
        self.samples = samples
        self._forget()

    def _forget(self) -> None:
        self.moments: list[Moment] = []
        self.history: History | None = None
        self.seconds = self.spent = 0.0
        self._begin = time.perf_counter()
        self._every = inf  # steps from one moment to the next, perhaps with a fraction

    def on_train_begin(self, run: Run) -> None:
        """Forgets an earlier training, and keeps the model as it is before the first step."""
        self._forget()
        self.history, run.history.recorder = run.history, self
        self._keep(run)
        self._every = max(1.0, run.epochs * run.steps_per_epoch / self.most)
        for _ in range(EARLY):
            self._every /= 2 if self._every >= 2 * NEAR else 1

    def next_stop(self, run: Run) -> int:
        """The step after which it keeps the model again."""
        usual = len(self.moments) * self._every
        # of a training that was taken up without earlier moments, the first is not step 0
        return ceil(max(usual, self.moments[-1].step + self._every / 2))

    def on_steps(self, run: Run) -> None:
        """Keeps the model, if it is time for it."""
        if run.step >= self.next_stop(run):
            self._keep(run)
            self.moments, self._every = thinned(self.moments, self._every, self.most + 1, LARGEST)

    def on_train_end(self, run: Run) -> None:
        """Keeps the model as it is at the end."""
        if self.moments[-1].step != run.step:
            self._keep(run)
        self.seconds = time.perf_counter() - self._begin

    def _keep(self, run: Run) -> None:
        begin = time.perf_counter()
        self.moments.append(Moment(run.step, run.epoch, run.model.state_dict()))
        end = time.perf_counter()
        self.spent, self.seconds = self.spent + end - begin, end - self._begin

    def state_dict(self) -> dict[str, Any]:
        """The moments, or every second, fourth, ... of them, if they are too large together."""
        moments, every = thinned(self.moments, self._every, self.most + 1, SAVED)
        return {
            "moments": [moment._asdict() for moment in moments],
            "every": every,
            "seconds": time.perf_counter() - self._begin,
            "spent": self.spent,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on with the moments of a checkpoint."""
        self.moments = [Moment(**moment) for moment in saved["moments"]]
        self._every = saved["every"]
        self.seconds, self.spent = saved["seconds"], saved["spent"]
        self._begin = time.perf_counter() - self.seconds


def thinned(
    moments: list[Moment], every: float, count: int, size: int
) -> tuple[list[Moment], float]:
    """Moments of which every second is left out until they are few and small enough.

    Args:
        moments: equally far apart.
        every: their distance in steps.
        count: how many there may be.
        size: how many bytes they may take; the first is kept in any case.

    Returns:
        Those that are left, and their distance.
    """
    each = _size(moments[0])
    while len(moments) > 1 and (len(moments) > count or len(moments) * each > size):
        moments, every = moments[::2], 2 * every
    return moments, every


def _size(moment: Moment) -> int:
    """In bytes."""
    return sum(memoryview(t.array.data).nbytes for t in moment.tensors.values())
