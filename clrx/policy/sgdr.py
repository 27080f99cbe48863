"""Cosine annealing with warm restarts."""

import math
from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress, cycle_at, ends_every


@dataclass(frozen=True)
class SGDR:
    """base_lr + (max_lr - base_lr) * (1 + cos(pi * T_cur / T_i)) / 2: arXiv:1608.03983, eq. 5.

    The first cycle lasts `T_0` epochs, each one `T_mult` times the one before; T_cur and T_i count epochs.
    Mishra et al. 2019 (whose eq. 1 is a misprint of this one) take 1 and 2: cycles of 1, 2, 4, ... epochs.
    """

    base_lr: float
    max_lr: float
    T_0: float
    T_mult: float

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.T_0, "policy.T_0", above=0)
        require_number(self.T_mult, "policy.T_mult", least=1)

    def __call__(self, progress: Progress) -> float:
        share = (1.0 + math.cos(math.pi * self._passed(progress.epoch))) / 2.0
        return self.base_lr + (self.max_lr - self.base_lr) * share

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        if self.T_mult == 1:
            return ends_every(self.T_0, epochs)
        ends, end, length = [], 0.0, float(self.T_0)
        while cycle_at(epochs - end, length)[0] >= 1:
            end, length = end + length, length * self.T_mult
            ends.append(end)
        return tuple(ends)

    def _passed(self, epoch: float) -> float:
        """T_cur / T_i. Cycles are counted one by one: an index by logarithm is wrong at some restarts."""
        if self.T_mult == 1:
            return cycle_at(epoch, self.T_0)[1]
        start, length = 0.0, float(self.T_0)
        while cycle_at(epoch - start, length)[0] >= 1:
            start, length = start + length, length * self.T_mult
        return cycle_at(epoch - start, length)[1]
