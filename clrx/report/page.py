"""The report as one HTML file: what a reader wants first comes first, and everything is inside it."""

from collections.abc import Iterator, Sequence

from clrx.core.paths import STYLE
from clrx.report import html
from clrx.report.comparison import Comparison
from clrx.report.costs import phase_table, published_table
from clrx.report.figures import Picture
from clrx.report.formatting import listed, metric_name, metric_title, plural
from clrx.report.grouping import differences
from clrx.report.notices import notices
from clrx.report.results import half_table, main_table, metrics_table, of_patients, sentences
from clrx.report.runs import run_metrics, run_sections, runs_table
from clrx.report.tables import Table, as_html
from clrx.report.time_to_target import Timing, fastest, never_reached, timing_table

LONG_TITLE = 90  # letters
MOST_SAID = 8  # conclusions that are shown without being asked for
Section = tuple[str, html.Node]  # heading, what stands under it


def page(comparison: Comparison, timing: Timing | None, pictures: Sequence[Picture]) -> str:
    """The whole document, given the figures; `timing` is None where no time to a target is compared."""
    sections = [(title, body) for title, body in _sections(comparison, timing, pictures) if body]
    links = [html.tag("a", title, href=f"#{_anchor(title)}") for title, _ in sections]
    body = [html.tag("section", html.tag("h2", title), part, id=_anchor(title)) for title, part in sections]
    title = title_of(comparison)
    head = html.tag("header", html.tag("h1", title), html.tag("p", lead(comparison), class_="lead"))
    warnings = [
        html.tag("p", notice.text, class_="notice severe" if notice.severe else "notice", role="note")
        for notice in notices(comparison)
    ]
    return html.document(title, STYLE.read_text(), head, warnings, html.tag("nav", links), body)


def title_of(comparison: Comparison) -> str:
    labels = [group.label for group in comparison.groups]
    names = listed(labels) if len(", ".join(labels)) < LONG_TITLE else f"{len(labels)} configurations"
    return f"{names} on {comparison.facts.get('dataset', 'unknown data')}"


def lead(comparison: Comparison) -> str:
    """One line below the title: how many runs, on how many images, compared by which metric."""
    facts, images = comparison.facts, comparison.facts.get("images") or {}
    sizes = [f"{count:,} {name}" for name, count in images.items()]
    seeds = {run.seed for run in comparison.runs}
    parts = [
        f"{plural(len(comparison.runs), 'run')}: {plural(len(comparison.groups), 'configuration')},"
        f" {plural(len(seeds), 'seed')}",
        f"images: {', '.join(sizes)}" if sizes else "",
        f"split {str(facts.get('split_hash', ''))[:8]}" if not comparison.mismatch else "",
        f"compared on {metric_name(comparison.metric)} of the test set" if not comparison.single else "",
    ]
    return " · ".join(part for part in parts if part)


def _sections(
    comparison: Comparison, timing: Timing | None, pictures: Sequence[Picture]
) -> Iterator[Section]:
    """Conclusion and numbers, then speed, curves and scores, then circumstances."""
    by_name = {picture.name: picture for picture in pictures}
    yield "What may be concluded", _conclusion(comparison, timing)
    yield "Results", [_figures(by_name, "means", "differences"), *map(as_html, result_tables(comparison))]
    yield "Time to target", _time(comparison, timing)
    yield "Curves", _figures(by_name, "validation", "training")
    yield "Scores", _figures(by_name, "roc", "precision_recall", "confusion", "calibration")
    yield "Wall time", [as_html(table) for table in _present(phase_table(comparison))]
    yield "Published numbers", [as_html(table) for table in _present(published_table(comparison))]
    yield "What differs", [as_html(table) for table in _present(differences_table(comparison))]
    yield "Runs", [as_html(runs_table(comparison)), *run_sections(comparison)]


def result_tables(comparison: Comparison) -> list[Table]:
    """Of a single run its metrics with their intervals; of several the metric compared, then all metrics."""
    if comparison.single:
        return _present(run_metrics(comparison.single))
    return _present(main_table(comparison), metrics_table(comparison), half_table(comparison))


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _present(*tables: Table | None) -> list[Table]:
    return [table for table in tables if table is not None]


def _figures(by_name: dict[str, Picture], *names: str) -> html.Node:
    shown = [by_name[name] for name in names if name in by_name]
    inside = [html.picture(picture.svg, "svg", picture.alt, picture.caption) for picture in shown]
    return html.tag("div", inside, class_="figures") if inside else None


def _conclusion(comparison: Comparison, timing: Timing | None) -> html.Node:
    said = sentences(comparison)
    seen = [*said[:MOST_SAID], fastest(comparison, timing) if timing else "", of_patients(comparison)]
    base = f", against {comparison.baseline.label}, over seeds" if len(comparison.groups) > 1 else ""
    rest = html.details(plural(len(said[MOST_SAID:]), "further comparison"), _items(said[MOST_SAID:]))
    intro = html.tag("p", f"{metric_title(comparison.metric)} of the test set{base}:")
    return [intro, _items(seen), rest if said[MOST_SAID:] else None]


def _items(texts: Sequence[str]) -> html.Markup:
    return html.tag("ul", [html.tag("li", text) for text in texts if text], class_="verdict")


def _time(comparison: Comparison, timing: Timing | None) -> html.Node:
    if timing is None:
        return None
    lines = [html.tag("li", line) for line in never_reached(timing)]
    return [
        as_html(timing_table(comparison, timing)),
        html.tag("ul", lines, class_="note") if lines else None,
    ]


def differences_table(comparison: Comparison) -> Table | None:
    """The settings that differ between the configurations; None for a single one."""
    found = differences(comparison.groups)
    if not found:
        return None
    labels = [group.label for group in comparison.groups]
    title = "Settings that differ between the configurations"
    if len(found) > len(labels):
        return Table(title, ("setting", *labels), tuple((key, *values) for key, values in found.items()))
    return Table(title, ("configuration", *found), tuple(zip(labels, *found.values(), strict=True)))
