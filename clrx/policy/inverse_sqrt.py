"""A rate that falls with the square root of the steps, as for transformers."""

import math
from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class InverseSqrt:
    """The rate falls with the inverse square root of the number of optimizer steps.

    lr / sqrt(1 + step / timescale); timescale in optimizer steps. Source: Vaswani et al., arXiv:1706.03762, eq. 3,
    is this behind a warm-up from 0 of `timescale` steps; with another timescale Zhai et al., arXiv:2106.04560.
    """

    lr: float
    timescale: float

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)
        require_number(self.timescale, "policy.timescale", above=0)

    def __call__(self, progress: Progress) -> float:
        return self.lr / math.sqrt(1.0 + progress.step / self.timescale)
