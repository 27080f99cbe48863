"""One rate for the whole run."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Constant:
    """The rate `lr` at every step.

    Source: the "fixed" baseline of Alyafi et al. 2019, Table III, and of Smith, arXiv:1506.01186, Table 1.
    """

    lr: float

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)

    def __call__(self, progress: Progress) -> float:
        return float(self.lr)
