"""Checkpoints: a training that was killed goes on from one, to the same last bit."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final, Protocol, Self

from baregrad.arguments import checked_number
from baregrad.data.source import FilePath, checked_path
from baregrad.errors import ArgumentError, ModelFileError
from baregrad.files.atomic import remove_leftovers
from baregrad.files.lock import FolderLock
from baregrad.files.state import load_state, save_state
from baregrad.nn.module import Module
from baregrad.tensor import random
from baregrad.tensor.random import Generator
from baregrad.training.fingerprint import difference
from baregrad.training.metrics import Averages
from baregrad.training.run import Callback, Run
from baregrad.training.task import Task

VERSION: Final = 1  # of what the state means
GENERATIONS: Final = 2
RECORDED: Final = ("history", "epoch", "steps", "stopped", "compiled", "fallback")


class Resumable(Protocol):
    """A training as checkpoints see it.

    Attributes:
        task: what it was asked for.
        run: how far it is.
        averages: of the present epoch.
        first_epoch: where it begins.
    """

    task: Task
    run: Run
    averages: Averages
    first_epoch: int


class Checkpoints:
    """The newest checkpoint of a training and the one before, in a folder of their own.

    It is a block, in which no other process can use the folder. A checkpoint is written over the
    older of the two, atomically, so at any moment there is a whole one.

    Args:
        folder: where; made if it is not there.
        every: seconds from one checkpoint to the next, at least.
        settings: what must be the same when training is taken up again: see `fingerprint.py`.

    Raises:
        FileWriteError: the folder cannot be written to, or is another process's.
    """

    def __init__(self, folder: FilePath, every: float, settings: Mapping[str, Any]) -> None:
        self.folder = checked_path(folder)
        self.every = checked_number(every, "checkpoint_every, in seconds,", least=0)
        self.settings = settings
        self._lock = FolderLock(self.folder)
        self._number = 0  # of the next one
        self._saved = 0.0  # when the last one was
        self._callbacks: Mapping[str, Any] | None = None  # their states in what was loaded

    def __enter__(self) -> Self:
        self._lock.__enter__()
        for number in range(GENERATIONS):
            remove_leftovers(self._path(number))
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.__exit__(*error)

    def save_if_due(self, training: Resumable, epoch: int, at_once: bool) -> None:
        """Writes a checkpoint if it is time for one, or if it must be.

        Args:
            training: between two steps.
            epoch: in which it goes on; after so many samples as its averages have counted.
            at_once: whether not to look at the clock.

        Raises:
            FileWriteError: it cannot be written; the one before is as it was.
            ArgumentError: something in a callback's state cannot be saved.
        """
        if not at_once and perf_counter() - self._saved < self.every:
            return
        state = {"version": VERSION, "number": self._number, "settings": self.settings}
        save_state(self._path(self._number), state | _state(training, epoch))
        self._number += 1
        self._saved = perf_counter()

    def load(self, training: Resumable) -> None:
        """Brings a training to where the newest checkpoint was made that can be read, if any.

        Raises:
            ModelFileError: there are checkpoints, and none can be read.
            ArgumentError: it is of a training with other data or settings; which, is said.
        """
        state, problem = self._newest()
        if state is None:
            return
        if other := difference(state["settings"], self.settings):
            raise ArgumentError(
                f"{self.folder} has a checkpoint of another training: {other}. Call fit as then, "
                "or give another folder to begin anew"
            )
        try:
            _restore(training, state)
        except (KeyError, TypeError, ValueError) as error:  # somebody else wrote it
            raise ModelFileError(
                f"a checkpoint in {self.folder} cannot be used: {error}"
            ) from error
        self._number = state["number"] + 1
        self._callbacks = state["callbacks"]
        resumed = f"taken up at step {state['step']} from a checkpoint"
        if problem:
            resumed += f", the one before the newest, as {problem}"
            warnings.warn(resumed, stacklevel=4)
        training.run.history.resumed = resumed

    def begin(self, training: Resumable) -> None:
        """Gives callbacks, which know that it begins, their states back; or saves the beginning.

        Raises:
            ArgumentError: one that had a state is not there.
            FileWriteError: the folder cannot be written to.
        """
        if self._callbacks is None:
            self.save_if_due(training, 0, at_once=True)
            return
        self._saved = perf_counter()
        callbacks = _named_callbacks(training)
        for name, state in self._callbacks.items():
            if name not in callbacks:
                raise ArgumentError(
                    f"{self.folder} has the state of a callback {name}, which is not there now; "
                    "call fit as then, or give another folder to begin anew"
                )
            callbacks[name].load_state_dict(state)

    def _newest(self) -> tuple[dict[str, Any] | None, str]:
        """The state in the newest file that is whole, and what is wrong with the other."""
        states, problems = [], []
        for number in range(GENERATIONS):
            if os.path.exists(self._path(number)):
                try:
                    states.append(_checked(load_state(self._path(number)), self._path(number)))
                except ModelFileError as error:
                    problems.append(str(error))
        if problems and not states:
            raise ModelFileError(
                f"no checkpoint in {self.folder} can be used: {'; '.join(problems)}. Remove the "
                "folder to begin anew"
            )
        newest = max(states, key=lambda state: int(state["number"]), default=None)
        return newest, "".join(problems)

    def _path(self, number: int) -> str:
        return os.path.join(self.folder, f"checkpoint-{number % GENERATIONS}.safetensors")


def _checked(state: dict[str, Any], path: str) -> dict[str, Any]:
    known = state.get("version") == VERSION and isinstance(state.get("number"), int)
    if not known or not {"settings", "callbacks", "step"} <= state.keys():
        raise ModelFileError(f"{path} is no checkpoint that this baregrad reads")
    return state


# --- what is in it --------------------------------------------------------------------------------


def _state(training: Resumable, epoch: int) -> dict[str, Any]:
    """All that later steps depend on, as `save_state` takes it."""
    run, task = training.run, training.task
    history = {name: getattr(run.history, name) for name in RECORDED}
    if run.history.resumable:
        history["stopped"] = None
    return {
        "epoch": epoch,
        "step": run.step,
        "seed": task.seed,
        "model": task.model.state_dict(),
        "optimizer": task.optimizer.state_dict(),
        "schedule": task.schedule and task.schedule.state_dict(),
        "generators": [[g.seed, g.stream, g.index] for g in _generators(task.model)],
        "averages": training.averages.state_dict(),
        "history": history,
        "callbacks": {
            name: state
            for name, callback in _named_callbacks(training).items()
            if (state := callback.state_dict())
        },
    }


def _restore(training: Resumable, state: Mapping[str, Any]) -> None:
    """The inverse of `_state`, but for the callbacks."""
    run, task = training.run, training.task
    training.task = task._replace(seed=state["seed"])
    training.first_epoch, run.step = state["epoch"], state["step"]
    task.model.load_state_dict(state["model"])
    task.optimizer.load_state_dict(state["optimizer"])
    if task.schedule is not None:
        task.schedule.load_state_dict(state["schedule"])
    for generator, saved in zip(_generators(task.model), state["generators"], strict=True):
        generator.seed, generator.stream, generator.index = saved
    training.averages.load_state_dict(state["averages"])
    vars(run.history).update(state["history"])


def _generators(model: Module) -> list[Generator]:
    """The default generator, and those of all layers."""
    values = (value for _, module in model.named_modules() for value in vars(module).values())
    return [random.default, *(value for value in values if isinstance(value, Generator))]


def _named_callbacks(training: Resumable) -> dict[str, Callback]:
    """By their classes and, where there are several of one, numbers."""
    named: dict[str, Callback] = {}
    for callback in training.task.callbacks:
        name = kind = type(callback).__name__
        number = 1
        while name in named:
            number += 1
            name = f"{kind} {number}"
        named[name] = callback
    return named
