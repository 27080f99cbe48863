"""Epochs, steps and seconds until a run's validation curve first reaches a target; speed-up factors."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from statistics import median

import numpy as np

from clrx.metrics.statistics import Reached, time_to_target
from clrx.report.comparison import Comparison, has_values
from clrx.report.formatting import NOTHING, count, duration, listed, number, plural
from clrx.report.grouping import Group, Place, place_name, place_of
from clrx.report.results import named
from clrx.report.tables import Table
from clrx.run.read import Record

ROUNDING = 1e-9  # or a mean of equal values could lie above them all
FALLING = ("val_loss", "train_loss")
CLOCKS: dict[str, Callable[[float | None], str]] = {"epochs": count, "steps": count, "seconds": duration}


@dataclass(frozen=True)
class Race:
    """When every complete run reached the target: None where it never did."""

    column: str
    target: float
    given: bool  # False: it is the baseline's final value
    reached: dict[str, dict[Place, Reached | None]]  # group label -> place -> when

    def of(self, group: Group, run: Record) -> Reached | None:
        """When a run reached the target; None also for a run that is not the group's at its place."""
        place = place_of(run)
        return self.reached[group.label].get(place) if group.complete.get(place) is run else None

    def medians(self, label: str, clock: str) -> float | None:
        """Median over runs of `epochs`, `steps` or `seconds`; a run that never reached counts as infinite.

        None where there is no run, or the clock was not recorded.
        """
        found = [inf if each is None else getattr(each, clock) for each in self.reached[label].values()]
        return None if not found or None in found else float(median(found))


def race(comparison: Comparison) -> Race | None:
    """None where no complete run has the curve or there is no target: none given, and no one to compare."""
    column, target = comparison.curve, comparison.target
    if target is None and len(comparison.groups) > 1:
        target = _final(comparison.baseline, column)
    if target is None or not any(has_values(run, column) for run in comparison.complete):
        return None
    reached = {
        group.label: {place: _when(run, column, target) for place, run in group.complete.items()}
        for group in comparison.groups
    }
    return Race(column, target, comparison.target is not None, reached)


def _final(baseline: Group, column: str) -> float | None:
    """Mean over seeds of the curve's last value."""
    runs = [run for run in baseline.complete.values() if has_values(run, column)]
    values = [run.epochs[column].dropna().iloc[-1] for run in runs]
    return float(np.mean(values)) - ROUNDING if values else None


def _when(run: Record, column: str, target: float) -> Reached | None:
    if not has_values(run, column):
        return None
    return time_to_target(run.epochs, column, target, falling=column in FALLING, steps=run.steps)


def race_table(comparison: Comparison, race: Race) -> Table:
    """How many runs reached the target, medians of when, and how many times longer the baseline took."""
    base = comparison.baseline.label
    rows = [_cells(race, group.label, base) for group in comparison.groups]
    header = ("configuration", "reached it", "epochs", "steps", "time", "speed-up in epochs", "in time")
    where = "as asked" if race.given else f"the last epoch's mean of {base}"
    note = "Medians over seeds, in which a run that never reaches the target counts as later than any other."
    note += f" Speed-up: the median of {base} over this one. Time: of training and validation until then."
    return Table(f"To reach {_curve(race)} of {number(race.target)} ({where})", header, tuple(rows), note)


def _curve(race: Race) -> str:
    return named(race.column.replace("val_", "validation ").replace("train_", "training "))


def _cells(race: Race, label: str, base: str) -> tuple[str, ...]:
    found = race.reached[label]
    hits = sum(each is not None for each in found.values())
    own = {clock: race.medians(label, clock) for clock in CLOCKS}
    theirs = {clock: race.medians(base, clock) for clock in CLOCKS}
    texts = [_late(found) if own[clock] == inf else shown(own[clock]) for clock, shown in CLOCKS.items()]
    missed = f"baseline {_late(race.reached[base])}"
    factors = [_factor(theirs[clock], own[clock], missed) for clock in ("epochs", "seconds")]
    return label, f"{hits} of {len(found)}" if found else NOTHING, *texts, *factors


def _late(found: dict[Place, Reached | None]) -> str:
    """What an infinite median means."""
    return "not by half" if any(found.values()) else "never"


def _factor(base: float | None, own: float | None, missed: str) -> str:
    if not base or not own or not isfinite(own):
        return NOTHING
    return f"{base / own:.2f}×" if isfinite(base) else missed


def late(race: Race) -> list[str]:
    """The runs that never reached the target, by group."""
    return [
        f"{label}: {listed([place_name(place) for place in missing])} never reached it"
        for label, found in race.reached.items()
        if (missing := [place for place, each in found.items() if each is None])
    ]


def fastest(comparison: Comparison, race: Race) -> str:
    """One sentence: who needed fewest epochs, against the baseline."""
    base = comparison.baseline.label
    medians = {label: race.medians(label, "epochs") for label in race.reached}
    known = {label: value for label, value in medians.items() if value is not None and isfinite(value)}
    if len(race.reached) < 2 or not known:
        return ""
    first = min(known, key=lambda label: known[label])
    target = f"{_curve(race)} of {number(race.target, 3)}"
    if first == base:
        return (
            f"Observed, not tested: none reached {target} in fewer epochs than {base} ({count(known[base])})."
        )
    theirs = f"{base} in {count(known[base])}" if base in known else f"{base} never"
    runs = plural(len(race.reached[first]), "run")
    took = f"in {count(known[first])} {'epoch' if known[first] == 1 else 'epochs'} (median of {runs})"
    return f"Observed, not tested: {first} reached {target} first, {took}; {theirs}."
