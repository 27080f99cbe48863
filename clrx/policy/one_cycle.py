"""One rise to the maximum, then one fall far below the start."""

import math
from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class OneCycle:
    """From base_lr to max_lr over the first `pct_start` of the run, then down to base_lr / final_div_factor.

    Smith and Topin, arXiv:1708.07120, joined by half cosines and with the names of torch's OneCycleLR.
    `pct_start` is a share of the run, in (0, 1). The rate stays at its last value past the end of the run.
    """

    base_lr: float
    max_lr: float
    pct_start: float
    final_div_factor: float

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.pct_start, "policy.pct_start", above=0, below=1)
        require_number(self.final_div_factor, "policy.final_div_factor", least=1)

    def __call__(self, progress: Progress) -> float:
        fraction = min(progress.fraction, 1.0)
        if fraction < self.pct_start:
            return _joint(self.base_lr, self.max_lr, fraction / self.pct_start)
        fallen = (fraction - self.pct_start) / (1.0 - self.pct_start)
        return _joint(self.max_lr, self.base_lr / self.final_div_factor, fallen)

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return (float(epochs),)


def _joint(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * share))
