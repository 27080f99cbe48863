"""A rehearsal: `scale` shrinks what is counted in epochs and the images together; policies keep their shape."""

from dataclasses import dataclass
from typing import Any

from clrx.schedule.build import cycle_ends
from clrx.schedule.progress import Policy, Progress


@dataclass(frozen=True)
class Stretched:
    """`policy` on the clocks of the whole run: its cycles, decays and warm-up take the same part of a shorter one.

    `epochs` and `steps` are the shares that the shorter run has of the whole one's, in (0, 1].
    """

    policy: Policy
    epochs: float
    steps: float

    def __call__(self, progress: Progress) -> float:
        step, epoch = round(progress.step / self.steps), progress.epoch / self.epochs
        return self.policy(Progress(step, epoch, progress.fraction))

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return tuple(round(self.epochs * end, 9) for end in cycle_ends(self.policy, epochs / self.epochs))


def scaled_epochs(epochs: int, scale: float) -> int:
    """A whole number of epochs, at least 1."""
    return max(1, round(scale * epochs))


def stretched(policy: Policy, epochs: int, scale: float) -> Policy:
    """The policy of a phase of `epochs`, for its scaled length; as it is at scale 1."""
    if scale == 1:
        return policy
    share = scaled_epochs(epochs, scale) / epochs
    return Stretched(policy, share, share * scale)


def scaled_mark(scale: Any) -> str:
    """What stands before every number of a scaled run; empty for a whole one."""
    return f"SCALED DOWN (scale={scale:g})" if scale not in (None, 1) else ""
