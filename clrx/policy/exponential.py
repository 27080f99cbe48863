"""A rate that shrinks by one factor an epoch."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Exponential:
    """lr * gamma ** epoch, smooth within the epoch; at whole epochs it is torch's ExponentialLR.

    `gamma` is the factor of one epoch, in (0, 1].
    """

    lr: float
    gamma: float

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)
        require_number(self.gamma, "policy.gamma", above=0, most=1)

    def __call__(self, progress: Progress) -> float:
        return self.lr * self.gamma**progress.epoch
