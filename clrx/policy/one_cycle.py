"""One rise to the maximum, then one fall far below the start."""

import math
from dataclasses import dataclass

from clrx.core.errors import require_number, require_one_of
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class OneCycle:
    """The rate rises from `base_lr` to `max_lr`, and falls to base_lr / final_div_factor at the end of the run.

    The rise takes `pct_start` of the run, in (0, 1). With `three_phase` the fall goes to base_lr in another `pct_start`
    of the run, and then on; pct_start is at most 1/2. The phases are joined by half cosines or lines
    (`anneal_strategy`). The rate stays at its last value past the end of the run. Source: Smith and Topin,
    arXiv:1708.07120 (three phases, lines), with the names of torch's OneCycleLR, whose peak is a step earlier: at step
    pct_start * N - 1 of N.
    """

    base_lr: float
    max_lr: float
    pct_start: float
    final_div_factor: float
    three_phase: bool = False
    anneal_strategy: str = "cos"

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_one_of(self.three_phase, "policy.three_phase", (False, True))
        require_number(self.pct_start, "policy.pct_start", above=0, below=1)
        if self.three_phase:
            require_number(self.pct_start, "policy.pct_start", most=0.5)
        require_number(self.final_div_factor, "policy.final_div_factor", least=1)
        require_one_of(self.anneal_strategy, "policy.anneal_strategy", ("cos", "linear"))

    def __call__(self, progress: Progress) -> float:
        fraction, last = min(progress.fraction, 1.0), self.base_lr / self.final_div_factor
        if fraction < self.pct_start:
            return self._joint(self.base_lr, self.max_lr, fraction / self.pct_start)
        if not self.three_phase:
            return self._joint(self.max_lr, last, (fraction - self.pct_start) / (1.0 - self.pct_start))
        if fraction < 2 * self.pct_start:
            return self._joint(self.max_lr, self.base_lr, (fraction - self.pct_start) / self.pct_start)
        left = 1.0 - 2 * self.pct_start
        return self._joint(self.base_lr, last, (fraction - 2 * self.pct_start) / left if left else 1.0)

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return (float(epochs),)

    def _joint(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return start + (end - start) * share
        return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * share))
