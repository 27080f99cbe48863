"""What a report compares: groups of runs, their baseline and a metric. Runs that cannot be compared are refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clrx.core.errors import UserError, did_you_mean
from clrx.report.grouping import Group, group_runs
from clrx.run.read import Record, collect
from clrx.training.selection import column_of

BASELINES = (
    "constant",
    "time_decay",
    "exponential",
    "step",
)  # policies: the first that was run is the baseline


@dataclass(frozen=True)
class Comparison:
    """Everything that a report is made from."""

    groups: tuple[Group, ...]  # the baseline, then the others as they were started
    baseline: Group
    metric: str  # of the test set
    target: float | None  # of the curve; None: the baseline's final value
    unreadable: tuple[Record, ...]
    mismatch: str  # the hashes that differ, where the comparison was forced; else empty

    @property
    def runs(self) -> list[Record]:
        return [run for group in self.groups for run in group.runs]

    @property
    def complete(self) -> list[Record]:
        """The runs whose results count."""
        return [run for group in self.groups for run in group.complete.values()]

    @property
    def single(self) -> Record | None:
        """The run, where the report is of one alone."""
        return self.runs[0] if len(self.runs) == 1 else None

    @property
    def facts(self) -> dict[str, Any]:
        """run.json of the first run that opened its data: one that failed before knows neither split nor task."""
        return first_opened(self.runs).facts

    @property
    def curve(self) -> str:
        """The column of epochs.csv that belongs to the metric; accuracy where there is none."""
        wanted = [f"val_{self.metric.removesuffix('_at_0.5')}", "val_accuracy", "train_accuracy"]
        recorded = {name for run in self.runs for name in wanted if has_values(run, name)}
        return next((name for name in wanted if name in recorded), "train_accuracy")


def first_opened(runs: Sequence[Record]) -> Record:
    """The first run that opened its data; where none did, the first."""
    return next((run for run in runs if run.facts.get("split_hash")), runs[0])


def has_values(run: Record, column: str) -> bool:
    """Whether a column of epochs.csv has any value."""
    return column in run.epochs and bool(run.epochs[column].notna().any())


def compare(
    paths: Sequence[Path],
    baseline: str | None = None,
    metric: str | None = None,
    target: float | None = None,
    force: bool = False,
) -> Comparison:
    """Read, group and check the runs at `paths`.

    UserError where there is none, where `baseline` or `metric` is not among them, or where the runs stand on
    different splits or data and `force` is not set.
    """
    found = collect(paths)
    runs = [run for run in found if run.config and not run.damage]
    groups = tuple(group_runs(runs))
    if not groups:
        why = next(filter(None, (run.damage for run in found)), "config.yaml is missing")
        raise UserError(f"no run here can be read: {why}", where=", ".join(map(str, paths)))
    mismatch = mismatched(groups)
    if mismatch and not force:
        fix = "compare them separately, or force=true: then the report says so at its top"
        raise UserError(
            f"these runs cannot be compared: {mismatch}", allowed="one split, one data set", fix=fix
        )
    unreadable = tuple(run for run in found if run not in runs)
    base = _baseline(groups, baseline)
    groups = (base, *(group for group in groups if group is not base))
    return Comparison(groups, base, _metric(groups, metric), target, unreadable, mismatch)


def mismatched(groups: Sequence[Group]) -> str:
    """Which hashes differ between runs, with the groups that have them; empty where all agree.

    The folds of a k-fold split differ by design: runs of one fold must agree with each other.
    """
    found = []
    for name in ("data_hash", "split_hash"):
        for fold in sorted({run.fold for group in groups for run in group.runs}, key=str):
            holders = _holders(groups, name, fold)
            if len(holders) > 1:
                parts = [f"{value[:8]} in {', '.join(labels)}" for value, labels in holders.items()]
                found.append(f"different {name.removesuffix('_hash')} hashes: " + "; ".join(parts))
    return ". ".join(found)


def _holders(groups: Sequence[Group], name: str, fold: Any) -> dict[str, list[str]]:
    """Hash -> the groups that have it."""
    holders: dict[str, dict[str, None]] = {}
    for group in groups:
        for run in group.runs:
            if run.fold == fold and run.facts.get(name):
                holders.setdefault(str(run.facts[name]), {})[group.label] = None
    return {value: list(labels) for value, labels in holders.items()}


def _baseline(groups: Sequence[Group], asked: str | None) -> Group:
    """The group asked for by its label or its policy; else the first of BASELINES; else the one started first."""
    names = {group.label: group for group in groups}
    if asked is None:
        usual = (group for name in BASELINES for group in groups if _policy(group) == name)
        return next(usual, groups[0])
    if asked in names:
        return names[asked]
    of_policy = [group for group in groups if _policy(group) == asked]
    if len(of_policy) == 1:
        return of_policy[0]
    what = f"baseline={asked}: {len(of_policy) or 'none'} of the groups is called so"
    raise UserError(what, where="baseline", allowed="; ".join(names), fix=did_you_mean(asked, names))


def _policy(group: Group) -> str:
    run = group.runs[0]
    return str(run.choices.get("policy") or run.facts.get("policy"))


def _metric(groups: Sequence[Group], asked: str | None) -> str:
    """The metric asked for; else the one that the runs were selected by."""
    runs = [run for group in groups for run in group.runs]
    known = {name: None for run in runs for name in run.metrics.get("test") or {}}
    if not known:
        known = {name.removeprefix("val_"): None for run in runs for name in run.epochs if name[:4] == "val_"}
    if asked is not None:
        if known and asked not in known:
            what, fix = f"metric={asked}: no run has it", did_you_mean(asked, known)
            raise UserError(what, where="metric", allowed=", ".join(known), fix=fix)
        return asked
    return _selected_by(first_opened(runs), known)


def _selected_by(run: Record, known: dict[str, None]) -> str:
    task = str(run.facts.get("task", "binary"))
    selected = column_of(str(run.config.get("selection_metric", "auto")), task).removeprefix("val_")
    usual = column_of("auto", task).removeprefix("val_")
    return next((name for name in (selected, usual, *known) if name in known), usual)
