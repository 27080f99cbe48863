"""Epochs, steps and seconds until a run's validation curve first reaches a target, and speed-up factors."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from statistics import median

import numpy as np

from clrx.metrics.statistics import Reached, time_to_target
from clrx.report.comparison import Comparison, has_values
from clrx.report.formatting import NOTHING, count, duration, listed, metric_name, number, plural
from clrx.report.grouping import Group, Repetition, repetition_name, repetition_of
from clrx.report.tables import Table
from clrx.run.read import Record
from clrx.training.selection import LOWER_IS_BETTER

ROUNDING = 1e-9  # or a mean of equal values could lie above them all
CLOCKS: dict[str, Callable[[float | None], str]] = {"epochs": count, "steps": count, "seconds": duration}


@dataclass(frozen=True)
class Timing:
    """When every complete run reached the target: None where it never did."""

    column: str
    target: float
    given: bool  # False: it is the baseline's final value
    reached: dict[str, dict[Repetition, Reached | None]]  # group label -> repetition -> when

    def of(self, group: Group, run: Record) -> Reached | None:
        """When a run reached the target; None where it did not, and for a run that does not count."""
        repetition = repetition_of(run)
        counts = group.complete.get(repetition) is run
        return self.reached[group.label].get(repetition) if counts else None

    def medians(self, label: str, clock: str) -> float | None:
        """Median over runs of `epochs`, `steps` or `seconds`; a run that never reached counts as infinite.

        None where there is no run, or the clock was not recorded.
        """
        found = [inf if each is None else getattr(each, clock) for each in self.reached[label].values()]
        return None if not found or None in found else float(median(found))


def timing_of(comparison: Comparison) -> Timing | None:
    """When the runs reached the target: the one given, else the baseline's final value.

    None where no complete run has the curve, and for a single configuration without a given target.
    """
    column, target = comparison.curve, comparison.target
    if target is None and len(comparison.groups) > 1:
        target = _final(comparison.baseline, column)
    if target is None or not any(has_values(run, column) for run in comparison.complete):
        return None
    reached = {
        group.label: {key: _when(run, column, target) for key, run in group.complete.items()}
        for group in comparison.groups
    }
    return Timing(column, target, comparison.target is not None, reached)


def _final(baseline: Group, column: str) -> float | None:
    """Mean over seeds of the curve's last value."""
    runs = [run for run in baseline.complete.values() if has_values(run, column)]
    values = [run.epochs[column].dropna().iloc[-1] for run in runs]
    return float(np.mean(values)) - ROUNDING if values else None


def _when(run: Record, column: str, target: float) -> Reached | None:
    if not has_values(run, column):
        return None
    return time_to_target(run.epochs, column, target, falling=column in LOWER_IS_BETTER, steps=run.steps)


def timing_table(comparison: Comparison, timing: Timing) -> Table:
    """How many runs reached the target, medians of when, and how many times longer the baseline took."""
    base = comparison.baseline.label
    rows = [_cells(timing, group.label, base) for group in comparison.groups]
    header = ("configuration", "reached it", "epochs", "steps", "time", "speed-up in epochs", "in time")
    where = "as asked" if timing.given else f"the last epoch's mean of {base}"
    note = "Medians over seeds, in which a run that never reaches the target counts as later than any other."
    note += f" Speed-up: the median of {base} over this one. Time: of training and validation until then."
    return Table(
        f"To reach {metric_name(timing.column)} of {number(timing.target)} ({where})",
        header,
        tuple(rows),
        note,
    )


def _cells(timing: Timing, label: str, base: str) -> tuple[str, ...]:
    found = timing.reached[label]
    hits = sum(each is not None for each in found.values())
    own = {clock: timing.medians(label, clock) for clock in CLOCKS}
    theirs = {clock: timing.medians(base, clock) for clock in CLOCKS}
    texts = [
        _not_reached(found) if own[clock] == inf else shown(own[clock]) for clock, shown in CLOCKS.items()
    ]
    missed = f"baseline {_not_reached(timing.reached[base])}"
    factors = [_factor(theirs[clock], own[clock], missed) for clock in ("epochs", "seconds")]
    return label, f"{hits} of {len(found)}" if found else NOTHING, *texts, *factors


def _not_reached(found: dict[Repetition, Reached | None]) -> str:
    """What an infinite median is called: fewer than half of the runs reached the target, or none."""
    return "not by half" if any(found.values()) else "never"


def _factor(base: float | None, own: float | None, missed: str) -> str:
    if not base or not own or not isfinite(own):
        return NOTHING
    return f"{base / own:.2f}×" if isfinite(base) else missed


def never_reached(timing: Timing) -> list[str]:
    """The runs that never reached the target, by group."""
    return [
        f"{label}: {listed([repetition_name(key) for key in missing])} never reached it"
        for label, found in timing.reached.items()
        if (missing := [key for key, each in found.items() if each is None])
    ]


def fastest(comparison: Comparison, timing: Timing) -> str:
    """One sentence: the configuration that needed fewest epochs, and the baseline."""
    base = comparison.baseline.label
    medians = {label: timing.medians(label, "epochs") for label in timing.reached}
    known = {label: value for label, value in medians.items() if value is not None and isfinite(value)}
    if len(timing.reached) < 2 or not known:
        return ""
    first = min(known, key=lambda label: known[label])
    target = f"{metric_name(timing.column)} of {number(timing.target, 3)}"
    if first == base:
        return (
            f"Observed, not tested: none reached {target} in fewer epochs than {base} ({count(known[base])})."
        )
    theirs = f"{base} in {count(known[base])}" if base in known else f"{base} never"
    runs = plural(len(timing.reached[first]), "run")
    took = f"in {count(known[first])} {'epoch' if known[first] == 1 else 'epochs'} (median of {runs})"
    return f"Observed, not tested: {first} reached {target} first, {took}; {theirs}."
