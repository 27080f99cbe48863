"""steps.csv and epochs.csv: what a run did, row by row, as it did it."""

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

from clrx.core.files import CsvLog, read_rows
from clrx.training.loop import Step

STEP_COLUMNS = ("step", "epoch", "lr", "momentum", "loss")
EPOCH_COLUMNS = (
    *("phase", "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_auroc"),
    *("val_average_precision", "val_f1", "lr", "seconds", "images_per_second", "data_wait"),
    *("val_balanced_accuracy", "val_precision", "val_recall", "val_specificity"),
)


@dataclass
class TrainState:
    """Where a run stands. All of it is in every checkpoint; all of it is JSON."""

    phase: int = 0  # index of the phase under way
    first_epoch: int = 0  # epochs of the run before this phase
    step: int = 0  # optimizer steps taken in this phase
    steps: int = 0  # rows of steps.csv
    epochs: int = 0  # rows of epochs.csv
    lr: float = 0.0  # of the last step
    loss_sum: float = 0.0  # over the images of the epoch under way
    correct: float = 0.0
    images: int = 0
    seconds: float = 0.0  # of training in the epoch under way
    wait: float = 0.0  # of these, waiting for data
    phase_seconds: float = 0.0  # wall time of the phase so far, evaluation included
    rate_factor: float = 1.0  # lowered by on_divergence=backoff
    backoffs: int = 0
    notes: list[str] = field(default_factory=list)  # one a backoff, for people
    returns: list[dict[str, Any]] = field(default_factory=list)  # one a backoff: its step, epoch and factor
    phases: list[dict[str, Any]] = field(default_factory=list)  # of each phase: name, epochs, steps, seconds

    def restore(self, values: dict[str, Any]) -> None:
        """Stand where `values`, those of a checkpoint, say."""
        vars(self).update(vars(TrainState(**values)))

    def end_phase(self, name: str) -> None:
        """Note what the phase took and go to the beginning of the next."""
        took = {"name": name, "epochs": self.epochs - self.first_epoch, "steps": self.step}
        self.phases.append({**took, "seconds": round(self.phase_seconds, 3)})
        self.phase, self.step, self.first_epoch, self.phase_seconds = self.phase + 1, 0, self.epochs, 0.0

    def reopen_phase(self) -> None:
        """Go back to the end of the phase before, as if it were still under way."""
        took = self.phases.pop()
        self.phase, self.step, self.phase_seconds = self.phase - 1, took["steps"], took["seconds"]
        self.first_epoch = self.epochs - took["epochs"]

    def end_epoch(self) -> None:
        """Forget the sums of the epoch that was recorded."""
        self.loss_sum = self.correct = self.seconds = self.wait = 0.0
        self.images = 0


class Records:
    """steps.csv and epochs.csv of a run, and the steps whose losses have not been read from the device yet."""

    steps: CsvLog
    epochs: CsvLog

    def __init__(self, path: Path, state: TrainState, block: int, seconds: float = math.inf) -> None:
        """Open the records of a run directory, written every `block` steps, or after `seconds` if that is sooner."""
        self.path, self.block, self.seconds = path, block, seconds
        self.written = time.monotonic()
        self.waiting: list[tuple[int, float, Step]] = []
        self.open(state)

    def open(self, state: TrainState) -> None:
        """Open the logs, cut back to what `state` says was done."""
        self.steps = CsvLog(self.path / "steps.csv", STEP_COLUMNS, state.steps)
        self.epochs = CsvLog(self.path / "epochs.csv", EPOCH_COLUMNS, state.epochs)
        self.waiting = []

    def close(self) -> None:
        """Close both logs."""
        self.steps.close()
        self.epochs.close()


class Bad(NamedTuple):
    """The first step whose loss or gradients were not finite."""

    step: int
    lr: float
    what: str  # loss | gradients


def add_step(records: Records, state: TrainState, step: Step) -> Bad | None:
    """Note one step; the waiting ones are written a block at a time. A step that was not finite, or None."""
    records.waiting.append(
        (state.steps + len(records.waiting), state.first_epoch + step.progress.epoch, step)
    )
    state.step += 1
    late = time.monotonic() - records.written >= records.seconds
    return flush_steps(records, state) if late or len(records.waiting) >= records.block else None


def flush_steps(records: Records, state: TrainState) -> Bad | None:
    """Write the waiting steps with one read of the device; the first non-finite one, or None."""
    if not records.waiting:
        return None
    waiting, records.waiting, records.written = records.waiting, [], time.monotonic()
    taken = [step for _, _, step in waiting]
    losses = torch.stack([step.loss for step in taken]).double().tolist()
    correct = torch.stack([step.correct for step in taken]).tolist()
    broken = torch.cat([step.broken for step in taken]).tolist()
    both = zip(losses, broken, strict=True)
    bad = next((i for i, (loss, flag) in enumerate(both) if flag or not math.isfinite(loss)), None)
    whole = waiting if bad is None else waiting[: bad + 1]
    rows = [
        _step_row(number, epoch, step, loss)
        for (number, epoch, step), loss in zip(whole, losses, strict=False)
    ]
    records.steps.append(rows)
    state.steps += len(rows)
    state.lr = taken[-1].lr
    # one by one: blocks would round as checkpoints fall
    for loss, right, step in zip(losses, correct, taken, strict=True):
        state.loss_sum += loss * step.images
        state.correct += right
        state.images += step.images
    if bad is None:
        return None
    return Bad(whole[bad][0], taken[bad].lr, "gradients" if math.isfinite(losses[bad]) else "loss")


def _step_row(number: int, epoch: float, step: Step, loss: float) -> dict[str, Any]:
    return {"step": number, "epoch": epoch, "lr": step.lr, "momentum": step.momentum, "loss": loss}


def column(path: Path, name: str) -> list[float | None]:
    """One column of a CSV record as numbers; None where a cell is empty."""
    return [float(row[name]) if row[name] else None for row in read_rows(path)]
