"""A straight line over the whole run."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Linear:
    """The rate falls in a straight line from `lr` to `min_lr` over the run, and stays there past its end.

    lr + (min_lr - lr) * fraction. Source: the falling half of a cycle by itself, Smith, arXiv:1506.01186,
    section 4.1.1.
    """

    lr: float
    min_lr: float

    def __post_init__(self) -> None:
        require_number(self.min_lr, "policy.min_lr", least=0)
        require_number(self.lr, "lr", least=self.min_lr)

    def __call__(self, progress: Progress) -> float:
        fraction = min(progress.fraction, 1.0)
        return (1.0 - fraction) * self.lr + fraction * self.min_lr
