"""Momentum that moves against the rate."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Policy, Progress


@dataclass(frozen=True)
class InverseMomentum:
    """Momentum is lowest where the rate is highest: it moves between two bounds against `shape`.

    max_momentum - (max_momentum - base_momentum) * shape(progress). `shape` is any policy between 0 and 1 with the
    clock of the rate. Source: Smith, arXiv:1803.09820, section 4.3.
    """

    base_momentum: float
    max_momentum: float
    shape: Policy

    def __post_init__(self) -> None:
        require_number(self.base_momentum, "momentum_policy.base_momentum", least=0, below=1)
        require_number(self.max_momentum, "momentum_policy.max_momentum", least=self.base_momentum, below=1)

    def __call__(self, progress: Progress) -> float:
        return self.max_momentum - (self.max_momentum - self.base_momentum) * self.shape(progress)
