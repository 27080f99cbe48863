"""Cosine annealing with warm restarts."""

import math
from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress, cycle_at, ends_every


@dataclass(frozen=True)
class SGDR:
    """The rate falls from `max_lr` to `base_lr` in half a cosine, and starts again at the top, cycle after cycle.

    base_lr + (max_lr - base_lr) * m_mul ** i * (1 + cos(pi * T_cur / T_i)) / 2 in cycle i = 0, 1, ... The first cycle
    lasts `T_0` epochs, each one `T_mult` times the one before; T_cur and T_i count epochs. m_mul in (0, 1] lowers each
    restart. Source: Loshchilov and Hutter, arXiv:1608.03983, eq. 5; m_mul is that of Keras's CosineDecayRestarts.
    Mishra et al. 2019 (whose eq. 1 is a misprint of this one) take cycles of 1, 2, 4, ... epochs.
    """

    base_lr: float
    max_lr: float
    T_0: float
    T_mult: float
    m_mul: float = 1.0

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.T_0, "policy.T_0", above=0)
        require_number(self.T_mult, "policy.T_mult", least=1)
        require_number(self.m_mul, "policy.m_mul", above=0, most=1)

    def __call__(self, progress: Progress) -> float:
        cycle, passed = self._cycle(progress.epoch)
        share = (1.0 + math.cos(math.pi * passed)) / 2.0
        return self.base_lr + (self.max_lr - self.base_lr) * self.m_mul**cycle * share

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        if self.T_mult == 1:
            return ends_every(self.T_0, epochs)
        ends, end, length = [], 0.0, float(self.T_0)
        while cycle_at(epochs - end, length)[0] >= 1:
            end, length = end + length, length * self.T_mult
            ends.append(end)
        return tuple(ends)

    def _cycle(self, epoch: float) -> tuple[int, float]:
        """i and T_cur / T_i. Cycles are counted one by one: an index by logarithm is wrong at some restarts."""
        if self.T_mult == 1:
            return cycle_at(epoch, self.T_0)
        cycle, start, length = 0, 0.0, float(self.T_0)
        while cycle_at(epoch - start, length)[0] >= 1:
            cycle, start, length = cycle + 1, start + length, length * self.T_mult
        return cycle, cycle_at(epoch - start, length)[1]
