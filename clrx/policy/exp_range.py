"""The exp_range policy: triangles under an exponential envelope."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress, cycle_at, ends_every


@dataclass(frozen=True)
class ExpRange:
    """base_lr + (max_lr - base_lr) * max(0, 1 - x) * gamma ** step: Alyafi et al. 2019, eq. 5.

    `step_size` counts epochs of half a cycle; `gamma` is the factor of one optimizer step, in (0, 1].
    """

    base_lr: float
    max_lr: float
    step_size: float
    gamma: float

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.step_size, "bounds.step_size", above=0)
        require_number(self.gamma, "policy.gamma", above=0, most=1)

    def __call__(self, progress: Progress) -> float:
        _, passed = cycle_at(progress.epoch, 2 * self.step_size)
        height = (self.max_lr - self.base_lr) * self.gamma**progress.step
        return self.base_lr + height * (1 - abs(2 * passed - 1))

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return ends_every(2 * self.step_size, epochs)
