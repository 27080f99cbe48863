"""The triangular2 policy: each cycle half as high as the one before."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress, cycle_at, ends_every


@dataclass(frozen=True)
class Triangular2:
    """base_lr + (max_lr - base_lr) * max(0, 1 - x) / 2 ** (cycle - 1): Alyafi et al. 2019, eq. 4.

    `step_size` counts epochs of half a cycle; the distance to base_lr is halved at the end of each cycle.
    """

    base_lr: float
    max_lr: float
    step_size: float

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.step_size, "bounds.step_size", above=0)

    def __call__(self, progress: Progress) -> float:
        cycle, passed = cycle_at(progress.epoch, 2 * self.step_size)
        return self.base_lr + (self.max_lr - self.base_lr) * (1 - abs(2 * passed - 1)) * 0.5**cycle

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return ends_every(2 * self.step_size, epochs)
