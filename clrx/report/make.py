"""Run directories in, a report out."""

from collections.abc import Sequence
from pathlib import Path

from clrx.files import write_bytes, write_text
from clrx.report.comparison import Comparison, compare
from clrx.report.costs import phase_table, published_table
from clrx.report.dots import dot_pictures
from clrx.report.figures import Picture
from clrx.report.figures import race as race_pictures
from clrx.report.page import differences_table, page
from clrx.report.reach import Race, race, race_table
from clrx.report.results import main_table, metric_names, metrics_table, outcomes
from clrx.report.runs import runs_table, title_of
from clrx.report.score_figures import score_pictures
from clrx.report.tables import Table, as_csv, as_latex, as_markdown, written

OUTCOME = ("n", "mean", "std", "low", "high")
DIFFERENCE = ("n", "mean", "std", "low", "high", "p", "p_holm", "p_flip", "p_flip_holm")


def make_report(
    paths: Sequence[Path],
    out: Path | None = None,
    *,
    baseline: str | None = None,
    metric: str | None = None,
    target: float | None = None,
    force: bool = False,
) -> Path:
    """Compare the runs at `paths`, write page, tables and figures to `out`; return the path of report.html.

    paths: directories of runs, of sweeps, or above them. out: by default report/ in the first of them.
    baseline: label or policy of a configuration. metric: of the test set. target: a value of the metric's
    validation curve. Raises UserError as `clrx.report.comparison.compare`.
    """
    comparison = compare(paths, baseline, metric, target, force)
    out = out or paths[0] / "report"
    timing = race(comparison)
    pictures = [*dot_pictures(comparison), *race_pictures(comparison), *score_pictures(comparison)]
    for picture in pictures:
        _write_picture(out / "figures", picture)
    _write_tables(out, comparison, timing)
    write_text(out / "report.html", page(comparison, timing, pictures))
    return out / "report.html"


def _write_picture(folder: Path, picture: Picture) -> None:
    write_bytes(folder / f"{picture.name}.svg", picture.svg)
    write_bytes(folder / f"{picture.name}.png", picture.png)


def _write_tables(out: Path, comparison: Comparison, timing: Race | None) -> None:
    tables = _tables(comparison, timing)
    write_text(out / "comparison.md", written(tables, as_markdown))
    write_text(out / "comparison.tex", written(tables, as_latex))
    write_text(out / "comparison.csv", _comparison_csv(comparison))
    write_text(out / "runs.csv", _runs_csv(comparison, timing))


def _tables(comparison: Comparison, timing: Race | None) -> list[Table]:
    found = [
        main_table(comparison),
        metrics_table(comparison),
        race_table(comparison, timing) if timing else None,
        phase_table(comparison),
        published_table(comparison),
        differences_table(comparison),
        runs_table(comparison),
    ]
    return [table for table in found if table is not None]


def _comparison_csv(comparison: Comparison) -> str:
    """A row a configuration and metric, with every digit."""
    header = ["configuration", "metric", *OUTCOME, "baseline", *(f"difference_{name}" for name in DIFFERENCE)]
    rows = [
        [
            *(outcome.group.label, metric),
            *(getattr(outcome.summary, name) for name in OUTCOME),
            comparison.baseline.label,
            *(getattr(outcome.difference, name, None) for name in DIFFERENCE),
        ]
        for metric in metric_names(comparison)
        for outcome in outcomes(comparison, metric)
    ]
    return as_csv(header, rows)


def _runs_csv(comparison: Comparison, timing: Race | None) -> str:
    """A row a run, whatever its state."""
    names, clocks = metric_names(comparison), ("epochs", "steps", "seconds")
    header = ["run", "directory", "configuration", "seed", "fold", "state", *names]
    header += [f"{clock}_to_target" for clock in clocks]
    rows = []
    for group in comparison.groups:
        for run in group.runs:
            when = timing.of(group, run) if timing else None
            facts = [title_of(group, run), run.name, group.label, run.seed, run.fold, run.state]
            rows.append([*facts, *map(run.test, names), *(getattr(when, clock, None) for clock in clocks)])
    return as_csv(header, rows)
