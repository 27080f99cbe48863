"""How often something is done: every N steps, epochs or minutes."""

import re
import time
from dataclasses import dataclass, field

from clrx.core.errors import UserError


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


def parse_interval(text: str, steps_per_epoch: int) -> Interval:
    """An Interval from `N step(s)`, `N epoch(s)` or `N minute(s)`; UserError for anything else."""
    match = re.fullmatch(r"\s*([0-9]{0,9}\.?[0-9]{1,9})\s*(step|epoch|minute)s?\s*", str(text))
    number, unit = (float(match[1]), match[2]) if match else (0.0, "")
    if number <= 0 or (unit == "step" and not number.is_integer()):
        allowed = "'N steps' (N whole), 'N epochs' or 'N minutes' with N > 0"
        raise UserError(f"checkpoint.every={text} is no interval", where="checkpoint.every", allowed=allowed)
    if unit == "minute":
        return Interval(None, 60 * number)
    return Interval(max(1, round(number * (steps_per_epoch if unit == "epoch" else 1))), None)
