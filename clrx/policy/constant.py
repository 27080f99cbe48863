"""One rate for the whole run."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Constant:
    """`lr` at every step: the papers' "fixed" baseline (Alyafi et al. 2019, Table III)."""

    lr: float

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)

    def __call__(self, progress: Progress) -> float:
        return float(self.lr)
