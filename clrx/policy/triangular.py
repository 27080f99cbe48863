"""The triangular policy: between two bounds in straight lines."""

from dataclasses import dataclass

from clrx.core.errors import require_number, require_one_of
from clrx.schedule.progress import Progress, triangle_at, triangle_ends


@dataclass(frozen=True)
class Triangular:
    """The rate moves between `base_lr` and `max_lr` in straight lines, up and down again in 2 * step_size epochs.

    base_lr + (max_lr - base_lr) * max(0, 1 - x), x = |epoch / step_size - 2 * cycle + 1|; step_size in epochs.
    `rise` is the share of a cycle that the rate rises (0: it falls only and jumps up), in [0, 1); `from_top` starts
    at max_lr. Source: Smith, arXiv:1506.01186, section 3.1; Alyafi et al. 2019, eqs. 1-3; halves of unequal length as
    torch's CyclicLR (step_size_down); from the top as Garipov et al., arXiv:1802.10026 (fast geometric ensembling).
    """

    base_lr: float
    max_lr: float
    step_size: float
    rise: float = 0.5
    from_top: bool = False

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.step_size, "bounds.step_size", above=0)
        require_number(self.rise, "policy.rise", least=0, below=1)
        require_one_of(self.from_top, "policy.from_top", (False, True))

    def __call__(self, progress: Progress) -> float:
        _, height = triangle_at(progress.epoch, self.step_size, self.rise, self.from_top)
        return self.base_lr + (self.max_lr - self.base_lr) * height

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return triangle_ends(epochs, self.step_size, self.rise, self.from_top)
