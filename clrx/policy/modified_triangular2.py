"""Chopade's policy: triangular2 that starts again at the original maximum."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress, triangle_at, triangle_ends


@dataclass(frozen=True)
class ModifiedTriangular2:
    """The rate moves in triangles, each half as high as the one before, and starts again from `max_lr` after `cycles`.

    base_lr + (max_lr - base_lr) * max(0, 1 - x) / 2 ** (cycle mod cycles), cycle from 0; step_size, in epochs, is half
    a cycle. Source: Chopade et al. 2021, section A5, with 3 cycles: for Pneumothorax (0.0075 to 0.03) the peaks are
    0.03, 0.01875, 0.013125, 0.03, ...
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
        cycle, height = triangle_at(progress.epoch, self.step_size)
        return self.base_lr + (self.max_lr - self.base_lr) * 0.5 ** (cycle % self.cycles) * height

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return triangle_ends(epochs, self.step_size)
