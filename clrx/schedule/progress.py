"""The clock that every policy reads (DESIGN: a policy is a value, called with a Progress)."""

import math
from collections.abc import Callable
from typing import NamedTuple


class Progress(NamedTuple):
    """Where a phase stands just before an optimizer step; all three clocks start at 0."""

    step: int  # optimizer steps taken so far
    epoch: float  # step / steps per epoch
    fraction: float  # step / steps in all, in [0, 1)


Policy = Callable[[Progress], float]


def progress_at(step: int, steps_per_epoch: int, total_steps: int) -> Progress:
    """The Progress of one step; `fraction` is held below 1 so that no policy runs past its end."""
    fraction = min(step / total_steps, 1.0 - 1e-12) if total_steps else 0.0
    return Progress(step, step / steps_per_epoch, fraction)


def cycle_at(epoch: float, length: float) -> tuple[int, float]:
    """The cycle of `length` epochs that `epoch` lies in, from 0, and how much of it has passed, in [0, 1).

    `epoch` is step / steps per epoch and may miss a boundary by a rounding error (3 / 10 < 3 * 0.1): an epoch
    that is nearer to the next cycle than a billionth of its length is in that next cycle.
    """
    count = math.floor(epoch / length + 1e-9)
    return count, max(0.0, epoch / length - count)


def ends_every(length: float, epochs: float) -> tuple[float, ...]:
    """The epochs at which whole cycles of `length` epochs end in a run of `epochs`."""
    return tuple(length * count for count in range(1, cycle_at(epochs, length)[0] + 1))
