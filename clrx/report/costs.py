"""Wall time by phase (Mishra 2019, Tables 1-3) and published numbers beside ours."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from clrx.metrics.statistics import Summary, summarise
from clrx.report.comparison import Comparison
from clrx.report.formatting import NOTHING, count, duration, metric_name, number, signed, span
from clrx.report.grouping import Group
from clrx.report.published import LESS_IS_BETTER, TIMES, Published, ours, published_of, verdict
from clrx.report.tables import Table
from clrx.run.read import Record


def phases_of(run: Record) -> list[dict[str, Any]]:
    """Name, epochs and seconds of each phase: from metrics.json, or of an unfinished run from its epochs."""
    if finished := run.metrics.get("phases"):
        return list(finished)
    epochs = run.epochs
    if epochs.empty or "phase" not in epochs:
        return []
    parts = epochs.groupby("phase", sort=False)["seconds"]
    return [{"name": str(name), "epochs": len(part), "seconds": float(part.sum())} for name, part in parts]


def phase_table(comparison: Comparison) -> Table | None:
    """Mean wall time of each phase, and how many times as long the baseline took; None without any."""
    names = list(dict.fromkeys(phase["name"] for run in comparison.complete for phase in phases_of(run)))
    if not names:
        return None
    base = _total(comparison.baseline)
    shown = names if len(names) > 1 else []
    rows = [
        (group.label, *(_phase(group, name) for name in shown), _epochs(group), *_totals(group, base))
        for group in comparison.groups
    ]
    speed_up = f"speed-up over {comparison.baseline.label}"
    header = ("configuration", *shown, "epochs", "time per epoch", "total", speed_up)
    note = "Means over the complete runs, ± standard deviation: training and validation of each phase."
    return Table("Mean wall time of a run", header, tuple(rows), note)


def _phase(group: Group, name: str) -> str:
    found = [phase for run in group.complete.values() for phase in phases_of(run) if phase["name"] == name]
    if not found:
        return NOTHING
    seconds, epochs = (float(np.mean([phase[key] for phase in found])) for key in ("seconds", "epochs"))
    return f"{duration(seconds)} ({count(epochs)} ep.)" if epochs else duration(seconds)


def _sum(run: Record, key: str) -> float:
    return sum(float(phase.get(key) or 0) for phase in phases_of(run))


def _total(group: Group, key: str = "seconds") -> float | None:
    found = [_sum(run, key) for run in group.complete.values()]
    return float(np.mean(found)) if found else None


def _epochs(group: Group) -> str:
    return count(_total(group, "epochs"))


def _totals(group: Group, base: float | None) -> tuple[str, str, str]:
    total, epochs = _total(group), _total(group, "epochs")
    factor = f"{base / total:.2f}×" if base and total else NOTHING
    std = summarise(_sum(run, "seconds") for run in group.complete.values()).std
    spread = f" ± {duration(std)}" if std is not None else ""
    return duration(total / epochs if total and epochs else None), f"{duration(total)}{spread}", factor


def published_table(comparison: Comparison) -> Table | None:
    """Published numbers, ours, their difference and a verdict; None where no experiment has published numbers."""
    found = [(group, entry) for group in comparison.groups for entry in published_of(group)]
    if not found:
        return None
    header = ("configuration", "source", "what", "paper", "ours", "our 95% interval", "difference", "verdict")
    rows = tuple(_published_cells(comparison, group, entry) for group, entry in found)
    note = "Difference: ours minus the paper's. Interval: over seeds; of a single run, over the test images."
    note += " What needs a threshold has the one chosen on validation where nothing else is said."
    return Table("The paper's numbers and ours", header, rows, note)


def _published_cells(comparison: Comparison, group: Group, entry: Published) -> tuple[str, ...]:
    runs = list(group.complete.values())
    mine = summarise(ours(entry, run, comparison.curve) for run in runs)
    low, high = _interval(entry, runs, mine)
    said = verdict(entry, runs, mine.mean, low, high)
    gap = None if mine.mean is None else mine.mean - entry.value
    digits = 1 if entry.metric in LESS_IS_BETTER[:4] else 4
    shown = duration if entry.metric in TIMES else (lambda value: number(value, digits))
    theirs, own = (f" ± {number(std, digits)}" if std is not None else "" for std in (entry.std, mine.std))
    values = (f"{shown(entry.value)}{theirs}", f"{shown(mine.mean)}{own}", span(low, high, digits))
    return group.label, entry.source, _quantity(entry), *values, signed(gap, digits), said


def _interval(entry: Published, runs: Sequence[Record], mine: Summary) -> tuple[float | None, float | None]:
    if mine.low is None and len(runs) == 1:
        own = runs[0].test_entry(entry.metric)
        return own.get("low"), own.get("high")
    return mine.low, mine.high


def _quantity(entry: Published) -> str:
    if entry.metric == "epochs_to_target":
        return f"epochs to {entry.target}"
    return metric_name(entry.metric)
