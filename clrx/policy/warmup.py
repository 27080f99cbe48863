"""A linear warm-up before another policy."""

from dataclasses import dataclass

from clrx.core.errors import require_number
from clrx.schedule.progress import Policy, Progress


@dataclass(frozen=True)
class Warmup:
    """From start_factor to 1 times the first value of `policy` in a line over `epochs`; then `policy`.

    The policy's clocks start when the warm-up ends: cycles keep their length, cosine and one_cycle fill the
    rest of the run. So it is in torch's SequentialLR of LinearLR and the policy. 0 epochs: no warm-up.
    """

    policy: Policy
    epochs: float
    start_factor: float

    def __post_init__(self) -> None:
        require_number(self.epochs, "warmup.epochs", least=0)
        require_number(self.start_factor, "warmup.start_factor", least=0, most=1)

    def __call__(self, progress: Progress) -> float:
        if self.epochs == 0:
            return self.policy(progress)
        if progress.epoch < self.epochs:
            grown = self.start_factor + (1.0 - self.start_factor) * progress.epoch / self.epochs
            return grown * self.policy(Progress(0, 0.0, 0.0))
        return self.policy(self._after(progress))

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        ends = getattr(self.policy, "cycle_ends", None)
        if ends is None or epochs <= self.epochs:
            return ()
        return tuple(self.epochs + end for end in ends(epochs - self.epochs))

    def _after(self, progress: Progress) -> Progress:
        """The policy's own clocks; the three clocks are proportional to each other."""
        epoch = progress.epoch - self.epochs
        run = progress.epoch / progress.fraction - self.epochs  # epochs that the warm-up leaves
        return Progress(round(progress.step * epoch / progress.epoch), epoch, min(epoch / run, 1.0))
