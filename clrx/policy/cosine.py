"""Half a cosine over the whole run."""

import math
from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Cosine:
    """The rate falls from `lr` to `min_lr` over the run in half a cosine, and stays there past its end.

    min_lr + (lr - min_lr) * (1 + cos(pi * fraction)) / 2. Source: Loshchilov and Hutter, arXiv:1608.03983, eq. 5
    with a single cycle; torch's CosineAnnealingLR.
    """

    lr: float
    min_lr: float

    def __post_init__(self) -> None:
        require_number(self.min_lr, "policy.min_lr", least=0)
        require_number(self.lr, "lr", least=self.min_lr)

    def __call__(self, progress: Progress) -> float:
        fraction = min(progress.fraction, 1.0)
        return self.min_lr + (self.lr - self.min_lr) * (1.0 + math.cos(math.pi * fraction)) / 2.0
