"""The clock that a policy reads, and what can be asked of any policy: where its cycles end, what it wraps."""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable


class Progress(NamedTuple):
    """The position of a phase just before an optimizer step; all three clocks start at 0."""

    step: int  # optimizer steps taken so far
    epoch: float  # step / steps per epoch
    fraction: float  # step / steps in all, in [0, 1)


Policy = Callable[[Progress], float]  # gives the learning rate, or the momentum, of one optimizer step


@runtime_checkable
class Wrapper(Protocol):
    """A policy around another one: a warm-up before it, or a stretch of its clocks."""

    @property
    def inner(self) -> Policy:
        """The policy that is wrapped."""

    @property
    def warmup_epochs(self) -> float:
        """Epochs of the run that are warm-up, those of the inner policy included."""

    def __call__(self, progress: Progress, /) -> float: ...


def unwrapped(policy: Policy) -> Policy:
    """The policy itself, without the warm-up and the stretch around it."""
    while isinstance(policy, Wrapper):
        policy = policy.inner
    return policy


def warmup_epochs(policy: Policy) -> float:
    """Epochs of the run that are warm-up; 0 for a policy without one."""
    return policy.warmup_epochs if isinstance(policy, Wrapper) else 0.0


def cycle_ends(policy: Policy, epochs: float) -> tuple[float, ...]:
    """The epochs at which a cycle of the policy ends within a run of `epochs`; none for a policy without cycles."""
    ends = getattr(policy, "cycle_ends", None)
    return ends(epochs) if ends else ()


def progress_at(step: int, steps_per_epoch: int, total_steps: int) -> Progress:
    """The Progress of one step; `fraction` is held below 1 so that no policy runs past its end."""
    fraction = min(step / total_steps, 1.0 - 1e-12) if total_steps else 0.0
    return Progress(step, step / steps_per_epoch, fraction)


def cycle_at(epoch: float, length: float) -> tuple[int, float]:
    """The cycle of `length` epochs that `epoch` lies in, from 0, and the share of it that has passed, in [0, 1).

    `epoch` is step / steps per epoch and may miss a boundary by a rounding error (3 / 10 < 3 * 0.1): an epoch
    that is nearer to the next cycle than a billionth of its length is in that next cycle.
    """
    count = math.floor(epoch / length + 1e-9)
    return count, max(0.0, epoch / length - count)


def ends_every(length: float, epochs: float) -> tuple[float, ...]:
    """The epochs at which whole cycles of `length` epochs end in a run of `epochs`."""
    return tuple(length * count for count in range(1, cycle_at(epochs, length)[0] + 1))


def triangle_at(
    epoch: float, step_size: float, rise: float = 0.5, from_top: bool = False
) -> tuple[int, float]:
    """The cycle of 2 * step_size epochs that `epoch` lies in, from 0, and the height of its triangle there, in [0, 1].

    The first `rise` of a cycle goes up from 0 to 1, the rest down again; `from_top` skips the first rise.
    """
    length = 2 * step_size
    cycle, passed = cycle_at(epoch + rise * length if from_top else epoch, length)
    if rise == 0.5:
        return cycle, 1 - abs(2 * passed - 1)
    return cycle, passed / rise if passed < rise else (1 - passed) / (1 - rise)


def triangle_ends(
    epochs: float, step_size: float, rise: float = 0.5, from_top: bool = False
) -> tuple[float, ...]:
    """The epochs at which a triangle is back at its base, in a run of `epochs`."""
    length = 2 * step_size
    skipped = rise * length if from_top else 0.0
    return tuple(end - skipped for end in ends_every(length, epochs + skipped))
