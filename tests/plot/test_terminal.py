"""Charts of characters, dot by dot."""

import numpy as np
import pytest

from clrx.plot.terminal import chart


@pytest.mark.parametrize(
    ("values", "width", "height", "expected"),
    [
        ([0, 1, 2, 3], 4, 4, ["   *", "  **", " ** ", "**  "]),
        ([3, 2, 1, 0], 4, 4, ["**  ", " ** ", "  **", "   *"]),
        ([5, 5, 5], 3, 3, ["   ", "***", "   "]),
        ([0, 1], 4, 2, ["  **", "*** "]),  # fewer values than columns
        ([0, 9, 0, 9, 0, 9], 2, 3, ["**", "**", "**"]),  # more: a column spans what it holds
    ],
)
def test_stars(values, width, height, expected):
    assert chart(np.array(values, dtype=float), width, height, braille=False) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1], "⣸"),  # the lowest dot at the left (7), all four at the right (4, 5, 6, 8)
        ([1, 0], "⢹"),  # the highest at the left (1), all four at the right
        ([2, 2], "⠤"),  # the third row (3, 6)
    ],
)
def test_braille(values, expected):
    assert chart(np.array(values, dtype=float), 1, 1) == [expected]


def test_every_row_has_the_width():
    rows = chart(np.sin(np.arange(5000) / 300), 40, 6)
    assert [len(row) for row in rows] == [40] * 6
