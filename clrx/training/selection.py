"""Which epoch was best and whether to stop: pure functions of the recorded epochs, so nothing of it is stored."""

import math
from collections.abc import Sequence

LOWER_IS_BETTER = ("loss", "val_loss", "train_loss")


def column_of(metric: str, task: str) -> str:
    """The column of epochs.csv that a metric name means; `auto` is accuracy (multi-class) or AUROC."""
    if metric == "auto":
        metric = "accuracy" if task == "multiclass" else "auroc"
    return metric if metric.startswith(("val_", "train_")) else f"val_{metric}"


def oriented(column: str, values: Sequence[float | None]) -> list[float]:
    """Values such that larger is better; a missing one is worse than any."""
    sign = -1.0 if column in LOWER_IS_BETTER else 1.0
    return [-math.inf if value is None or math.isnan(value) else sign * value for value in values]


def best_epoch(values: Sequence[float]) -> int:
    """Index of the first largest value."""
    return max(range(len(values)), key=lambda index: (values[index], -index))


def patience_spent(values: Sequence[float], patience: int, min_delta: float) -> bool:
    """True when none of the last `patience` values beat the best before them by more than `min_delta`."""
    if len(values) <= patience:
        return False
    return max(values[-patience:]) <= max(values[:-patience]) + min_delta


def by_cycle(values: Sequence[float], cycle_ends: Sequence[float]) -> list[float]:
    """The best value of each finished cycle, of one value an epoch and the epochs at which cycles end."""
    ends = [math.ceil(end) for end in cycle_ends if math.ceil(end) <= len(values)]
    return [max(values[start:end]) for start, end in zip([0, *ends], ends, strict=False) if end > start]


def should_stop(
    values: Sequence[float], patience: int | None, min_delta: float, cycle_ends: Sequence[float] = ()
) -> bool:
    """Early stopping over a phase's values so far; under a cyclical policy patience counts whole cycles.

    Stopping in the middle of a cycle would measure a policy at its highest rate, so cycles decide only at their end.
    """
    if patience is None:
        return False
    if not cycle_ends:
        return patience_spent(values, patience, min_delta)
    at_an_end = any(math.ceil(end) == len(values) for end in cycle_ends)
    return at_an_end and patience_spent(by_cycle(values, cycle_ends), patience, min_delta)
