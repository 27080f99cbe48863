"""Draw docs/architecture.svg from the real imports: `python docs/draw_architecture.py`; standard library only.

Packages stand in their order, the command line on top; an arrow leads from a package to one that it imports, the
thicker the more imports. Arrows to core are left out: nearly all packages have one. Widths go by classes of counts, so
that the picture changes with the structure alone.
"""

from collections.abc import Iterator
from pathlib import Path

from imports import BY_NAME, ORDER, arrows, position

FILE = Path(__file__).with_name("architecture.svg")
CLASSES = (
    (1, 2, "1 or 2 imports"),
    (3, 3.5, "3 to 9"),
    (10, 7, "10 and more"),
)  # from count, width in px, words
WIDTH, LEFT, BOX, GAP, TOP, PORT = 640, 20, 150, 14, 100, 8  # px; PORT: between two arrows at a box
HUES = (
    ("#0a5ea8", "#6cb2f0"),
    ("#a85b00", "#f0a860"),
    ("#1a7f4b", "#66cf9b"),
    ("#7b3fb5", "#c39bf0"),
)  # light, dark
STYLE = """
  .ground { fill: #ffffff } text { font: 19px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 17px }
  .box { fill: #f3f5f8; stroke-width: 2 } .named { stroke-dasharray: 6 4 }
  .arrow { fill: none; opacity: 0.7 } .plain { fill: none; stroke: #57606a }
  .up { stroke-dasharray: 3 3; opacity: 1 }
  LIGHT
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #e6edf3 } .box { fill: #1b2027 } .plain { stroke: #9aa4af }
    DARK
  }
"""


def style() -> str:
    """The style sheet; each importing package has one of four hues, so that its arrows can be followed."""
    light, dark = (
        " ".join(
            f".hue{n} {{ stroke: {hue[k]} }} .head{n} {{ fill: {hue[k]} }}" for n, hue in enumerate(HUES)
        )
        for k in (0, 1)
    )
    return STYLE.replace("LIGHT", light).replace("DARK", dark)


def width_of(count: int) -> float:
    """The width in px of an arrow that stands for `count` imports."""
    return next(width for least, width, _ in reversed(CLASSES) if count >= least)


def layout(
    pairs: list[tuple[str, str]],
) -> tuple[dict[str, tuple[float, float]], dict[tuple[str, str, int], float]]:
    """Boxes, {package: (upper edge, height)}, and {(importing, imported, 0 or 1): y} of both ends of each arrow.

    At a box, arrows to those above it end above those to boxes below it, the nearest box's outermost.
    """
    rank = {name: number for number, name in enumerate(reversed(ORDER))}
    boxes: dict[str, tuple[float, float]] = {}
    ends: dict[tuple[str, str, int], float] = {}
    top = float(TOP)
    for name in rank:
        touching = [(pair, pair.index(name)) for pair in pairs if name in pair]
        others = {pair: rank[pair[1 - side]] - rank[name] for pair, side in touching}
        above = sorted((end for end in touching if others[end[0]] < 0), key=lambda end: -others[end[0]])
        below = sorted((end for end in touching if others[end[0]] > 0), key=lambda end: -others[end[0]])
        height = max(32.0, PORT * (len(touching) + 1))
        for number, (pair, side) in enumerate([*above, *below]):
            ends[(*pair, side)] = top + height * (number + 1) / (len(touching) + 1)
        boxes[name] = (top, height)
        top += height + GAP
    return boxes, ends


def drawn_arrow(start: float, end: float, width: float, hue: int, up: bool) -> str:
    """The curve from (right edge of the boxes, start) to (the same, end), with its head; an SVG element."""
    edge = LEFT + BOX
    reach = edge + 40 + (WIDTH - edge) * 1.15 * (abs(end - start) / 1250) ** 0.6
    curve = f"M{edge},{start:.1f} C{reach:.1f},{start:.1f} {reach:.1f},{end:.1f} {edge + 9},{end:.1f}"
    return (
        f'<path class="arrow hue{hue}{" up" * up}" stroke-width="{width}" d="{curve}"/>'
        f'<path class="head{hue}" d="M{edge},{end:.1f} l11,-4.5 v9 z"/>'
    )


def legend(without_core: list[str]) -> Iterator[str]:
    """The lines above the boxes."""
    yield f'<text x="{LEFT}" y="30">An arrow: this package imports that one</text>'
    for (_, width, words), x in zip(CLASSES, (LEFT, 240, 400), strict=True):
        yield f'<path class="plain" stroke-width="{width}" d="M{x},52 h44"/>'
        yield f'<text class="small" x="{x + 52}" y="58">{words}</text>'
    but = " but " + ", ".join(without_core) if without_core else ""
    words = f"All{but} import core too. Dashed: reached by name, not imported."
    yield f'<text class="small" x="{LEFT}" y="84">{words}</text>'


def picture() -> str:
    """The whole SVG."""
    counts = {pair: count for pair, count in arrows().items() if "clrx" not in pair}
    pairs = sorted(
        (pair for pair in counts if pair[1] != "core"), key=lambda pair: tuple(map(position, pair))
    )
    boxes, ends = layout(pairs)
    height = sum(boxes["core"]) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" role="img">',
        "<title>The packages of clrx; each imports only packages below it</title>",
        f"<style>{style()}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height:.0f}"/>',
        *legend([name for name in ORDER[1:] if (name, "core") not in counts]),
    ]
    for pair in pairs:
        start, end = ends[(*pair, 0)], ends[(*pair, 1)]
        hue, up = ORDER.index(pair[0]) % len(HUES), position(pair[1]) > position(pair[0])
        parts.append(drawn_arrow(start, end, width_of(counts[pair]), hue, up))
    for name, (top, tall) in boxes.items():
        kind = f"box hue{ORDER.index(name) % len(HUES)}" + " named" * (name in BY_NAME)
        parts.append(
            f'<rect class="{kind}" x="{LEFT}" y="{top:.1f}" width="{BOX}" height="{tall:.1f}" rx="6"/>'
        )
        parts.append(f'<text x="{LEFT + 12}" y="{top + tall / 2 + 6.5:.1f}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    FILE.write_text(picture())
    print(FILE)
