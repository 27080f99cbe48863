"""A rate that is constant first and then follows a power law of the steps."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Power:
    """The rate is `lr` for `timescale` optimizer steps and then falls with a power of the number of steps.

    lr * min(1, (step / timescale) ** -power). Source: Raffel et al., arXiv:1910.10683, section 3.1.2, with power 0.5:
    1 / sqrt(max(n, k)); the power scheduler of Shen et al., arXiv:2408.13359, min(lr, beta * a * n ** b), before its
    last decay: power is -b, and timescale the step at which the two meet.
    """

    lr: float
    timescale: float
    power: float

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)
        require_number(self.timescale, "policy.timescale", above=0)
        require_number(self.power, "policy.power", least=0)

    def __call__(self, progress: Progress) -> float:
        return self.lr * max(1.0, progress.step / self.timescale) ** -self.power
