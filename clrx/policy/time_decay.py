"""Keras's decay, the first training of Chopade et al. 2021."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class TimeDecay:
    """The rate falls with the inverse of the number of optimizer steps.

    lr / (1 + decay * step); decay per optimizer step. Source: the argument `decay` of Keras's optimizers;
    Chopade et al. 2021, Table 4, gives lr and decay for each disease.
    """

    lr: float
    decay: float

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)
        require_number(self.decay, "decay", least=0)

    def __call__(self, progress: Progress) -> float:
        return self.lr / (1.0 + self.decay * progress.step)
