"""From run directories to a report: its page, tables and figures."""

import os
from collections.abc import Sequence
from pathlib import Path

from clrx.core.errors import FULL, UserError
from clrx.core.files import is_part, write_bytes, write_text
from clrx.report.comparison import Comparison, compare
from clrx.report.costs import phase_table, published_table
from clrx.report.figures import curve_pictures
from clrx.report.means import mean_pictures
from clrx.report.notices import marked, scale_of
from clrx.report.page import differences_table, page, result_tables
from clrx.report.results import metric_names, outcomes
from clrx.report.runs import runs_table, title_of
from clrx.report.score_figures import score_pictures
from clrx.report.tables import as_csv, as_latex, as_markdown
from clrx.report.time_to_target import CLOCKS, Timing, timing_of, timing_table

SUMMARY = ("n", "mean", "std", "low", "high")
DIFFERENCE = ("n", "mean", "std", "low", "high", "p", "p_holm", "p_flip", "p_flip_holm")

OWN = {"figures", "report.html", "runs.csv", *(f"comparison.{kind}" for kind in ("md", "tex", "csv"))}


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
    validation curve. Raises UserError as `clrx.report.comparison.compare`, and where `out` is a link, cannot be
    written, or holds something else.
    """
    comparison = compare(paths, baseline, metric, target, force)
    out = out or paths[0] / "report"
    require_own(out)
    timing = timing_of(comparison)
    pictures = [*mean_pictures(comparison), *curve_pictures(comparison), *score_pictures(comparison)]
    for picture in pictures:
        write_bytes(out / "figures" / f"{picture.name}.svg", picture.svg)
        write_bytes(out / "figures" / f"{picture.name}.png", picture.png)
    _write_tables(out, comparison, timing)
    write_text(out / "report.html", page(comparison, timing, pictures))
    return out / "report.html"


def require_own(out: Path) -> None:
    """Make the folder of a report. UserError where it holds something else, is a link, or cannot be written."""
    fix = "out=DIR names another folder"
    if linked := [path for path in (out, out / "figures") if path.is_symlink()]:
        what = "this folder of the report is a link: a report writes nothing outside of its folder"
        raise UserError(what, where=str(linked[0]), fix=fix)
    try:
        out.mkdir(parents=True, exist_ok=True)
        names = {
            one.name for one in out.iterdir() if not is_part(one.name) and not (one / "report.html").exists()
        }
    except OSError as error:
        if error.errno in FULL:
            raise
        what = f"the report cannot be written: {error.strerror}"
        raise UserError(what, where=str(out), fix=fix) from error
    if not os.access(out, os.W_OK):
        raise UserError("the report cannot be written: Permission denied", where=str(out), fix=fix)
    if "report.html" not in names and (foreign := sorted(names - OWN)):
        what = f"this folder holds something else and no report: {', '.join(foreign[:3])}"
        raise UserError(what, where=str(out), allowed="a folder that is empty, new, or of a report", fix=fix)


def _write_tables(out: Path, comparison: Comparison, timing: Timing | None) -> None:
    found = [
        *result_tables(comparison),
        timing_table(comparison, timing) if timing else None,
        phase_table(comparison),
        published_table(comparison),
        differences_table(comparison),
        runs_table(comparison),
    ]
    tables = [marked(comparison, table) for table in found if table is not None]
    write_text(out / "comparison.md", "\n".join(map(as_markdown, tables)))
    write_text(out / "comparison.tex", "\n".join(map(as_latex, tables)))
    write_text(out / "comparison.csv", comparison_csv(comparison))
    write_text(out / "runs.csv", runs_csv(comparison, timing))


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
