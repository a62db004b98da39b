"""How a training goes, on standard error: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from baregrad.training.callbacks import Progress, progress_line
from baregrad.training.curves import BARS, PLAIN_BARS, sparkline
from baregrad.training.run import Callback, Run

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 80  # columns of a terminal that has room for curves beside the bar
ROOM = 21  # columns beside a curve: its name, its last value, and space


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
    """A progress bar, beside it the curves of the losses, below the values of the last epoch.

    On a narrow terminal the curves are below the bar.

    Args:
        console: where to draw; without colours if NO_COLOR is set.
    """

    def __init__(self, console: Console) -> None:
        from rich import progress
        from rich.console import Group
        from rich.live import Live
        from rich.table import Table
        from rich.text import Text

        self.progress = progress.Progress(
            progress.BarColumn(bar_width=None),
            progress.TaskProgressColumn(),
            progress.TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self.text = Text()
        self.curves = Text(no_wrap=True)
        self.losses: list[float] = []
        self.console = console
        beside = Table.grid(expand=True, padding=(0, 1))
        beside.add_column(ratio=1)
        beside.add_column(ratio=1)
        beside.add_row(self.progress, self.curves)
        self.is_wide = console.width >= WIDE
        above = [beside] if self.is_wide else [self.progress, self.curves]
        self.live = Live(Group(*above, self.text), console=console)

    def __enter__(self) -> Bar:
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.stop()

    def on_train_begin(self, run: Run) -> None:
        """Draws the bar, as full as training has been."""
        self.task = self.progress.add_task(
            "", total=run.epochs * run.steps_per_epoch, completed=run.step
        )
        self.losses = []

    def on_steps(self, run: Run) -> None:
        """Moves it on, and the curves too."""
        self.progress.advance(self.task, len(run.losses))
        self.losses.append(sum(run.losses) / len(run.losses))
        self._draw(run)

    def on_epoch_end(self, run: Run) -> None:
        """Shows the losses and metrics."""
        self.text.plain = progress_line(run)
        self._draw(run)

    def _draw(self, run: Run) -> None:
        """The loss over the steps, and over the epochs in validation."""
        from rich.text import Text

        history = run.history
        curves = {"loss": (self.losses, "cyan")}
        if "val_loss" in history:
            curves["val_loss"] = (history["val_loss"], "magenta")
        width = max(self.console.width // (1 + self.is_wide) - ROOM, 1)
        is_plain = self.console.options.ascii_only
        bars = PLAIN_BARS if is_plain else BARS
        self.curves.overflow = "crop" if is_plain else "ellipsis"
        lines = [
            Text(f"{name:<8} {sparkline(values, width, bars)} {values[-1]:.4g}", style=colour)
            for name, (values, colour) in curves.items()
            if values
        ]
        self.curves.plain = ""
        self.curves.append_text(Text("\n").join(lines))
