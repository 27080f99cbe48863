"""Splits: what is whole stays whole, everything is somewhere, order plays no part, mistakes are refused."""

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources import a_source

from clrx.core.errors import UserError
from clrx.data.source import Source
from clrx.data.split import make_split


def many(count=400, patients=90, positive=0.3, seed=0) -> Source:
    generator = np.random.default_rng(seed)
    groups = generator.integers(patients, size=count)
    return a_source([f"p{g}" for g in groups], generator.random(count) < positive)


def parts_of(split) -> list[set[int]]:
    return [set(split.train.tolist()), set(split.validation.tolist()), set(split.test.tolist())]


def groups_of(source: Source, split) -> list[set[str]]:
    return [set(source.table["group"].iloc[sorted(part)]) for part in parts_of(split)]


def named(source: Source, split) -> dict[str, int]:
    return {source.table["image"].iloc[row]: k for k, part in enumerate(parts_of(split)) for row in part}


sources = st.builds(
    many,
    count=st.integers(60, 200),
    patients=st.integers(20, 60),
    positive=st.floats(0.25, 0.75),
    seed=st.integers(0, 10**6),
)
ways = st.sampled_from([{"by": "group"}, {"by": "image"}, *({"by": "group", "fold": f} for f in range(3))])


@settings(max_examples=60)
@given(source=sources, way=ways, seed=st.integers(0, 2**40), order=st.randoms(use_true_random=False))
def test_a_split_is_a_partition_that_keeps_groups_whole_whatever_the_order(source, way, seed, order):
    request = {"validation": 0.2, "test": 0.3, "folds": 3, "seed": seed, **way}
    split = make_split(source, **request)
    parts = parts_of(split)
    assert set().union(*parts) == set(range(len(source)))
    assert sum(map(len, parts)) == len(source)
    assert all(rows.dtype == np.int64 and (np.diff(rows) > 0).all() for rows in (split.train, split.test))
    if way["by"] == "group":
        train, validation, test = groups_of(source, split)
        assert len(train) + len(validation) + len(test) == len(train | validation | test)
    assert all(set(source.labels[sorted(part)]) == {0, 1} for part in parts)

    shuffled = list(range(len(source)))
    order.shuffle(shuffled)
    again = source.take(np.array(shuffled))
    assert named(again, make_split(again, **request)) == named(source, split)
    assert make_split(again, **request).hash == split.hash


@settings(max_examples=30)
@given(
    source=sources,
    folds=st.integers(2, 6),
    seed=st.integers(0, 2**40),
    by=st.sampled_from(["group", "image"]),
)
def test_the_test_parts_of_all_folds_divide_the_data(source, folds, seed, by):
    splits = [make_split(source, by, 0.15, 0.2, folds, fold, seed) for fold in range(folds)]
    tested = np.concatenate([split.test for split in splits])
    assert sorted(tested) == list(range(len(source)))
    assert len({split.hash for split in splits}) == folds


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=40),
    validation=st.floats(0.05, 0.4),
    test=st.floats(0.05, 0.4),
    seed=st.integers(0, 10**6),
)
def test_shares_of_images_are_met_to_within_two_groups(sizes, validation, test, seed):
    """One stratum: either cut misses by half a group at most; to fill an empty part may move one group more."""
    groups = np.repeat([f"g{k}" for k in range(len(sizes))], sizes)
    source = a_source(groups, np.zeros(len(groups)), classes=("only",))
    split = make_split(source, "group", validation, test, seed=seed)
    assert abs(len(split.test) - test * len(source)) <= 2 * max(sizes)
    assert abs(len(split.validation) - validation * len(source)) <= 2 * max(sizes)


def test_seed_changes_the_split_and_nothing_else_does():
    source = many()
    first = make_split(source, seed=1)
    assert make_split(source, seed=1).hash == first.hash
    assert make_split(source, seed=2).hash != first.hash


def test_hash_is_the_sha256_of_the_sorted_lines():
    source = a_source("abc", [0, 0, 0], ["test", "train", "validation"], classes=("only",))
    by_hand = sha256(b"i0\ttest\ni1\ttrain\ni2\tvalidation\n").hexdigest()
    assert make_split(source, "given").hash == by_hand


def test_a_rare_class_of_three_groups_is_in_every_part():
    groups = [f"p{k}" for k in range(100)]
    labels = np.isin(np.arange(100), [3, 50, 71])
    for seed in range(20):
        split = make_split(a_source(groups, labels), seed=seed)
        assert [int(labels[rows].sum()) for rows in (split.train, split.validation, split.test)] == [1, 1, 1]


def test_official_takes_the_named_test_and_cuts_validation_by_group():
    source = many()
    official = np.where(source.table["group"].str.endswith("7"), "test", "train")
    source = a_source(source.table["group"], source.labels, official)
    split = make_split(source, "official", validation=0.25)
    assert set(split.test) == set(np.flatnonzero(official == "test"))
    assert len(split.validation) == pytest.approx(0.25 * (official == "train").sum(), abs=10)
    assert not set.intersection(*groups_of(source, split)[:2])


def test_given_is_taken_as_it_is():
    column = ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
    source = a_source("abcdefgh", [0, 1] * 4, column)
    split = make_split(source, "given", validation=0.5, test=0.4)
    assert [list(rows) for rows in (split.train, split.validation, split.test)] == [
        [0, 1, 2, 3],
        [4, 5],
        [6, 7],
    ]


def test_no_validation_is_made_where_none_is_asked_for():
    source = many()
    for request in ({}, {"folds": 5, "fold": 2}):
        split = make_split(source, validation=0.0, **request)
        assert len(split.validation) == 0
        assert len(split.train) + len(split.test) == len(source)


def test_splitting_by_image_says_how_many_patients_leak():
    source = many()
    split = make_split(source, "image")
    train, validation, test = groups_of(source, split)
    leaking = (train & validation) | (train & test) | (validation & test)
    assert leaking
    assert split.notes == (
        f"split by image: patients leak, {len(leaking)} of {source.table['group'].nunique()} groups lie in more "
        "than one part",
    )
    assert make_split(a_source([f"p{k}" for k in range(50)], [0, 1] * 25), "image").notes == ()


def test_a_label_that_a_part_lacks_is_a_note_for_multilabel():
    labels = np.zeros((60, 2))
    labels[::2, 0] = 1
    labels[5, 1] = 1
    source = a_source([f"p{k}" for k in range(60)], labels, classes=("common", "rare"))
    notes = make_split(source).notes
    assert len(notes) == 2
    assert all("no image of class rare in" in note and "1 images of 1 groups" in note for note in notes)


def test_ten_classes_of_unequal_size_are_everywhere():
    generator = np.random.default_rng(5)
    labels = generator.choice(10, 2000, p=np.arange(1, 11) / 55)
    groups = generator.integers(700, size=2000).astype(str)
    source = Source("made", "multiclass", tuple("abcdefghij"), a_source(groups, labels).table, labels)
    split = make_split(source)
    for rows, share in ((split.train, 0.7), (split.validation, 0.1), (split.test, 0.2)):
        found = np.bincount(labels[rows], minlength=10) / np.bincount(labels)
        assert (np.abs(found - share) < 0.1).all()


@pytest.mark.parametrize(
    ("source", "request_", "message"),
    [
        (many(), {"by": "pateint"}, "unknown split: pateint"),
        (many(), {"by": "offical"}, "did you mean official?"),
        (many(), {"validation": -0.1}, "out of range: validation=-0.1"),
        (many(), {"test": 0.0}, "test=0.0"),
        (many(), {"validation": 0.5, "test": 0.5}, "sum below 1"),
        (many(), {"test": float("nan")}, "test=nan"),
        (many(), {"folds": 5, "fold": 5}, "fold 5 of 5 is out of range"),
        (many(), {"folds": 5, "fold": -1}, "fold -1 of 5"),
        (many(), {"folds": 1, "fold": 0}, "fold 0 of 1"),
        (many(), {"fold": 3}, "fold 3 of None"),
        (many(), {"by": "official", "folds": 5, "fold": 0}, "the official split has no folds"),
        (many(), {"by": "official"}, "the dataset names no official split"),
        (many(), {"by": "given"}, "train_val_list.txt"),
        (a_source("aabb", [0, 1, 0, 1]), {}, "2 groups cannot be split into 3 parts"),
        (a_source("aabb", [0, 1, 0, 1]), {"folds": 3, "fold": 0}, "2 groups cannot make 3 folds"),
        (a_source("abcdefgh", [0, 0, 0, 0, 0, 0, 1, 1]), {}, "no image of class yes in"),
        (a_source("abcdefgh", [0] * 8), {}, "class yes in train (0 images of 0 groups in all)"),
        (
            a_source("abcd", [0, 1, 0, 1], ["train", "train", "test", "tset"]),
            {"by": "given"},
            "1 images are in no part",
        ),
        (
            a_source("abcd", [0, 1, 0, 1], ["train"] * 4),
            {"by": "official"},
            "no image is in the official test",
        ),
        (
            a_source("abac", [0, 1, 0, 1], ["train", "train", "test", "test"]),
            {"by": "given"},
            "more than one",
        ),
        (a_source(["a", None, "b", "c"], [0, 1, 0, 1]), {}, "1 images have no group"),
    ],
)
def test_mistakes_are_refused_in_words(source, request_, message):
    with pytest.raises(UserError) as error:
        make_split(source, **request_)
    assert message in str(error.value)


def test_an_image_listed_twice_is_refused():
    source = many()
    source.table.loc[7, "image"] = "i3"
    with pytest.raises(UserError, match="i3 is listed twice"):
        make_split(source)


def test_a_full_release_is_split_in_seconds():
    """30,805 patients with 112,120 images, as NIH ChestX-ray14 has them."""
    generator = np.random.default_rng(0)
    groups = np.concatenate([np.arange(30805), generator.integers(30805, size=112120 - 30805)])
    source = a_source(groups.astype(str), generator.random(112120) < 0.1)
    split = make_split(source)
    assert len(split.test) == pytest.approx(0.2 * 112120, rel=0.01)
    assert len(split.validation) == pytest.approx(0.1 * 112120, rel=0.02)
