"""The page of a dataset: one HTML file that loads nothing."""

from collections.abc import Iterable, Mapping, Sequence

from clrx.core.paths import STYLE
from clrx.report import html
from clrx.report.tables import as_html
from clrx.survey.numbers import Numbers, shown_table

Section = tuple[str, html.Node]


def page(
    title: str,
    facts: Iterable[tuple[str, str]],
    notices: Sequence[str],
    groups: Mapping[str, Sequence[Numbers]],
    pictures: Mapping[str, bytes],
) -> str:
    """The document: facts and notices, then a section for each group of tables, each with its pictures.

    `pictures` are PNGs by the name of the table that they show; `contact_sheet` has a section of its own.
    """
    sections: list[Section] = [
        (name, _tables(numbers, pictures)) for name, numbers in groups.items() if numbers
    ]
    if "contact_sheet" in pictures:
        alt = "a few images of each class"
        sheet = html.picture(
            pictures["contact_sheet"], "png", alt, "As decoded, at the size that is trained on."
        )
        sections.insert(1, ("Images", sheet))
    links = [html.tag("a", name, href=f"#{_anchor(name)}") for name, _ in sections]
    body = [html.tag("section", html.tag("h2", name), inside, id=_anchor(name)) for name, inside in sections]
    lines = [html.tag("p", text, class_="notice", role="note") for text in notices]
    head = html.tag("header", html.tag("h1", title), html.pairs(facts))
    return html.document(title, STYLE.read_text(encoding="utf-8"), head, lines, html.tag("nav", links), body)


def _tables(numbers: Sequence[Numbers], pictures: Mapping[str, bytes]) -> html.Node:
    drawn = [html.picture(pictures[one.name], "png", one.title) for one in numbers if one.name in pictures]
    shown = [
        as_html(shown_table(one)) for one in numbers if not (one.name in pictures and len(one.header) == 2)
    ]
    return [html.tag("div", drawn, class_="figures") if drawn else None, shown]


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
