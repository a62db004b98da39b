"""The folder that a training leaves behind, and the files in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from baregrad.cli.model_file import MODEL_FILE
from baregrad.errors import ArgumentError

HISTORY, DOT, SVG, REPORT = "history.csv", "graph.dot", "graph.svg", "report.html"
CONFIG = "config.toml"
CHECKPOINT = "checkpoint"  # a folder, as long as the run is not complete
FILES = (MODEL_FILE, HISTORY, DOT, SVG, REPORT, CONFIG, CHECKPOINT)
RUNS = Path("runs")


@contextmanager
def run_folder(asked: str | None, name: str, resumed: str | None) -> Iterator[Path]:
    """A block with a folder for a run, which exists before training, so that none is in vain.

    Args:
        resumed: the folder of a run that is to be gone on with; else,
        asked: the folder; by default a new one, ``runs/name-1`` or the next that is free. It is
            taken away again if the block raises and has written nothing.
        name: of the data.

    Raises:
        ArgumentError: there is a run in the folder, or none to go on with.
        OSError: the folder cannot be made.
    """
    if resumed is not None:
        folder = _begun_folder(Path(resumed))
    else:
        folder = _new_folder(name) if asked is None else _checked_folder(Path(asked))
    try:
        yield folder
    except BaseException:
        with suppress(OSError):  # it is not empty
            folder.rmdir()
        raise


def _new_folder(name: str) -> Path:
    number = 1
    while True:
        folder = RUNS / f"{name}-{number}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


def _begun_folder(folder: Path) -> Path:
    if not (folder / CHECKPOINT).exists():
        raise ArgumentError(
            f"{folder} has no checkpoint to go on from: its run is complete, or is none"
        )
    return folder


def _checked_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        if (folder / file).exists():
            raise ArgumentError(
                f"{folder} has a run in it already ({file}); give another --out, or remove it; "
                f"a run that was interrupted goes on with --resume {folder}"
            )
    return folder
