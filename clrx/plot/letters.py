"""Text in figures is what it says: no mathematics, no missing letters, whatever a class is called."""

import logging
from collections.abc import Callable
from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from clrx.core.output import visible

log = logging.getLogger("clrx")


def settle_text(figure: Figure) -> None:
    r"""Have every text of a figure drawn as it is: `$\bad$` is a name, and each letter is drawn by a font that has it.

    A letter that no font of this machine has is drawn as its code (`U+80BA`); the log says so.
    """
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(formatter := axis.get_major_formatter(), FuncFormatter):  # labels that were given
                axis.set_major_formatter(FuncFormatter(_with_plain(formatter.func)))
                for label in axis.get_ticklabels():
                    _set_fonts(label)
    for text in figure.findobj(Text):
        if (
            r"\mathdefault" not in text.get_text()
        ):  # what matplotlib itself writes at axes: 10 to the power of -3
            text.set_parse_math(False)
            text.set_text(_plain(text.get_text(), escape=False))
        _set_fonts(text)


def _with_plain(labels: Callable[..., str]) -> Callable[..., str]:
    return lambda value, position=None: _plain(labels(value, position))


def _plain(text: str, escape: bool = True) -> str:
    """The text without what steers, its missing letters as codes; `escape`: it is going to be looked at for `$`."""
    known = visible(text)
    if not known.isascii():
        known = "".join(letter if letter.isascii() or font_of(letter) else _code(letter) for letter in known)
    return known.replace("$", r"\$") if escape else known


def _code(letter: str) -> str:
    _say_missing(letter)
    return f"U+{ord(letter):04X}"


@cache
def _say_missing(letter: str) -> None:
    log.warning("no font here has the letter U+%04X: a font such as Noto Sans, installed, would", ord(letter))


def _set_fonts(text: Text) -> None:
    others = {font_of(letter) for letter in text.get_text() if not letter.isascii()} - {None, _usual()}
    if others:
        text.set_fontfamily([_usual(), *sorted(name for name in others if name)])


@cache
def _usual() -> str:
    """The family that matplotlib draws with."""
    return FontProperties(fname=findfont(FontProperties())).get_name()


@cache
def font_of(letter: str) -> str | None:
    """The family of a font that has a letter: the usual one, else another of this machine; None where none has."""
    if ord(letter) in get_font(findfont(FontProperties())).get_charmap() or letter.isspace():
        return _usual()
    return next((name for name, path in _families().items() if ord(letter) in _letters(path)), None)


@cache
def _families() -> dict[str, str]:
    """A file for each family of fonts here, by its name; the usual weight and slant where there is a choice."""
    order = sorted(fontManager.ttflist, key=lambda one: (one.style != "normal", one.weight != 400, one.fname))
    return {
        one.name: one.fname for one in reversed(order) if not one.name.startswith("Last Resort")
    }  # of boxes


@cache
def _letters(path: str) -> frozenset[int]:
    try:
        return frozenset(get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
