"""The numbers of a report as CSV with all their digits, by configuration and by run."""

from clrx.report.comparison import Comparison
from clrx.report.notices import scale_of
from clrx.report.results import metric_names, outcomes
from clrx.report.runs import title_of
from clrx.report.tables import as_csv
from clrx.report.time_to_target import CLOCKS, Timing

SUMMARY = ("n", "mean", "std", "low", "high")
DIFFERENCE = ("n", "mean", "std", "low", "high", "p", "p_holm", "p_flip", "p_flip_holm")


def comparison_csv(comparison: Comparison) -> str:
    """A row for each configuration and metric: mean, spread, interval, and paired difference to the baseline."""
    header = ["configuration", "metric", *SUMMARY, "baseline", *(f"difference_{name}" for name in DIFFERENCE)]
    header.append("scale")
    rows = [
        [
            *(outcome.group.label, metric),
            *(getattr(outcome.summary, name) for name in SUMMARY),
            comparison.baseline.label,
            *(getattr(outcome.difference, name, None) for name in DIFFERENCE),
            scale_of(outcome.group.runs[0]),
        ]
        for metric in metric_names(comparison)
        for outcome in outcomes(comparison, metric)
    ]
    return as_csv(header, rows)


def runs_csv(comparison: Comparison, timing: Timing | None) -> str:
    """A row for each run, whatever its state, with its test metrics and when it reached the target."""
    names = metric_names(comparison)
    header = ["run", "directory", "configuration", "seed", "fold", "state", "scale", *names]
    rows = []
    for group in comparison.groups:
        for run in group.runs:
            when = timing.of(group, run) if timing else None
            facts = [title_of(group, run), run.name, group.label, run.seed, run.fold, run.state]
            clocks = (getattr(when, clock, None) for clock in CLOCKS)
            rows.append([*facts, scale_of(run), *map(run.test, names), *clocks])
    return as_csv([*header, *(f"{clock}_to_target" for clock in CLOCKS)], rows)
