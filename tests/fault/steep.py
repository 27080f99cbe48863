"""A policy under which a run diverges in its second epoch, unless its rates are scaled down."""

from dataclasses import dataclass

from clrx.schedule.progress import Progress


@dataclass(frozen=True)
class Steep:
    """`lr`, and 1e30 from the middle of the second epoch on."""

    lr: float

    def __call__(self, progress: Progress) -> float:
        return self.lr if progress.epoch < 1.5 else 1e30
