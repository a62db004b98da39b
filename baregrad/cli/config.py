"""The settings of a training in a TOML file, under the names of their options."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from baregrad.cli.problem import Problem
from baregrad.cli.run_folder import CONFIG
from baregrad.cli.settings import Settings
from baregrad.errors import unknown_name
from baregrad.files.atomic import write_atomically

# options that say where and how long to train, and not what
TRANSIENT = ("command", "debug", "help", "out", "quiet", "config", "resume", "time_limit")
RESOLVED = (  # to suit the problem
    *("hidden", "activation", "dropout", "loss", "label_smoothing", "lr", "schedule"),
    *("weight_decay", "epochs", "patience", "batch_size"),
)


def write_config(
    path: Path, arguments: argparse.Namespace, problem: Problem, settings: Settings
) -> None:
    """Writes the file that repeats a training exactly.

    Raises:
        FileWriteError: it cannot be written.
    """
    values = {name: value for name, value in vars(arguments).items() if name not in TRANSIENT}
    values |= {name: getattr(settings, name) for name in RESOLVED}
    if arguments.file is None:
        values["dataset"] = problem.name
    elif os.path.exists(arguments.file):
        values["file"] = os.path.abspath(arguments.file)
    lines = [f"# Repeats this run: baregrad train --config {CONFIG}"]
    lines += [
        f"{name.replace('_', '-')} = {_toml(value)}"
        for name, value in values.items()
        if value is not None and value != []
    ]
    write_atomically(path, ["\n".join([*lines, ""]).encode()])


def _toml(value: Any) -> str:
    """A value of an option; JSON's are TOML's, but for one character in texts."""
    import json  # trainings take longer than its import

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def defaults_for(typed: argparse.Namespace, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """What the options are by the file of ``--config`` or of the run of ``--resume``.

    Raises:
        argparse.ArgumentError: see `read_config`; or options that do not go together.
    """
    if typed.resume is None:
        place = Path(typed.config)
        found = read_config(place / CONFIG if place.is_dir() else place, parser)
    elif typed.config is not None or typed.out is not None:
        raise argparse.ArgumentError(None, "--resume goes with neither --config nor --out")
    else:
        found = read_config(Path(typed.resume, CONFIG), parser)
    if typed.file is not None or typed.dataset is not None:
        found = {name: found[name] for name in found if name not in ("file", "dataset")}
    return found


def read_config(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """The options in a file, converted and checked as if they had been typed.

    Raises:
        argparse.ArgumentError: the file cannot be read, an option is unknown or its value wrong.
    """
    import tomllib  # few read a file of settings

    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise argparse.ArgumentError(None, f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentError(None, f"{path} is not a TOML file: {error}") from None
    actions = {a.dest.replace("_", "-"): a for a in parser._actions if a.dest not in TRANSIENT}
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in actions:
            raise argparse.ArgumentError(None, f"{path}: {unknown_name('option', name, actions)}")
        try:
            found[actions[name].dest] = _converted(actions[name], value)
        except (argparse.ArgumentTypeError, ValueError) as error:
            raise argparse.ArgumentError(None, f"{path}: {name} {error}") from None
    return found


def _converted(action: argparse.Action, value: Any) -> Any:
    """What an option becomes of a value."""
    if isinstance(action, argparse.BooleanOptionalAction):
        if not isinstance(value, bool):
            raise ValueError(f"must be true or false, not {value!r}")
        return value
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, bool) or not isinstance(item, str | int | float) for item in items):
        raise ValueError(f"must be a text or number, or a list of them, not {value!r}")
    if isinstance(action.default, list) and action.type is None:  # of an option given many times
        return list(map(str, items))
    text = ",".join(map(str, items))
    if action.choices is not None and text not in action.choices:
        raise ValueError(f"must be one of {', '.join(action.choices)}, not {text!r}")
    return action.type(text) if callable(action.type) else text
