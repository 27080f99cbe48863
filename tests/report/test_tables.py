"""One table, four forms."""

import csv
import io

import pytest

from clrx.report import formatting
from clrx.report.tables import Table, as_csv, as_html, as_latex, as_markdown

TABLE = Table("All & <more>", ("a|b", "50%"), (("x_1", "±2 < 3"),), "Note $5.")


def test_markdown_keeps_its_columns():
    assert as_markdown(TABLE).splitlines()[2:5] == ["| a\\|b | 50% |", "| --- | --- |", "| x_1 | ±2 &lt; 3 |"]


def test_latex_escapes_what_is_special():
    text = as_latex(TABLE)
    assert r"\caption{All \& $<$more$>$. Note \$5.}" in text
    assert r"x\_1 & $\pm$2 $<$ 3 \\" in text
    assert r"a|b & 50\% \\" in text


def test_html_is_escaped():
    assert "All &amp; &lt;more&gt;" in as_html(TABLE)


def test_csv_quotes_and_leaves_gaps():
    rows = list(csv.reader(io.StringIO(as_csv(["a", "b"], [["x,y", None], ['"', 0.1 + 0.2]]))))
    assert rows == [["a", "b"], ["x,y", ""], ['"', "0.30000000000000004"]]


def test_a_row_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 headings"):
        Table("t", ("a", "b"), (("only one",),))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (formatting.number(0.87654), "0.8765"),
        (formatting.number(None), "–"),
        (formatting.number(float("nan")), "–"),
        (formatting.signed(-0.0123), "−0.0123"),
        (formatting.signed(0.0), "0"),
        (formatting.span(0.8, None), "–"),
        (formatting.p_value(0.00001), "< 0.0001"),
        (formatting.duration(59.96), "60.0 s"),
        (formatting.duration(245), "4 min 05 s"),
        (formatting.duration(7620), "2 h 07 min"),
        (formatting.count(36.0), "36"),
        (formatting.count(12500.0), "12,500"),
        (formatting.listed(["a", "b", "c"]), "a, b and c"),
        (formatting.listed(["a", "b", "c"], 2), "a, b and 1 more"),
    ],
)
def test_how_numbers_are_written(shown, expected):
    assert shown == expected


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1"])
def test_a_cell_is_no_formula(cell):
    """A class or folder may be called so; a spreadsheet would compute it."""
    assert as_csv(["name", cell], [[cell, -0.5]]).splitlines() == [f"name,'{cell}", f"'{cell},-0.5"]
