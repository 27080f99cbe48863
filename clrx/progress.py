"""The clock that every policy reads (DESIGN: a policy is a value, called with a Progress)."""

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
