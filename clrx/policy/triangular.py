"""The triangular policy: between two bounds in straight lines."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress, cycle_at, ends_every


@dataclass(frozen=True)
class Triangular:
    """base_lr + (max_lr - base_lr) * max(0, 1 - x): Alyafi et al. 2019, eqs. 1-3, after Smith 2017.

    `step_size` counts epochs of half a cycle: the rate is base_lr at 0 and max_lr at step_size.
    """

    base_lr: float
    max_lr: float
    step_size: float

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.step_size, "bounds.step_size", above=0)

    def __call__(self, progress: Progress) -> float:
        _, passed = cycle_at(progress.epoch, 2 * self.step_size)
        return self.base_lr + (self.max_lr - self.base_lr) * (1 - abs(2 * passed - 1))

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return ends_every(2 * self.step_size, epochs)
