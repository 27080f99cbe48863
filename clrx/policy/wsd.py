"""Warm-up, stable, decay: a constant rate between a short rise and a short fall."""

import math
from dataclasses import dataclass

from clrx.core.errors import require_number, require_one_of
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class WSD:
    """The rate rises in a line from `min_lr` to `lr`, stays there, and falls to `min_lr` at the end of the run.

    The rise takes `warmup_fraction` of the run, the fall `decay_fraction`. With x the share of the fall that has passed
    the rate is min_lr + (lr - min_lr) * f(x), f(x) = 1 - x (linear), 1 - sqrt(x) (sqrt), (1 + cos(pi x)) / 2 (cosine).
    Source: Hu et al., arXiv:2404.06395, section 4; Haegele et al., arXiv:2405.18392, section 3, for linear and sqrt,
    their choice; get_wsd_schedule of transformers, where sqrt is called 1-sqrt.
    """

    lr: float
    min_lr: float
    warmup_fraction: float
    decay_fraction: float
    decay_type: str

    def __post_init__(self) -> None:
        require_number(self.min_lr, "policy.min_lr", least=0)
        require_number(self.lr, "lr", least=self.min_lr)
        require_number(self.warmup_fraction, "policy.warmup_fraction", least=0, below=1)
        require_number(self.decay_fraction, "policy.decay_fraction", least=0, most=1 - self.warmup_fraction)
        require_one_of(self.decay_type, "policy.decay_type", ("linear", "sqrt", "cosine"))

    def __call__(self, progress: Progress) -> float:
        height, left = 1.0, max(0.0, 1.0 - progress.fraction)
        if progress.fraction < self.warmup_fraction:
            height = progress.fraction / self.warmup_fraction
        elif left < self.decay_fraction:
            height = self._fallen(1.0 - left / self.decay_fraction)
        return self.min_lr + (self.lr - self.min_lr) * height

    def _fallen(self, passed: float) -> float:
        """1 -> 0 over the share of the fall that has passed."""
        if self.decay_type == "cosine":
            return (1.0 + math.cos(math.pi * passed)) / 2.0
        return 1.0 - (math.sqrt(passed) if self.decay_type == "sqrt" else passed)
