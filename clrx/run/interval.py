"""How often something is done: every N steps, epochs or minutes."""

import time
from dataclasses import dataclass, field

from clrx.config.sections import Every


@dataclass
class Interval:
    """Due once its steps have been taken or its seconds have passed since it was last restarted."""

    steps: int | None
    seconds: float | None
    began: float = field(default_factory=time.monotonic)

    def due(self, step: int) -> bool:
        """Whether to act now, after `step` steps of the phase."""
        if self.steps is not None:
            return step % self.steps == 0
        return self.seconds is not None and time.monotonic() - self.began >= self.seconds

    def restart(self) -> None:
        self.began = time.monotonic()


def interval_of(every: Every, steps_per_epoch: int) -> Interval:
    """The Interval of a number of steps, epochs or minutes."""
    if every.unit == "minute":
        return Interval(None, 60 * every.number)
    return Interval(max(1, round(every.number * (steps_per_epoch if every.unit == "epoch" else 1))), None)
