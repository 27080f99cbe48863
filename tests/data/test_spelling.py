"""Identifiers in several spellings: what is one name, which spelling stands for it, what stays apart."""

import unicodedata

import pytest

from clrx.data.spelling import plain, unify

UMLAUT = "Röntgen"
APART = unicodedata.normalize("NFD", UMLAUT)  # o and a mark, as macOS names files


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["7", "7.0", "8", "8.0"], ["7", "7", "8", "8"]),
        (["0", "1", "0.0", "1.0", "1."], ["0", "1", "0", "1", "1"]),
        (["1,0", "1"], ["1", "1"]),  # as tables with semicolons write it
        (["Normal", "normal", "Normal"], ["Normal"] * 3),
        (["NORMAL", "normal", "normal"], ["normal"] * 3),
        ([UMLAUT, APART], [UMLAUT] * 2),
        ([APART, APART, UMLAUT], [UMLAUT] * 3),
        (["no  finding", "no finding", "no finding"], ["no finding"] * 3),
    ],
)
def test_one_name(names, expected):
    found, notes = unify(names, "groups")
    assert found == expected
    assert len(notes) == 1
    assert notes[0].startswith("groups in several spellings are taken as one: '")


@pytest.mark.parametrize(
    "names",
    [
        ["7.0", "8.0"],  # one spelling only: it stays as it is
        ["007", "7"],  # a code and a number
        ["7.5", "7"],
        ["a", "A"],  # handwritten letters
        ["1e1", "10"],
        ["p1", "p 1"],
        ["mel", "nv"],
        [APART],
    ],
)
def test_what_stays_as_it_is(names):
    assert unify(names, "groups") == (names, ())


def test_the_note_names_a_few():
    names = [f"{k}{point}" for k in range(9) for point in ("", ".0")]
    assert unify(names, "groups")[1][0].endswith("'2' and '2.0' as '2', and 6 more")


def test_plain_forms():
    assert plain(" 12.00 ") == plain("12") == "12"
    assert plain("-1.0") == "-1"
    assert plain("STRASSE") == plain("Straße")
