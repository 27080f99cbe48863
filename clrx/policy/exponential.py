"""A rate that shrinks by one factor an epoch."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Exponential:
    """The rate shrinks by the factor `gamma` an epoch, smoothly within the epoch.

    lr * gamma ** epoch; gamma in (0, 1]. Source: at whole epochs torch's ExponentialLR.
    """

    lr: float
    gamma: float

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)
        require_number(self.gamma, "policy.gamma", above=0, most=1)

    def __call__(self, progress: Progress) -> float:
        return self.lr * self.gamma**progress.epoch
