"""A scaled run, a rehearsal: `scale` shrinks epochs and images together, and policies keep their shape."""

from dataclasses import dataclass
from typing import Any

from clrx.schedule.progress import Policy, Progress, cycle_ends, warmup_epochs


@dataclass(frozen=True)
class Stretched:
    """`inner` on the clocks of the whole run: its cycles, decays and warm-up take the same part of a shorter one.

    The shares, in (0, 1], are those of the whole run's epochs and steps that the shorter run has.
    """

    inner: Policy
    epoch_share: float
    step_share: float

    def __call__(self, progress: Progress) -> float:
        step, epoch = round(progress.step / self.step_share), progress.epoch / self.epoch_share
        return self.inner(Progress(step, epoch, progress.fraction))

    @property
    def warmup_epochs(self) -> float:
        return self.epoch_share * warmup_epochs(self.inner)

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        ends = cycle_ends(self.inner, epochs / self.epoch_share)
        return tuple(round(self.epoch_share * end, 9) for end in ends)


def scaled_epochs(epochs: int, scale: float) -> int:
    """The epochs of the scaled run: a whole number, at least 1."""
    return max(1, round(scale * epochs))


def stretched(policy: Policy, epochs: int, scale: float) -> Policy:
    """The policy of a phase of `epochs` for its scaled length; the policy as it is at scale 1."""
    if scale == 1:
        return policy
    share = scaled_epochs(epochs, scale) / epochs
    return Stretched(policy, share, share * scale)


def scaled_mark(scale: Any) -> str:
    """The words before every number of a scaled run; empty for a whole one."""
    return f"SCALED DOWN (scale={scale:g})" if scale not in (None, 1) else ""
