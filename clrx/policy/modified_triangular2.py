"""Chopade's policy: triangular2 that starts again at the original maximum."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress, cycle_at, ends_every


@dataclass(frozen=True)
class ModifiedTriangular2:
    """triangular2 for `cycles` cycles, then again from max_lr: Chopade et al. 2021, section A5 (3 cycles).

    For Pneumothorax (0.0075 to 0.03) the peaks are 0.03, 0.01875, 0.013125, 0.03, ...
    `step_size` counts epochs of half a cycle.
    """

    base_lr: float
    max_lr: float
    step_size: float
    cycles: int

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.step_size, "bounds.step_size", above=0)
        require_number(self.cycles, "policy.cycles", least=1, whole=True)

    def __call__(self, progress: Progress) -> float:
        cycle, passed = cycle_at(progress.epoch, 2 * self.step_size)
        height = (self.max_lr - self.base_lr) * 0.5 ** (cycle % self.cycles)
        return self.base_lr + height * (1 - abs(2 * passed - 1))

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return ends_every(2 * self.step_size, epochs)
