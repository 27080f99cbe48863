"""A straight line over the whole run."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Linear:
    """lr + (min_lr - lr) * fraction: the falling half of a cycle by itself (Smith 2017, section 4.1.1).

    The rate stays at min_lr past the end of the run.
    """

    lr: float
    min_lr: float

    def __post_init__(self) -> None:
        require_number(self.min_lr, "policy.min_lr", least=0)
        require_number(self.lr, "lr", least=self.min_lr)

    def __call__(self, progress: Progress) -> float:
        fraction = min(progress.fraction, 1.0)
        return (1.0 - fraction) * self.lr + fraction * self.min_lr
