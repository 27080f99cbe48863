"""Figures draw the names that data have."""

import warnings

import pytest

from clrx.plot import style
from clrx.plot.letters import font_of

NAMES = [
    r"$\bad$",
    "$",
    "a $ b $",
    "50 \\$",
    "_{x}^{",
    "Röntgen",
    "нормальный",
    "正常",
    "폐렴",
    "طبيعي",
    "\x1b[2J",
    "a\udcffb",
    "🫁",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_drawn_as_it_is(tmp_path, name):
    r"""A class named `$\bad$` failed a trained run in its figures, at every restart; other scripts came as boxes."""
    figure, (ax,) = style.sheet([1.0], f"of {name}", f"footer {name}", lines=1)
    ax.plot([1, 2], label=name)
    ax.set_yticks([1, 2], [name, "b"])
    ax.set_xscale("log")
    style.legend_below(ax)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a letter that no font has
        style.save(figure, tmp_path / "figure.png")
    texts = [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_parse_math"))]
    if name.isascii() and name.isprintable():
        assert name in texts  # in the legend
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_a_letter_of_the_usual_font_is_drawn_by_it_and_one_that_none_has_is_said():
    assert font_of("ö") == font_of("д") == "DejaVu Sans"
    assert font_of("\U000e0041") is None
