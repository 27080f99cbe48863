"""The metrics of the test set by group: mean, spread and interval over seeds, and the difference to the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clrx.metrics.measure import in_order
from clrx.metrics.statistics import Difference, Summary, Values, compare, conclusion, summarise
from clrx.metrics.weighted import HALF
from clrx.report.comparison import Comparison
from clrx.report.formatting import NOTHING, metric_name, metric_title, number, p_value, plural, signed, span
from clrx.report.grouping import Group
from clrx.report.tables import Table

MOST_SHOWN = 12  # groups in one figure of curves
LEVEL = 0.95  # of every interval over seeds
LESS_IS_BETTER = ("loss", "brier", "calibration_error")  # metrics of the test set


@dataclass(frozen=True)
class Outcome:
    """One metric of one group."""

    group: Group
    values: Values  # repetition -> value
    summary: Summary
    difference: Difference | None  # to the baseline; None for the baseline itself


def outcomes(comparison: Comparison, metric: str) -> list[Outcome]:
    """The outcome of each group, in the comparison's order; p values are corrected over its groups."""
    values: dict[str, Values] = {
        group.label: {repetition: run.test(metric) for repetition, run in group.complete.items()}
        for group in comparison.groups
    }
    found = compare(values, comparison.baseline.label)
    return [
        Outcome(group, values[group.label], summarise(values[group.label].values()), found.get(group.label))
        for group in comparison.groups
    ]


def sentences(comparison: Comparison) -> list[str]:
    """What may be concluded of each group in a sentence, the significant ones first; of a single group, its mean."""
    found = outcomes(comparison, comparison.metric)
    if len(found) == 1:
        return [_single(comparison, found[0])]
    base, rising = comparison.baseline.label, comparison.metric not in LESS_IS_BETTER
    gaps = [(each.group.label, each.difference) for each in found if each.difference is not None]
    gaps.sort(key=lambda pair: pair[1].p_holm is None or pair[1].p_holm >= 1 - LEVEL)
    return [conclusion(label, base, gap, higher_is_better=rising, level=LEVEL) for label, gap in gaps]


def _single(comparison: Comparison, outcome: Outcome) -> str:
    summary, name = outcome.summary, metric_name(comparison.metric)
    if summary.mean is None:
        return f"{outcome.group.label} has no complete run with {name} of the test set."
    text = f"{outcome.group.label}: {name} of the test set {number(summary.mean, 3)}"
    if summary.low is None:
        (run,) = [run for run in outcome.group.complete.values() if run.test(comparison.metric) is not None]
        entry = run.test_entry(comparison.metric)
        within = span(entry.get("low"), entry.get("high"), 3)
        patients = f" (95% interval over the test images {within})" if within != NOTHING else ""
        return f"{text}{patients}. One seed has no spread: how much of this is luck cannot be told."
    return f"{text}, 95% interval {span(summary.low, summary.high, 3)} over {summary.n} seeds."


def of_patients(comparison: Comparison) -> str:
    """One sentence on what the seeds cannot tell, since all runs are tested on the same images; empty where unknown."""
    entries = [run.test_entry(comparison.metric) for run in comparison.complete]
    widths = [entry["high"] - entry["low"] for entry in entries if entry.get("low") is not None]
    if not widths or len(comparison.groups) < 2:
        return ""
    return (
        "All of this holds for one test set: the intervals are over seeds. Over the images of the test set (whole"
        f" patients) a single run's interval is {number(float(np.median(widths)), 3)} wide, the median of"
        f" {plural(len(widths), 'run')}."
    )


def main_table(comparison: Comparison) -> Table:
    """Mean, spread, interval, paired difference and corrected p of every group."""
    found = outcomes(comparison, comparison.metric)
    header: tuple[str, ...] = ("configuration", "seeds", "mean", "std", "95% interval")
    rows: list[tuple[str, ...]] = [_summary_cells(outcome) for outcome in found]
    if len(found) > 1:
        header += ("difference to baseline", "95% interval of it", "p (Holm)")
        rows = [(*row, *_difference_cells(each)) for row, each in zip(rows, found, strict=True)]
    return Table(f"{metric_title(comparison.metric)} of the test set", header, tuple(rows), _note(found))


def _summary_cells(outcome: Outcome) -> tuple[str, ...]:
    s = outcome.summary
    return outcome.group.label, str(s.n), number(s.mean), number(s.std), span(s.low, s.high)


def _difference_cells(outcome: Outcome) -> tuple[str, ...]:
    d = outcome.difference
    if d is None:
        return "baseline", NOTHING, NOTHING
    return signed(d.mean), span(d.low, d.high), p_value(d.p_holm)


def _note(found: Sequence[Outcome]) -> str:
    note = "Intervals: Student's t over seeds."
    if any((o.summary.low or 0) < 0 or (o.summary.high or 0) > 1 for o in found):
        note += " One that leaves 0 to 1 says no more than that the seeds are too few."
    if any(outcome.summary.n == 1 for outcome in found):
        note += " One seed has no spread, so it has no interval and proves nothing about a policy."
    if len(found) > 1:
        note += " Differences: seed by seed, same initial weights, order and augmentation; p: paired t test,"
        note += " Holm-corrected over the comparisons of this table."
    return note


def shown_groups(comparison: Comparison) -> tuple[Group, ...]:
    """The groups that figures of curves show: all, or of many the baseline and the best by the metric compared."""
    if len(comparison.groups) <= MOST_SHOWN:
        return comparison.groups
    sign = -1 if comparison.metric in LESS_IS_BETTER else 1
    worst = float("-inf")
    means = {o.group.label: o.summary.mean for o in outcomes(comparison, comparison.metric)}
    ranks = {label: worst if mean is None else sign * mean for label, mean in means.items()}
    best = sorted(comparison.groups[1:], key=lambda group: -ranks[group.label])[: MOST_SHOWN - 1]
    return comparison.baseline, *(group for group in comparison.groups[1:] if group in best)


def shown_note(comparison: Comparison) -> str:
    """What a caption adds where not all groups are shown."""
    if len(comparison.groups) == len(shown_groups(comparison)):
        return ""
    return f" Of {len(comparison.groups)} configurations the baseline and the best are shown."


def metric_names(comparison: Comparison) -> list[str]:
    """Every metric of the test set that a run has, the one compared by first."""
    names = {name for run in comparison.complete for name in run.metrics.get("test") or {}}
    return sorted(in_order(sorted(names)), key=lambda name: name != comparison.metric)


def metrics_table(comparison: Comparison) -> Table | None:
    """All test metrics as mean ± standard deviation (Alyafi 2019, Tables III-VI); None without any."""
    names = [name for name in metric_names(comparison) if not name.endswith(HALF)]
    note = "Mean ± standard deviation over seeds, at the threshold chosen on validation where one is needed."
    return _metrics(
        comparison, "All metrics of the test set", {name: metric_name(name) for name in names}, note
    )


def half_table(comparison: Comparison) -> Table | None:
    """The metrics that need a threshold, at 0.5, as papers give them; None where no task has one."""
    names = [name for name in metric_names(comparison) if name.endswith(HALF)]
    note = "Mean ± standard deviation over seeds: a score of 0.5 or more is positive, as in papers that choose no"
    note += " threshold. To compare by one of these: metric=f1_at_0.5."
    shown = {name: metric_name(name.removesuffix(HALF)) for name in names}
    return _metrics(comparison, "Metrics of the test set at a threshold of 0.5", shown, note)


def _metrics(comparison: Comparison, title: str, names: dict[str, str], note: str) -> Table | None:
    """A column for each of `names` (metric -> heading); None where there are none."""
    rows = []
    for group in comparison.groups:
        found = [summarise(run.test(name) for run in group.complete.values()) for name in names]
        rows.append((group.label, *(_spread(summary) for summary in found)))
    return Table(title, ("configuration", *names.values()), tuple(rows), note) if names else None


def _spread(summary: Summary) -> str:
    return number(summary.mean, 3) + (f" ± {number(summary.std, 3)}" if summary.std is not None else "")
