"""Which images an optimizer step sees: a pure function of (seed, epoch, step), so a run can start anywhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clrx.schedule.progress import Progress, progress_at
from clrx.train.batches import batches_per_epoch, cut, epoch_order


@dataclass(frozen=True)
class Clock:
    """The steps of one phase. Steps and epochs count from 0 within the phase; orders use the run's epoch."""

    images: int  # training images
    batch_size: int
    epochs: int
    seed: int
    accumulate: int = 1  # batches an optimizer step
    first_epoch: int = 0  # epochs of the run before this phase
    weights: np.ndarray | None = None  # (images,) sampling weights; None: every image once an epoch

    @cached_property
    def steps_per_epoch(self) -> int:
        """Optimizer steps an epoch; the last one may have fewer batches."""
        return steps_per_epoch(self.images, self.batch_size, self.accumulate)

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.epochs

    def at(self, step: int) -> Progress:
        """The Progress just before a step."""
        return progress_at(step, self.steps_per_epoch, self.total_steps)

    def groups(self, epoch: int) -> list[list[np.ndarray]]:
        """For each step of an epoch its batches: positions (0..images-1) as int64 arrays."""
        order = epoch_order(self.seed, self.first_epoch + epoch, self.images, self.weights)
        batches = cut(order, self.batch_size)
        return [batches[i : i + self.accumulate] for i in range(0, len(batches), self.accumulate)]

    def groups_from(self, step: int) -> Iterator[list[np.ndarray]]:
        """The batches of every step from `step` to the end of the phase."""
        epoch, skip = divmod(step, self.steps_per_epoch)
        while epoch < self.epochs:
            yield from self.groups(epoch)[skip:]
            epoch, skip = epoch + 1, 0


def steps_per_epoch(images: int, batch_size: int, accumulate: int = 1) -> int:
    """Optimizer steps that `images` training images make; the last one may have fewer batches."""
    return -(-batches_per_epoch(images, batch_size) // accumulate)
