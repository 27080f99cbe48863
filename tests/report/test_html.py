"""Nothing that is not markup reaches a page unescaped."""

import pytest

from clrx.report import html

EVIL = "<script>alert('1')</script>&\""


@pytest.mark.parametrize(
    "made",
    [
        html.tag("p", EVIL),
        html.tag("p", [EVIL, ["b", EVIL]], title=EVIL),
        html.table([EVIL], [[EVIL, EVIL]], EVIL),
        html.pairs([(EVIL, EVIL)]),
        html.details(EVIL, EVIL),
        html.picture(b"", "svg", EVIL, EVIL),
        html.document(EVIL, "", EVIL),
    ],
)
def test_text_is_escaped_wherever_it_stands(made):
    assert "<script" not in made
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;&quot;" in made


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (html.tag("p", None), "<p></p>"),
        (
            html.tag("p", "a", class_="b", data_x="1", open=True, hidden=False, id=None),
            '<p class="b" data-x="1" open>a</p>',
        ),
        (html.tag("img", src="x"), '<img src="x">'),
        (html.render([html.tag("b", "<"), "<", ("a", "b")]), "<b>&lt;</b>&lt;ab"),
    ],
)
def test_elements(made, expected):
    assert made == expected


def test_a_long_name_of_a_row_breaks_at_its_underscores():
    assert ">&lt;modified_<wbr>triangular2</th>" in html.table(["a"], [["<modified_triangular2"]])
    assert ">a_b</td>" in html.table(["a", "b"], [["x", "a_b"]])
