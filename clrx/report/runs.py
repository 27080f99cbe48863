"""Each run: its state in the list of all, and a section with its curves, metrics and circumstances."""

from collections.abc import Iterator
from typing import Any

from clrx.report import html
from clrx.report.comparison import Comparison, has_values
from clrx.report.costs import phases_of
from clrx.report.formatting import NOTHING, count, duration, number, span
from clrx.report.grouping import Group, place_name, place_of
from clrx.report.results import named
from clrx.report.run_curves import run_curves
from clrx.report.tables import Table
from clrx.run.read import Record

STATES = {
    "killed": "recorded as running, but its process is gone: killed, perhaps for want of memory",
    "unreadable": "run.json or config.yaml cannot be read",
}


def runs_table(comparison: Comparison) -> Table:
    """Every run with its state, result and error."""
    rows = [_row(comparison, group, run) for group in comparison.groups for run in group.runs]
    rows += [(run.name, run.state, NOTHING, NOTHING, NOTHING, reason(run)) for run in comparison.unreadable]
    header: tuple[str, ...] = ("run", "state", "epochs", named(comparison.metric), "time", "what happened")
    if not any(row[-1] for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return Table(
        "All runs",
        header,
        tuple(rows),
        "In brackets: the interval over the test images, whole patients where there are some.",
    )


def title_of(group: Group, run: Record) -> str:
    return f"{group.label}, {place_name(place_of(run))}"


def _row(comparison: Comparison, group: Group, run: Record) -> tuple[str, ...]:
    seconds = run.epochs["seconds"].sum() if has_values(run, "seconds") else None
    epochs = count(float(len(run.epochs)))
    result = _result(run, comparison.metric)
    return title_of(group, run), run.state, epochs, result, duration(seconds), reason(run)


def _result(run: Record, metric: str) -> str:
    entry = (run.metrics.get("test") or {}).get(metric) or {}
    within = span(entry.get("low"), entry.get("high"), 3)
    return number(entry.get("value")) + (f" ({within})" if within != NOTHING else "")


def reason(run: Record) -> str:
    """The first line of the run's error; what its state means where it left none."""
    error = str(run.facts.get("error") or STATES.get(run.state, ""))
    return error.splitlines()[0] if error else ""


def run_sections(comparison: Comparison) -> Iterator[html.Markup]:
    """One closed section a run; open where there is only one run."""
    alone = len(comparison.runs) == 1
    for group in comparison.groups:
        for run in group.runs:
            mark = html.tag("span", run.state, class_=f"state {run.state}")
            shown = [*_section(run, not alone), html.pairs(circumstances(run))]
            yield html.details([title_of(group, run), " ", mark], *shown, opened=alone)


def _section(run: Record, whole: bool) -> Iterator[html.Node]:
    """The error; curves and metrics where the report does not show them above (`whole`)."""
    if error := run.facts.get("error"):
        yield html.tag("pre", str(error), class_="error")
    elif run.state in STATES:
        yield html.tag("p", STATES[run.state], class_="error")
    if whole and len(run.epochs):
        yield html.picture(run_curves(run), "png", f"Accuracy, loss and learning rate of {run.name}")
    if whole and (table := run_metrics(run)):
        yield html.table(table.header, table.rows, table.title)


def run_metrics(run: Record) -> Table | None:
    """The metrics of the test set with their intervals over test images; None where the run has none."""
    test = run.metrics.get("test") or {}
    rows = [(named(name), *_entry(entry)) for name, entry in test.items()]
    level = (run.config.get("bootstrap") or {}).get("level", 0.95)
    header = ("metric", "value", f"{level:.0%} interval over test images", "remark")
    return Table("Metrics of the test set", header, tuple(rows)) if rows else None


def _entry(entry: dict[str, Any]) -> tuple[str, str, str]:
    return number(entry.get("value")), span(entry.get("low"), entry.get("high")), entry.get("reason", "")


def circumstances(run: Record) -> list[tuple[str, str]]:
    """What the run was made with and on, from run.json."""
    facts = run.facts
    hardware, git = facts.get("hardware") or {}, facts.get("git") or {}
    commit = f"{git.get('commit', '')[:12]}{', changed since' if git.get('changed') else ''}"
    phases = [f"{p['name']}: {count(p['epochs'])} epochs, {duration(p['seconds'])}" for p in phases_of(run)]
    items = [
        ("directory", run.name),
        ("command", facts.get("command")),
        ("started", facts.get("started")),
        ("finished", facts.get("finished")),
        ("data", facts.get("dataset")),
        ("images", _joined(facts.get("images"))),
        ("data hash", facts.get("data_hash")),
        ("split hash", facts.get("split_hash")),
        *((str(key), str(value)) for key, value in dict(facts.get("facts") or {}).items()),
        ("notes", " · ".join(map(str, facts.get("notes") or ()))),
        ("weights judged", run.metrics.get("weights")),
        ("threshold", _threshold(run.metrics.get("threshold"))),
        ("phases", "; ".join(phases)),
        ("hardware", _joined({**hardware, "memory": _memory(hardware.get("memory"))}) if hardware else ""),
        ("versions", _joined(facts.get("versions"))),
        ("commit", commit),
    ]
    return [(name, str(value)) for name, value in items if value not in (None, "")]


def _threshold(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else "" if value is None else str(value)


def _memory(size: Any) -> str:
    return f"{size / 2**30:.0f} GiB" if isinstance(size, int | float) else str(size)


def _joined(values: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in dict(values or {}).items())
