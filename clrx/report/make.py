"""Run directories in, a report out."""

from collections.abc import Sequence
from pathlib import Path

from clrx.core.files import write_bytes, write_text
from clrx.report.comparison import Comparison, compare
from clrx.report.costs import phase_table, published_table
from clrx.report.export import comparison_csv, runs_csv
from clrx.report.figures import Picture
from clrx.report.figures import race as race_pictures
from clrx.report.means import dot_pictures
from clrx.report.notices import marked
from clrx.report.page import differences_table, page, result_tables
from clrx.report.runs import runs_table
from clrx.report.score_figures import score_pictures
from clrx.report.tables import Table, as_latex, as_markdown, written
from clrx.report.time_to_target import Race, race, race_table


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
    write_text(out / "comparison.csv", comparison_csv(comparison))
    write_text(out / "runs.csv", runs_csv(comparison, timing))


def _tables(comparison: Comparison, timing: Race | None) -> list[Table]:
    found = [
        *result_tables(comparison),
        race_table(comparison, timing) if timing else None,
        phase_table(comparison),
        published_table(comparison),
        differences_table(comparison),
        runs_table(comparison),
    ]
    return [marked(comparison, table) for table in found if table is not None]
