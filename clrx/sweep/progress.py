"""The progress of a sweep: on a terminal a live line for each run and the totals, elsewhere a line when one ends."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from clrx.core.console import console, duration, say
from clrx.core.files import read_rows
from clrx.run.read import RunState, state_of
from clrx.schedule.stretch import scaled_epochs
from clrx.sweep.job import FINAL, Job, config_of, error_of, metric_of, shown_value

COLOURS: dict[str, str] = {RunState.COMPLETE: "green", RunState.FAILED: "red"}
COLOURS |= {RunState.DIVERGED: "red", RunState.INTERRUPTED: "yellow"}


@dataclass
class SweepProgress:
    """The jobs of a sweep and how far they are; every number that is shown is read from the runs' files."""

    jobs: tuple[Job, ...]
    workers: int
    live: Live | None
    began: dict[Job, float] = field(default_factory=dict)  # runs started here
    seconds: dict[Job, float] = field(default_factory=dict)  # that the runs which ended here took
    lines: dict[Job, tuple[str, ...]] = field(default_factory=dict)  # of jobs that have ended
    waited: dict[Job, str] = field(default_factory=dict)  # who runs the jobs that another process has claimed
    shown: float = 0.0  # when the live lines were last updated, by the monotonic clock, s

    def started(self, job: Job) -> None:
        """Note that a run was started or continued here."""
        again = state_of(job.path) is not None
        self.began[job] = time.monotonic()
        if not self.live:
            say(f"{job.name}: {'continues' if again else 'starts'}")

    def ended(self, job: Job) -> None:
        """Note that a run has come to an end, here or elsewhere."""
        if job in self.began:
            self.seconds[job] = time.monotonic() - self.began.pop(job)
        self.lines[job] = row = row_of(job)
        if not self.live:
            took = f" in {duration(self.seconds[job])}" if job in self.seconds else ""
            say(f"{' '.join(filter(None, row))}{took} ({self.totals()})")

    def waits(self, job: Job, holder: str) -> None:
        """Note that another process runs a job, and say so once; `holder` says who."""
        if self.waited.get(job) != holder:
            self.waited[job] = holder
            if not self.live:
                say(f"{job.name}: waits for {holder or 'another process'}, which runs it")

    def totals(self) -> str:
        """How many runs are in each state, and the time that the rest will take."""
        states = [row[1] for row in self.lines.values()]
        parts = [f"{states.count(RunState.COMPLETE)} of {len(self.jobs)} complete"]
        parts += [
            f"{states.count(name)} {name}" for name in COLOURS if name != RunState.COMPLETE and name in states
        ]
        left = len(self.jobs) - len(self.lines)
        if self.seconds and left:
            mean = sum(self.seconds.values()) / len(self.seconds)
            parts.append(f"about {duration(mean * math.ceil(left / self.workers))} left")
        return ", ".join(parts)

    def refresh(self, running: Sequence[Job]) -> None:
        """Update the live lines, at most once per second."""
        if not self.live or time.monotonic() < self.shown + 1:
            return
        self.shown = time.monotonic()
        room = max(4, console.height - 4)
        rows = [(job, self.lines.get(job) or self._row(job, job in running)) for job in self.jobs]
        rows = sorted(rows, key=lambda pair: pair[0] not in running)[:room] if len(rows) > room else rows
        self.live.update(_table([row for _, row in rows], self.totals()), refresh=True)

    def _row(self, job: Job, running: bool) -> tuple[str, ...]:
        """`row_of`, with who runs the job where that is another process."""
        row = row_of(job, running)
        return row if running or job not in self.waited else (*row[:-1], f"run by {self.waited[job]}")


@contextmanager
def open_progress(jobs: Sequence[Job], workers: int) -> Iterator[SweepProgress]:
    """Show the progress of the jobs while the block runs."""
    if not console.is_terminal:
        yield SweepProgress(tuple(dict.fromkeys(jobs)), workers, None)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield SweepProgress(tuple(dict.fromkeys(jobs)), workers, live)


def row_of(job: Job, running: bool = False) -> tuple[str, ...]:
    """(name, state, epoch, metric, time left or error) of a job, from its files."""
    state = RunState.RUNNING if running else state_of(job.path) or "waiting"
    if state == RunState.COMPLETE:
        return job.name, state, "", shown_value(job.path), ""
    if state in FINAL:
        return job.name, state, "", "", error_of(job.path)
    epochs, whole = _epochs(job.path), total_epochs(config_of(job.path))
    if not running or not epochs or not whole:
        return job.name, state, "", "", ""
    seconds = sum(float(row["seconds"]) for row in epochs) / len(epochs)
    value = epochs[-1].get(_metric(job.path))
    shown = f"{_metric(job.path)} {float(value):.4f}" if value else ""
    left = seconds * (whole - len(epochs))
    rest = f"{duration(left)} left" if left else "evaluating on test"  # early stopping may end here before
    return job.name, state, f"epoch {len(epochs)}/{whole}", shown, rest


def _metric(path: Path) -> str:
    with suppress(OSError, ValueError):
        return metric_of(path)
    return ""


def _epochs(path: Path) -> list[dict[str, str]]:
    try:
        return read_rows(path / "epochs.csv")
    except OSError:
        return []


def total_epochs(config: dict[str, Any]) -> int:
    """Epochs of all phases, if none stops early."""
    phases = (config.get("plan") or {}).get("phases") or []
    return sum(scaled_epochs(int(phase["epochs"]), config.get("scale", 1.0)) for phase in phases)


def _table(rows: Sequence[tuple[str, ...]], totals: str) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, caption=totals, caption_justify="left")
    for row in rows:
        cells = [Text(text, no_wrap=True, overflow="ellipsis") for text in row]
        cells[1].stylize(COLOURS.get(row[1], ""))
        table.add_row(*cells)
    return table
