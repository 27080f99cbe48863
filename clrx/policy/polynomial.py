"""A power of what is left of the run."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Polynomial:
    """The rate falls from `lr` to `min_lr` over the run with a power of the share that is left.

    min_lr + (lr - min_lr) * (1 - fraction) ** power; it stays at min_lr past the end of the run. Source: torch's
    PolynomialLR (min_lr 0) and Keras's PolynomialDecay; power 0.9 is "poly" of Chen et al., arXiv:1606.00915.
    """

    lr: float
    min_lr: float
    power: float

    def __post_init__(self) -> None:
        require_number(self.min_lr, "policy.min_lr", least=0)
        require_number(self.lr, "lr", least=self.min_lr)
        require_number(self.power, "policy.power", above=0)

    def __call__(self, progress: Progress) -> float:
        left = max(0.0, 1.0 - progress.fraction)
        return self.min_lr + (self.lr - self.min_lr) * left**self.power
