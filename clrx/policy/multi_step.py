"""A rate that drops by a factor at given epochs."""

from collections.abc import Sequence
from dataclasses import dataclass

from clrx.core.errors import UserError, require_number
from clrx.schedule.progress import Progress, cycle_at


@dataclass(frozen=True)
class MultiStep:
    """The rate drops by the factor `gamma` at each of the epochs in `milestones`.

    lr * gamma ** (number of milestones <= epoch); gamma in (0, 1], milestones in epochs, rising. Source: torch's
    MultiStepLR, stepped once an epoch; He et al., arXiv:1512.03385, section 4.2: at half and at three quarters.
    """

    lr: float
    gamma: float
    milestones: Sequence[float]

    def __post_init__(self) -> None:
        require_number(self.lr, "lr", least=0)
        require_number(self.gamma, "policy.gamma", above=0, most=1)
        if not isinstance(self.milestones, Sequence) or isinstance(self.milestones, str):
            allowed = "a list of epochs: [30,60,80]"
            raise UserError(
                f"policy.milestones is {self.milestones!r}", where="policy.milestones", allowed=allowed
            )
        for before, epoch in zip((0, *self.milestones), self.milestones, strict=False):
            require_number(epoch, "policy.milestones", above=0)
            require_number(epoch, "policy.milestones", above=before)
        object.__setattr__(self, "milestones", tuple(self.milestones))

    def __call__(self, progress: Progress) -> float:
        passed = sum(cycle_at(progress.epoch, milestone)[0] >= 1 for milestone in self.milestones)
        return self.lr * self.gamma**passed
