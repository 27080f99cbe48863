"""The rates of a policy at every step of a run, and warnings about what the run leaves undone."""

from collections.abc import Iterator
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from clrx.schedule.progress import Policy, cycle_ends, progress_at, unwrapped, warmup_epochs

NEAR = 0.05  # share of the range within which a rate counts as having reached a bound
HORIZON = 2.0**20  # epochs within which the end of a cycle is looked for


class Trace(NamedTuple):
    """The rate at every optimizer step of a run, each array (epochs * steps_per_epoch,)."""

    step: np.ndarray  # int64, from 0
    epoch: np.ndarray  # step / steps_per_epoch
    lr: np.ndarray  # float64; momentum, where a momentum policy was traced


def trace(policy: Policy, epochs: int, steps_per_epoch: int) -> Trace:
    """The rates that training would use: the policy is asked for every step of a run of `epochs`."""
    total = epochs * steps_per_epoch
    clock = [progress_at(step, steps_per_epoch, total) for step in range(total)]
    lr = np.array([policy(progress) for progress in clock], dtype=np.float64)
    return Trace(np.arange(total), np.array([progress.epoch for progress in clock]), lr)


def policy_warnings(policy: Policy, epochs: int, steps_per_epoch: int) -> tuple[str, ...]:
    """A sentence for each unfinished cycle and unreached bound in a run of `epochs`; none is an error."""
    warmup = warmup_epochs(policy)
    if warmup >= epochs:
        return (f"the warm-up lasts {warmup:g} epochs and the run {epochs}: the policy itself never starts",)
    seen = trace(policy, epochs, steps_per_epoch)
    of_cycles = (_unfinished(policy, epochs), _off_boundary(policy, epochs))
    return (*filter(None, of_cycles), *_unreached(unwrapped(policy), seen.lr[seen.epoch >= warmup]))


def _unfinished(policy: Policy, epochs: int) -> str | None:
    """A cycle that is under way when the run ends, and the numbers of epochs that would finish one."""
    before, after = cycle_ends(policy, epochs), _later_ends(policy, epochs)
    if not after or (before and _is_near(before[-1], epochs)):
        return None
    shorter, longer = [end for end in before if _is_whole(end)], [end for end in after if _is_whole(end)]
    fixes = " or ".join(f"epochs={end:g}" for end in [*shorter[-1:], *longer[:1]])
    what = f"the cycle that ends at epoch {after[0]:g} is unfinished when the run ends at epoch {epochs}"
    return f"{what}; whole cycles: {fixes}" if fixes else what


def _later_ends(policy: Policy, epochs: int) -> list[float]:
    """Ends of cycles after the run: at least the next one, looked for in ever longer runs."""
    longer, later = 2.0 * epochs, list[float]()
    while not later and longer < HORIZON:
        later = [end for end in cycle_ends(policy, longer) if end > epochs and not _is_near(end, epochs)]
        longer *= 2.0
    return later


def _is_near(end: float, epochs: float) -> bool:
    return abs(end - epochs) < 1e-6


def _is_whole(end: float) -> bool:
    return _is_near(end, round(end))


def _off_boundary(policy: Policy, epochs: int) -> str | None:
    """Cycles that end within an epoch: validation and kept weights then miss the end of the cycle."""
    ends = [end for end in cycle_ends(policy, epochs) if not _is_whole(end)]
    if not ends:
        return None
    shown = ", ".join(f"{end:g}" for end in ends[:3]) + (", ..." if len(ends) > 3 else "")
    return f"cycles end within an epoch (at {shown}): validation, at whole epochs, misses the lowest rate"


def _unreached(policy: Policy, lr: np.ndarray) -> Iterator[str]:
    """Bounds of the policy that the rates of the run never come near, and a rate that never moves."""
    low, high = _value(policy, "base_lr", "min_lr"), _value(policy, "max_lr", "lr")
    if high is not None and len(fields(policy)) > 1 and lr.min() == lr.max():  # type: ignore[arg-type]
        yield f"the rate never moves: it is {lr[0]:g} at every step"
    elif low is not None and high is not None:
        slack = NEAR * (high - low)
        if lr.min() > low + slack:
            yield f"the minimum of {low:g} is never reached: the lowest rate is {lr.min():.3g}"
        if lr.max() < high - slack:
            yield f"the maximum of {high:g} is never reached: the highest rate is {lr.max():.3g}"


def _value(policy: Policy, *names: str) -> float | None:
    """The first of these fields that the policy has."""
    return next((getattr(policy, name) for name in names if hasattr(policy, name)), None)
