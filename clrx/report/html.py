"""HTML that cannot be broken by what is put into it: all text that is not `Markup` is escaped."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

VOID = ("img", "meta", "br")
LONG = 40  # letters of a cell that may be broken into lines
WORDS = 20  # letters of a cell whose words may be on several lines: a number with its interval is shorter


class Markup(str):
    """Text that is HTML already. Only this module's functions should make it."""


Node = str | Markup | Iterable["Node"] | None


def render(node: Node) -> Markup:
    """Markup of a node: strings are escaped, sequences joined, None is nothing."""
    if node is None:
        return Markup()
    if isinstance(node, Markup):
        return node
    if isinstance(node, str):
        return Markup(escape(node))
    return Markup("".join(render(child) for child in node))


def tag(name: str, /, *children: Node, **attributes: str | bool | None) -> Markup:
    """An element. `class_` is written class, `data_x` data-x; True is a bare attribute, None none."""
    words = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = "" if name in VOID else f"{render(children)}</{name}>"
    return Markup(f"<{name}{words}>{inside}")


def table(header: Sequence[Node], rows: Iterable[Sequence[Node]], caption: str | None = None) -> Markup:
    """A table that scrolls sideways where it is wider than the page; the first cell of a row names it."""
    head = tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in header]))
    body = [tag("tr", _row_name(row[0]), map(_cell, row[1:])) for row in rows]
    title = tag("p", caption, class_="caption") if caption else None
    inside = tag("table", head, tag("tbody", body), aria_label=caption)
    return render([title, tag("div", inside, class_="wide", tabindex="0")])


def _row_name(content: Node) -> Markup:
    text = render(content)
    breakable = Markup(text.replace("_", "_<wbr>")) if isinstance(content, str) else text  # of a long policy
    return tag("th", breakable, scope="row", class_="short" if len(text) <= LONG else None)


def _cell(content: Node) -> Markup:
    length = len(render(content))
    return tag("td", content, class_="long" if length > LONG else "words" if length > WORDS else None)


def pairs(items: Iterable[tuple[Node, Node]]) -> Markup:
    """A list of names and values, one under another."""
    return tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in items])


def details(summary: Node, *children: Node, opened: bool = False, id_: str | None = None) -> Markup:
    """A section that shows its summary until a reader opens it."""
    return tag("details", tag("summary", summary), *children, open=opened, id_=id_)


def picture(image: bytes, kind: str, alt: str, caption: Node = None) -> Markup:
    """A figure whose image (kind: png or svg) is within the page: nothing is fetched, no script in it runs."""
    media = {"png": "image/png", "svg": "image/svg+xml"}[kind]
    source = f"data:{media};base64,{b64encode(image).decode()}"
    below = tag("figcaption", caption) if caption else None
    return tag("figure", tag("img", src=source, alt=alt), below)


def document(title: str, style: str, *body: Node) -> str:
    """A whole page. Its security policy forbids every request and every script."""
    rules = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=rules),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    return "<!doctype html>\n" + tag("html", head, tag("body", *body), lang="en") + "\n"
