"""What a person sees while a run runs: a live line on a terminal, plain lines elsewhere."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from clrx.core.output import visible

log = logging.getLogger("clrx")
# A terminal that says nothing of its width (COLUMNS=0) has rich's own.
known = {key: value for key, value in os.environ.items() if (key, value.strip("0")) != ("COLUMNS", "")}
console = Console(highlight=False, emoji=False, _environ=known)
WIDEST = 400  # columns of what is shown whole however narrow the terminal is


class Screen:
    """The live line of a run; every method is a no-op for what the terminal cannot show."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar = progress.add_task("", total=1, visible=False, fields="")

    def start(self, name: str, total: int, done: int = 0) -> None:
        """Begin a bar of `total` steps."""
        self._progress.reset(
            self._bar, total=total, completed=done, visible=True, description=name, fields=""
        )

    def advance(self, done: int, fields: str) -> None:
        """Move the bar to `done` and show the present figures beside it."""
        self._progress.update(self._bar, completed=done, fields=fields)

    def hide(self) -> None:
        self._progress.update(self._bar, visible=False)

    def decoding(self) -> Callable[[int, int], None]:
        """A callback(done, total) that shows images being decoded."""

        def show(done: int, total: int) -> None:
            if self._progress.tasks[0].description != "decoding":
                self.start("decoding", total)
            self.advance(done, "images, once; later runs use the cache")

        return show


@contextmanager
def open_screen() -> Iterator[Screen]:
    """A Screen, and the log beside it, while the block runs."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[fields]}", markup=False),
        TimeRemainingColumn(),
    )
    live = Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, refresh_per_second=5
    )
    handler, before = _Lines(), (log.level, log.propagate)
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    try:
        with live:
            yield Screen(live)
    finally:
        log.removeHandler(handler)
        log.setLevel(before[0])
        log.propagate = before[1]


class _Lines(logging.Handler):
    """One line a message above the live line, never wrapped, so that it can be searched."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            return  # the traceback is for train.log; the command prints the message at its end
        # warnings say that they are
        name = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        say(f"{name}{record.getMessage()}")


def say(text: str) -> None:
    """Print one line as it is: unwrapped, brackets included, since it may name a path."""
    console.print(visible(text), markup=False, soft_wrap=True)


def show(*parts: RenderableType) -> None:
    """Print tables and charts with all their words: where a terminal is too narrow, a line goes on in the next."""
    wide = console.options.update(max_width=WIDEST)
    needed = [Measurement.get(console, wide, part) for part in parts]
    before = console._width
    if console.width < max(one.minimum for one in needed):
        console.width = max(one.maximum for one in needed)
    for column in (column for part in parts if isinstance(part, Table) for column in part.columns):
        column.overflow = "fold"  # not an ellipsis in place of letters
    try:
        console.print(*parts, soft_wrap=False, crop=False)
    finally:
        console._width = before


def duration(seconds: float) -> str:
    """A number of seconds as text: 12 s, 3:05, 2:03:05."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
