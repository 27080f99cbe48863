"""Charts of characters, dot by dot."""

import numpy as np
import pytest

from clrx.plot.terminal import chart, show_lines
from clrx.schedule.preview import Line


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


@pytest.mark.parametrize(
    ("epochs", "first_row", "last_row"),
    [(31, "0 0 0 9 cycle ends", "30 300 300 309 cycle ends"), (127, "0-2 0 0 29 cycle ends", "126 1260")],
)
def test_long_runs_have_several_epochs_a_row_and_every_cycle_end(
    capsys, tmp_path, epochs, first_row, last_row
):
    """A rate that counts its steps, 10 an epoch: each number of the table can be read off."""
    steps = np.arange(10 * epochs)
    ends = tuple(end for end in (1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 127.0) if end <= epochs)
    show_lines([Line("sgdr", steps / 10, steps.astype(float), ends)], tmp_path)
    rows = [" ".join(row.split()) for row in capsys.readouterr().out.splitlines()]
    assert first_row in rows
    assert any(row.startswith(last_row) and row.endswith("cycle ends") for row in rows)
    assert sum("cycle ends" in row for row in rows) == {31: 5, 127: 6}[epochs]  # 1 and 3 share a row


def test_a_policy_is_warned_about_by_name(capsys, tmp_path):
    lines = [Line(name, np.arange(20) / 10, np.ones(20), warnings=(f"about {name}",)) for name in ("a", "b")]
    show_lines(lines, tmp_path)
    out = capsys.readouterr().out
    assert "warning: a: about a\nwarning: b: about b\n" in out
