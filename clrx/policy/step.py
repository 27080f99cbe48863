"""A rate that drops by a factor at equal distances."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress, cycle_at


@dataclass(frozen=True)
class StepDecay:
    """The rate drops by the factor `gamma` every `drop_every` epochs.

    lr * gamma ** floor(epoch / drop_every); gamma in (0, 1]. Source: torch's StepLR, stepped once an epoch.
    """

    lr: float
    gamma: float
    drop_every: float

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)
        require_number(self.gamma, "policy.gamma", above=0, most=1)
        require_number(self.drop_every, "policy.drop_every", above=0)

    def __call__(self, progress: Progress) -> float:
        drops, _ = cycle_at(progress.epoch, self.drop_every)
        return self.lr * self.gamma**drops
