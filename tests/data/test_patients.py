"""Patients in the names of files: what a pattern finds, which names are recognised, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clrx.core.errors import UserError
from clrx.data.patients import column_or_pattern, groups_by, likely_groups, settle_likely_groups
from clrx.data.source import Source
from clrx.data.split import make_split


def refusal(call, *args, **keys) -> str:
    with pytest.raises(UserError) as error:
        call(*args, **keys)
    return str(error.value)


KERMANY = [f"person{p}_{'bacteria' if p % 2 else 'virus'}_{k}.jpeg" for p in range(1, 9) for k in range(3)]
KERMANY += [
    f"{'NORMAL2-' if p % 2 else ''}IM-{p:04d}-{k:04d}.jpeg" for p in range(115, 121) for k in range(2)
]
RECOGNISED = [  # (names, pattern, groups)
    ("Kermany's X-rays", KERMANY, r"person\d+|IM-\d+", 14),
    ("Kermany's OCT", [f"CNV-{1016042 + p}-{k}.jpeg" for p in range(6) for k in range(4)], r"^[A-Z]+-\d+", 6),
    ("NIH", [f"{p:08d}_{k:03d}.png" for p in range(13, 20) for k in range(2)], r"^\d+", 7),
    ("NIH in folders", [f"images_{k}/{p:08d}_{k:03d}.png" for p in range(13, 20) for k in range(2)], None, 7),
    (
        "folders",
        [f"patient{p:05d}/study1/view{k}_frontal.jpg" for p in range(5) for k in range(2)],
        r"patient\d+",
        5,
    ),
    ("eyes", [f"{p}_{side}.jpeg" for p in range(10, 16) for side in ("left", "right")], "^(.+)[_-]", 6),
    ("frames", [f"v{p}_{k:04d}.png" for p in range(6) for k in range(5)], "^(.+)[_-]", 6),
    ("frames in folders", [f"a/v{p}_{k}.png" for p in range(6) for k in range(5)], "([^/]+)[_-][^/]*$", 6),
    (
        "mammograms",
        [f"Case_{p}_{s}_{v}.png" for p in range(4) for s in "LR" for v in ("CC", "MLO")],
        r"Case_\d+",
        4,
    ),
]


@pytest.mark.parametrize(
    ("what", "names", "pattern", "groups"), RECOGNISED, ids=[row[0] for row in RECOGNISED]
)
def test_names_that_share_a_patients_number_are_recognised(what, names, pattern, groups):
    found = likely_groups(names, names, 2)
    assert found is not None
    assert pattern in (found.pattern, None)
    assert len({*found.of_row}) == groups
    again, _ = groups_by(found.pattern, names, names)  # what the message says to type makes the same groups
    assert again == [*found.of_row]


ORDINARY = [
    ("numbers", [f"{k}.png" for k in range(40)]),
    ("numbers with zeros", [f"{k:05d}.png" for k in range(40)]),
    ("a word and a number", [f"cat.{k}.jpg" for k in range(40)]),
    ("a word, a number", [f"img_{k}.jpg" for k in range(40)]),
    ("ids", [f"ISIC_{24306 + k:07d}.jpg" for k in range(40)]),
    ("one prefix with a number", [f"set2_{k}.jpg" for k in range(40)]),
    ("a prefix a class", [f"class{k % 2}_{k}.jpg" for k in range(40)]),
    ("hashes", [f"{k * 2654435761 % 2**32:08x}.png" for k in range(40)]),
    ("a patient an image", [f"patient{k}_1.png" for k in range(40)]),
    ("words", ["été.png", "x y.png", "a-b.png", "cat and dog.png"]),
]


@pytest.mark.parametrize(("what", "names"), ORDINARY, ids=[row[0] for row in ORDINARY])
def test_ordinary_names_are_not(what, names):
    assert likely_groups(names, names, 2) is None


def test_a_pattern_makes_groups():
    names = ["7_1.png", "7.0_2.png", "8_1.png", "other.png"]
    ids = [f"cat/{name}" for name in names]
    groups, notes = groups_by("^([0-9.]+)_", names, ids)
    assert groups == ["7", "7", "8", "cat/other.png"]
    assert notes[0].startswith("3 groups by dataset.group=^([0-9.]+)_; 1 names that it does not fit")
    assert groups_by("^[^_]+", names, ids)[0][:3] == ["7", "7", "8"]


@pytest.mark.parametrize(("pattern", "said"), [("([", "is no pattern"), ("^x", "fits no name, e.g. a.png")])
def test_patterns_that_are_none(pattern, said):
    assert said in refusal(groups_by, pattern, ["a.png"], ["a.png"])


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (None, (None, None)),
        ("patient", ("patient", None)),
        ("patient?", ("patient?", None)),  # a column of this name
        ("^[^_]+", (None, "^[^_]+")),
        ("none", (None, "none")),
    ],
)
def test_a_column_or_a_pattern(group, expected):
    assert column_or_pattern(group, ["path", "patient", "patient?"]) == expected


def source_of(names, split=None) -> Source:
    table = pd.DataFrame({"image": names, "group": names})
    if split is not None:
        table["split"] = split
    return Source(
        *("mine", "binary", ("well", "sick"), table, np.arange(len(names)) % 3 % 2),
        files=tuple(names),
        likely=likely_groups(names, names, 2),
    )


PEOPLE = [f"person{p}_{k}.png" for p in range(15) for k in range(4)]


def test_a_split_across_likely_patients_is_refused_and_says_how_to_go_on():
    source = source_of(PEOPLE)
    split = make_split(source)
    parts = {name: {source.likely.of_row[i] for i in getattr(split, name)} for name in ("train", "test")}
    leaked = parts["train"] & parts["test"]
    assert len(leaked) > 5  # before: most patients were on both sides
    said = refusal(settle_likely_groups, source, split, "group")
    assert "of 15 numbers that names share, as of a patient, lie in several parts" in said
    assert r"dataset.group='person\d+' keeps each whole; dataset.group=none: each image for itself" in said
    groups, _ = groups_by(r"person\d+", PEOPLE, PEOPLE)
    whole = replace(source, table=source.table.assign(group=groups), likely=None)
    split = make_split(whole)
    assert not {groups[i] for i in split.train} & {groups[i] for i in split.test}  # after


def test_a_split_by_image_and_parts_that_are_named_are_taken_with_a_note():
    source = source_of(PEOPLE)
    split = settle_likely_groups(source, make_split(source, "image"), "image")
    assert r"are they patients? dataset.group='person\d+'" in split.notes[-1]
    named = source_of(PEOPLE, [("train", "validation", "test", "train")[k % 4] for k in range(len(PEOPLE))])
    split = settle_likely_groups(named, make_split(named, "given"), "given")
    assert "15 of 15 numbers" in split.notes[-1]


def test_a_validation_part_that_is_drawn_from_named_training_images_is_refused():
    named = source_of(PEOPLE, ["test" if k >= 40 else "train" for k in range(len(PEOPLE))])
    split = make_split(named, "given")
    assert "lie in several parts" in refusal(settle_likely_groups, named, split, "given")


def test_likely_groups_follow_the_rows():
    taken = source_of(PEOPLE).take(np.array([5, 0]))
    assert taken.likely.of_row == ("person1", "person0")
