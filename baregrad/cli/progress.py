"""How a training goes, on standard error: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from baregrad.training.callbacks import Progress, progress_line
from baregrad.training.run import Callback, Run

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def shown_progress(quiet: bool) -> Iterator[list[Callback]]:
    """A block in which the callbacks that it gives show how training goes."""
    console = None if quiet else _terminal()
    if console is not None:
        with Bar(console) as bar:
            yield [bar]
    else:
        yield [] if quiet else [Progress(file=sys.stderr)]


def _terminal() -> Console | None:
    """The terminal that a bar can be drawn on; None if there is none, or rich is not installed."""
    if not sys.stderr.isatty():
        return None
    try:
        from rich.console import Console  # an extra
    except ImportError:
        return None
    console = Console(stderr=True)
    return console if console.is_interactive else None


class Bar(Callback):
    """A progress bar, and below it the losses and metrics of the last epoch.

    Args:
        console: where to draw; without colours if NO_COLOR is set.
    """

    def __init__(self, console: Console) -> None:
        from rich import progress
        from rich.console import Group
        from rich.live import Live
        from rich.text import Text

        self.progress = progress.Progress(
            progress.BarColumn(bar_width=None),
            progress.TaskProgressColumn(),
            progress.TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self.text = Text()
        self.live = Live(Group(self.progress, self.text), console=console)

    def __enter__(self) -> Bar:
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.stop()

    def on_train_begin(self, run: Run) -> None:
        """Draws the empty bar."""
        self.task = self.progress.add_task("", total=run.epochs * run.steps_per_epoch)

    def on_steps(self, run: Run) -> None:
        """Moves it on."""
        self.progress.advance(self.task, len(run.losses))

    def on_epoch_end(self, run: Run) -> None:
        """Shows the losses and metrics."""
        self.text.plain = progress_line(run)
