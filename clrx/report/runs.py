"""The list of all runs with their states, and a section on each with its curves, metrics and circumstances."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from clrx.plot import curves, style
from clrx.report import html
from clrx.report.comparison import Comparison, has_values
from clrx.report.costs import phases_of
from clrx.report.figures import subsampled
from clrx.report.formatting import NOTHING, count, duration, metric_name, number, span
from clrx.report.grouping import Group, repetition_name, repetition_of
from clrx.report.tables import Table
from clrx.run.read import Record

HEIGHTS = (1.5, 1.5, 1.0)  # inches: accuracy, loss, learning rate
COLOURS = 64  # enough for two lines and their smooth edges; a quarter of the bytes
EXPLANATIONS = {  # of states that no run records
    "killed": "recorded as running, but its process is gone: killed, perhaps because memory ran out",
    "unreadable": "run.json or config.yaml cannot be read",
}


def runs_table(comparison: Comparison) -> Table:
    """Every run with its state, result and error."""
    rows = [_row(comparison, group, run) for group in comparison.groups for run in group.runs]
    rows += [
        (run.name, "unreadable", *(NOTHING,) * 3, run.damage or reason(run)) for run in comparison.unreadable
    ]
    header: tuple[str, ...] = (
        "run",
        "state",
        "epochs",
        metric_name(comparison.metric),
        "time",
        "what happened",
    )
    if not any(row[-1] for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    note = "In brackets: the interval over the test images, whole patients where there are some."
    return Table("All runs", header, tuple(rows), note)


def title_of(group: Group, run: Record) -> str:
    """A run's configuration, seed and fold."""
    return f"{group.label}, {repetition_name(repetition_of(run))}"


def _row(comparison: Comparison, group: Group, run: Record) -> tuple[str, ...]:
    seconds = run.epochs["seconds"].sum() if has_values(run, "seconds") else None
    epochs = count(float(len(run.epochs)))
    entry = run.test_entry(comparison.metric)
    interval = span(entry.get("low"), entry.get("high"), 3)
    result = number(entry.get("value")) + (f" ({interval})" if interval != NOTHING else "")
    return title_of(group, run), run.state, epochs, result, duration(seconds), reason(run)


def reason(run: Record) -> str:
    """The first line of the run's error; without one an explanation of its state, where it needs one."""
    error = str(run.facts.get("error") or EXPLANATIONS.get(run.state, ""))
    return error.splitlines()[0] if error else ""


def run_sections(comparison: Comparison) -> Iterator[html.Markup]:
    """A closed section for each run; an open one where there is only one run."""
    is_single = comparison.single is not None
    for group in comparison.groups:
        for run in group.runs:
            mark = html.tag("span", run.state, class_=f"state {run.state}")
            shown = [*_section(run, not is_single), html.pairs(circumstances(run))]
            yield html.details([title_of(group, run), " ", mark], *shown, opened=is_single)


def _section(run: Record, whole: bool) -> Iterator[html.Node]:
    """The error; curves and metrics where the report does not show them above (`whole`)."""
    if error := run.facts.get("error"):
        yield html.tag("pre", str(error), class_="error")
    elif run.state in EXPLANATIONS:
        yield html.tag("p", EXPLANATIONS[run.state], class_="error")
    if whole and len(run.epochs):
        yield html.picture(run_curves(run), "png", f"Accuracy, loss and learning rate of {run.name}")
    if whole and (table := run_metrics(run)):
        yield html.table(table.header, table.rows, table.title)


def run_metrics(run: Record) -> Table | None:
    """The metrics of the test set with their intervals over test images; None where the run has none."""
    rows = [
        (
            metric_name(name),
            number(entry.get("value")),
            span(entry.get("low"), entry.get("high")),
            entry.get("reason", ""),
        )
        for name, entry in (run.metrics.get("test") or {}).items()
    ]
    level = (run.config.get("bootstrap") or {}).get("level", 0.95)
    header = ("metric", "value", f"{level:.0%} interval over test images", "remark")
    return Table("Metrics of the test set", header, tuple(rows)) if rows else None


def circumstances(run: Record) -> list[tuple[str, str]]:
    """Names and values of how and on which data and machine a run was made, from run.json."""
    facts = run.facts
    hardware, git = facts.get("hardware") or {}, facts.get("git") or {}
    commit = f"{git.get('commit', '')[:12]}{', changed since' if git.get('changed') else ''}"
    threshold = run.metrics.get("threshold")
    phases = [f"{p['name']}: {count(p['epochs'])} epochs, {duration(p['seconds'])}" for p in phases_of(run)]
    items = [
        ("directory", run.name),
        ("command", facts.get("command")),
        ("started", facts.get("started")),
        ("finished", facts.get("finished")),
        ("data", facts.get("dataset")),
        ("disease", run.disease),
        ("images", _joined(facts.get("images"))),
        ("data hash", facts.get("data_hash")),
        ("split hash", facts.get("split_hash")),
        *((str(key), str(value)) for key, value in dict(facts.get("facts") or {}).items()),
        ("notes", " · ".join(map(str, facts.get("notes") or ()))),
        ("weights evaluated", run.metrics.get("weights")),
        ("threshold", number(threshold) if isinstance(threshold, int | float) else threshold),
        ("phases", "; ".join(phases)),
        ("hardware", _joined({**hardware, "memory": _memory(hardware.get("memory"))}) if hardware else ""),
        ("versions", _joined(facts.get("versions"))),
        ("commit", commit),
    ]
    return [(name, str(value)) for name, value in items if value not in (None, "")]


def _memory(size: Any) -> str:
    return f"{size / 2**30:.0f} GiB" if isinstance(size, int | float) else str(size)


def _joined(values: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in dict(values or {}).items())


def run_curves(run: Record) -> bytes:
    """Accuracy, loss and learning rate of a run with at least one epoch, finished or not."""
    figure = Figure(figsize=(style.WIDTH, 4.7), dpi=120, facecolor="white")
    axes = figure.subplots(3, 1, sharex=True, height_ratios=HEIGHTS)
    figure.subplots_adjust(left=0.15, right=0.97, top=0.95, bottom=0.15, hspace=0.12)
    for ax, metric in zip(axes, ("accuracy", "loss"), strict=False):
        _panel(ax, run, metric)
    curves.scale_loss(axes[1])
    curves.rates(axes[2], subsampled(run.steps))
    curves.phases(axes, run.epochs)
    axes[2].set_xlim(0, 1.02 * len(run.epochs))
    axes[2].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    lines = axes[0].get_legend_handles_labels()
    figure.legend(*lines, loc="lower left", ncols=2, fontsize=style.SMALL, frameon=False)
    return _small_png(figure)


def _panel(ax: Axes, run: Record, metric: str) -> None:
    style.dress(ax, ylabel=metric)
    for k, (part, label) in enumerate((("train", "training"), ("val", "validation"))):
        curves.curve(ax, run.epochs.get(f"{part}_{metric}"), label=label, color=style.colour(k))


def _small_png(figure: Figure) -> bytes:
    raw, small = BytesIO(), BytesIO()
    figure.savefig(raw, format="raw")
    size = figure.canvas.get_width_height()
    Image.frombytes("RGBA", size, raw.getvalue()).convert("RGB").quantize(COLOURS).save(small, "png")
    return small.getvalue()
