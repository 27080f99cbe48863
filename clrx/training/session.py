"""A run under way: its files and where it stands, from the last checkpoint where its directory has one."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from clrx.run.checkpoint import load_checkpoint, under_prefix
from clrx.run.directory import Run
from clrx.training.loop import Step
from clrx.training.records import Records, TrainState
from clrx.training.setup import Setup

log = logging.getLogger("clrx")
Tensors = dict[str, Tensor]  # by name
BLOCK, SECONDS = 50, 0.25  # steps, or time, between two writings of steps.csv and two looks at the losses
LOOKS = 0.1  # seconds between two changes of the live line


@dataclass(frozen=True)
class RunFiles:
    """The run directory, its records, and its weights."""

    run: Run
    records: Records

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.run.path

    def weights(self, name: str) -> Path:
        """weights/NAME.safetensors."""
        return self.path / "weights" / f"{name}.safetensors"

    def close(self) -> None:
        """Close the records."""
        self.records.close()


class Observer(Protocol):
    """Is told of a run's progress: a screen, or a test."""

    def start(self, name: str, steps: int) -> None:
        """An epoch, or another stretch of work, of so many steps begins."""

    def step(self, state: TrainState, step: Step, done: int) -> None:
        """A step was taken: the `done`-th of the epoch."""


class ScreenObserver:
    """Shows rate, mean loss of the epoch and images per second of each step on a progress display."""

    def __init__(self, start: Callable[[str, int], None], advance: Callable[[int, str], None]) -> None:
        self.start, self._advance, self._shown = start, advance, -math.inf

    def step(self, state: TrainState, step: Step, done: int) -> None:
        """Show the step that was taken, unless another was shown just now."""
        if (now := time.monotonic()) - self._shown < LOOKS:
            return
        self._shown = now
        fields = f"lr {step.lr:.3g}"
        if state.images and state.seconds:
            per_second = state.images / state.seconds
            fields += f"  loss {state.loss_sum / state.images:.4f}  {per_second:.0f} images/s"
        self._advance(done, fields)


def open_session(run: Run, setup: Setup) -> tuple[TrainState, RunFiles, Tensors]:
    """Where the run stands, its files, and the tensors of its last checkpoint (none for a new run).

    The network and its moving average get the weights of that checkpoint.
    """
    state, tensors = TrainState(), Tensors()
    if (found := load_checkpoint(run.path / "checkpoint")) is not None:
        tensors, values = found
        state.restore(values)
        restore_weights(setup, tensors)
        log.info("continuing after %d steps and %d epochs", state.steps, state.epochs)
    return state, RunFiles(run, Records(run.path, state, BLOCK, SECONDS)), tensors


def restore_weights(setup: Setup, tensors: Tensors) -> None:
    """Give the network and its moving average the weights of a checkpoint."""
    setup.network.load_state_dict(under_prefix("network", tensors))
    if setup.ema is not None:
        setup.ema.load_state_dict(under_prefix("ema", tensors))
