"""A rate that falls slowly first and fast at the end: a reflected exponential."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Rex:
    """The rate falls from `lr` to `min_lr` over the run, slowly first and fast at the end.

    min_lr + (lr - min_lr) * left / (1/2 + left / 2) with left = 1 - fraction; it stays at min_lr past the end.
    Source: Chen, Wolfe and Kyrillidis, arXiv:2107.04197, the REX profile, with min_lr 0.
    """

    lr: float
    min_lr: float

    def __post_init__(self) -> None:
        require_number(self.min_lr, "policy.min_lr", least=0)
        require_number(self.lr, "lr", least=self.min_lr)

    def __call__(self, progress: Progress) -> float:
        left = max(0.0, 1.0 - progress.fraction)
        return self.min_lr + (self.lr - self.min_lr) * left / (0.5 + 0.5 * left)
