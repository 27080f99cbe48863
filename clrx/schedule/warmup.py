"""A linear warm-up before any policy."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Policy, Progress, cycle_ends, warmup_epochs


@dataclass(frozen=True)
class Warmup:
    """A line from start_factor to 1 times the first value of `inner` over `epochs`, then `inner` itself.

    The clocks of `inner` start when the warm-up ends: cycles keep their length, cosine and one_cycle fill the
    rest of the run. torch's SequentialLR of LinearLR and the policy does the same. 0 epochs: no warm-up.
    """

    inner: Policy
    epochs: float
    start_factor: float

    def __post_init__(self) -> None:
        require_number(self.epochs, "warmup.epochs", least=0)
        require_number(self.start_factor, "warmup.start_factor", least=0, most=1)

    def __call__(self, progress: Progress) -> float:
        if self.epochs == 0:
            return self.inner(progress)
        if progress.epoch < self.epochs:
            grown = self.start_factor + (1.0 - self.start_factor) * progress.epoch / self.epochs
            return grown * self.inner(Progress(0, 0.0, 0.0))
        epoch = progress.epoch - self.epochs
        rest = progress.epoch / progress.fraction - self.epochs  # epochs; the three clocks are proportional
        step = round(progress.step * epoch / progress.epoch)
        return self.inner(Progress(step, epoch, min(epoch / rest, 1.0)))

    @property
    def warmup_epochs(self) -> float:
        return self.epochs + warmup_epochs(self.inner)

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        if epochs <= self.epochs:
            return ()
        return tuple(self.epochs + end for end in cycle_ends(self.inner, epochs - self.epochs))


def behind_warmup(policy: Policy, epochs: float, start_factor: float) -> Policy:
    """The policy behind a warm-up of `epochs`; the policy as it is for 0 epochs. UserError for values out of range."""
    warmed = Warmup(policy, epochs, start_factor)
    return warmed if warmed.epochs > 0 else policy
