"""The playground without the web: what may be asked of it, and what it answers."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Mapping
from typing import Any, Final

from baregrad.data.table import Table
from baregrad.errors import ArgumentError, NonFiniteError, checked_name, counted
from baregrad.play import anatomy
from baregrad.play.picture import Picture, packed
from baregrad.play.problem import (
    FIELDS,
    MOST_BYTES,
    TOO_LARGE,
    Problem,
    first_problem,
    problem_of,
    shortened,
    table_of,
)
from baregrad.play.settings import CHOICES, CSV, Settings
from baregrad.play.trainer import Trainer

MOST_LOSSES: Final = 400  # in the curve
TICK: Final = 0.008  # seconds of training, and then others have their turn
LATEST: Final = 0.25  # seconds of training that are made up for, when a tick is late


class Session:
    """A network, its data, and whether it is training: the state that the page shows.

    It belongs to no thread: who shares it between threads holds a lock around each call.

    Attributes:
        settings: what was chosen.
        playing: whether `tick` trains.
        speed: steps a second; 0 for as many as possible.
        message: why training stopped, or empty.
        version: counts changes of what `frame` shows.
        plan: counts changes of what `described` shows.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.table: Table | None = None
        self.playing = False
        self.speed = 300
        self.version = self.plan = 0
        self._chunk = 64  # steps of a tick, at most
        self.settings = settings or Settings()
        self._begin(self.settings, problem_of(self.settings, None))

    def _begin(self, settings: Settings, problem: Problem) -> None:
        """A new training; if that cannot be, nothing changes."""
        trainer = Trainer(problem, settings)
        picture = Picture(problem, trainer, settings.axes)
        self.problem, self.trainer, self.picture = problem, trainer, picture
        self.settings = settings
        self.playing, self.message, self._owed = False, "", 0.0
        self._losses: list[tuple[int, float, float]] = []
        self.plan += 1
        self.version += 1

    # --- commands -----------------------------------------------------------------------------

    def do(self, command: Mapping[str, Any]) -> dict[str, Any] | None:
        """Does what the page asks for: ``{"do": "play"}`` and so on.

        Returns:
            An answer, for commands that have one.

        Raises:
            BaregradError: it cannot be done, and nothing has changed.
        """
        name = checked_name("command", command.get("do"), COMMANDS)
        return COMMANDS[name](self, command)

    def play(self) -> None:
        """Lets `tick` train."""
        self.playing, self.message = True, ""
        self.version += 1

    def pause(self) -> None:
        """Ends that."""
        self.playing = False
        self.version += 1

    def advance(self, steps: int) -> None:
        """Trains some steps; trouble with numbers is told in `message`."""
        self.version += 1
        try:
            self.trainer.advance(steps)
        except NonFiniteError as error:
            self.playing, self.message = False, str(error)

    def go_to(self, step: int) -> None:
        """Goes to an earlier moment, or a later one that training has reached."""
        if not 0 <= step <= self.trainer.furthest:
            raise ArgumentError(f"there are the steps 0 to {self.trainer.furthest}, and no {step}")
        self.playing, self.message = False, ""
        self.trainer.go_to(step)
        self.version += 1

    def change(self, given: Mapping[str, Any]) -> None:
        """Changes settings. All but the learning rate and the axes begin a new training.

        Raises:
            ArgumentError, DataError: they are not possible, and nothing has changed.
        """
        settings = self.settings.changed(given)
        if settings == self.settings:
            return
        beginning = settings._replace(lr=self.settings.lr, axes=self.settings.axes)
        if beginning != self.settings:
            same = all(getattr(settings, n) == getattr(self.settings, n) for n in FIELDS)
            self._begin(settings, self.problem if same else problem_of(settings, self.table))
            return
        self.picture = Picture(self.problem, self.trainer, settings.axes)
        self.trainer.change_rate(settings.lr)
        self._forget(self.trainer.furthest)
        self.settings, self.message = settings, ""
        self.plan += 1
        self.version += 1

    def restart(self) -> None:
        """Begins again with the present settings."""
        self._begin(self.settings, self.problem)

    def load(self, content: bytes, name: str) -> dict[str, Any]:
        """Takes a CSV file, see `learn_from`.

        Returns:
            The names of its columns, and how many rows it has.

        Raises:
            DataError: it is no table, or nothing can be learned from it.
        """
        self.learn_from(table_of(content, name))
        assert self.table is not None
        return {"columns": self.table.names, "rows": len(self.table)}

    def learn_from(self, table: Table, target: str | None = None) -> None:
        """Begins to learn from a table.

        Args:
            table: of a long one, some rows are taken.
            target: the column to predict; by default the last that can be predicted.

        Raises:
            ArgumentError: there is no such column.
            DataError: nothing can be learned from it.
        """
        table = shortened(table)
        chosen = self.settings._replace(data=CSV, target=target, axes=(0, 1), loss=None)
        if target is None:
            self._begin(*first_problem(chosen, table))
        else:
            self._begin(chosen, problem_of(chosen, table))
        self.table = table

    # --- time ---------------------------------------------------------------------------------

    def tick(self, seconds: float) -> None:
        """Trains as many steps as belong to so many seconds, if it is playing."""
        if not self.playing:
            return
        steps = self._chunk
        if self.speed:
            self._owed = min(self._owed + self.speed * seconds, self.speed * LATEST)
            steps = min(steps, int(self._owed))
            self._owed -= steps
        if not steps:
            return
        begin = time.perf_counter()
        self.advance(steps)
        taken = time.perf_counter() - begin
        if steps == self._chunk or taken > TICK:
            self._chunk = max(1, min(4 * steps, int(steps * TICK / taken)))

    # --- what is seen -------------------------------------------------------------------------

    def frame(self) -> bytes:
        """The present moment as a binary message; see `packed`."""
        trainer = self.trainer
        self._current_picture()
        loss, score, test_loss, test_score = self.picture.assessment()
        self._note(loss, test_loss)
        header = {
            "step": trainer.step,
            "epoch": trainer.step / trainer.steps_per_epoch,
            "furthest": trainer.furthest,
            "perEpoch": trainer.steps_per_epoch,
            "playing": self.playing,
            "speed": self.speed,
            "message": self.message,
            "loss": [loss, test_loss],
            "score": [score, test_score],
            "lr": trainer.rate,
        }
        curve = array("f", (value for moment in self._losses for value in moment))
        return packed(header, {"losses": curve.tobytes(), **self.picture.sections()})

    def _current_picture(self) -> None:
        if self.picture.model is not self.trainer.model:
            self.picture = Picture(self.problem, self.trainer, self.settings.axes)

    def _note(self, loss: float | None, test_loss: float | None) -> None:
        """Adds a moment to the curve; there are fewer and fewer in its older part."""
        step = self.trainer.step
        if loss is None or test_loss is None or (self._losses and step <= self._losses[-1][0]):
            return
        self._losses.append((step, loss, test_loss))
        if len(self._losses) > MOST_LOSSES:
            del self._losses[1:-1:2]

    def _forget(self, step: int) -> None:
        self._losses = [moment for moment in self._losses if moment[0] <= step]

    def described(self) -> dict[str, Any]:
        """What stays the same during a training, as JSON can hold it."""
        self._current_picture()
        table = self.table
        return {
            "choices": CHOICES,
            "settings": self.settings._asdict(),
            "columns": table.names if table is not None else [],
            "file": table.source if table is not None else "",
            "limit": [MOST_BYTES, TOO_LARGE],
            "notes": self._notes(),
            **self.picture.described(),
        }

    def _notes(self) -> list[str]:
        """What to know of the data, in words."""
        problem, table = self.problem, self.table
        notes = table.notes if table is not None and self.settings.data == CSV else []
        rare = f"{counted(problem.single, 'row')} left out, each the only one of its class"
        dropped = problem.preprocessor.dropped.items()
        return [
            *notes,
            *([rare] if problem.single else []),
            *(f"column {name!r} left out: {why}" for name, why in dropped),
        ]

    def graph(self, known: int | None) -> dict[str, Any]:
        """The computational graph of a few samples; its drawing only if `known` is another plan."""
        found = anatomy.graph(self.trainer, draw=known != self.plan)
        return {"graph": {**found, "plan": self.plan}}

    def backward(self, sample: int) -> dict[str, Any]:
        """The backward pass of one training sample, operation by operation."""
        return {"backward": anatomy.backward(self.trainer, sample)}


def _integer(command: Mapping[str, Any], name: str) -> int:
    value = command.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ArgumentError(f"{name} must be a whole number, not {value!r}")
    return value


def _change(session: Session, command: Mapping[str, Any]) -> None:
    given = command.get("settings")
    if not isinstance(given, dict):
        raise ArgumentError("settings must be an object")
    session.change(given)


def _speed(session: Session, command: Mapping[str, Any]) -> None:
    speed = _integer(command, "speed")
    if not 0 <= speed <= 100_000:
        raise ArgumentError("speed must be from 0 (as fast as possible) to 100000 steps a second")
    session.speed = speed
    session.version += 1


def _one(session: Session, command: Mapping[str, Any]) -> None:
    session.pause()
    session.message = ""
    session.advance(1)


def _epoch(session: Session, command: Mapping[str, Any]) -> None:
    session.pause()
    session.message = ""
    trainer = session.trainer
    session.advance(trainer.steps_per_epoch - trainer.step % trainer.steps_per_epoch)


COMMANDS: Final[dict[str, Callable[[Session, Mapping[str, Any]], dict[str, Any] | None]]] = {
    "play": lambda session, command: session.play(),
    "pause": lambda session, command: session.pause(),
    "step": _one,
    "epoch": _epoch,
    "goto": lambda session, command: session.go_to(_integer(command, "step")),
    "restart": lambda session, command: session.restart(),
    "change": _change,
    "speed": _speed,
    "graph": lambda session, command: session.graph(command.get("plan")),
    "backward": lambda session, command: session.backward(_integer(command, "sample")),
}
