"""Each class in each part wherever that can be: against all divisions of small cases, and unchanged where it is so."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from sources import a_source

from clrx.core.errors import UserError
from clrx.data.coverage import can_cover, cover_classes
from clrx.data.split import make_split
from clrx.data.stratify import assign_folds, divide, sample


def everywhere(held: np.ndarray, part: np.ndarray, parts: int) -> bool:
    return all(held[part == p].any(axis=0).all() for p in range(parts))


def by_brute_force(held: np.ndarray, parts: int) -> bool:
    """Whether any of all divisions gives each class to each part."""
    divisions = np.array(list(product(range(parts), repeat=len(held))))
    covered = [((divisions == p).astype(int) @ held > 0).all(axis=1) for p in range(parts)]
    return bool(np.all(covered, axis=0).any())


def small_cases(classes: int, groups: int) -> list[np.ndarray]:
    """Every set of so many groups that hold one or more of so many classes, each class held by one or more."""
    kinds = [kind for kind in product([False, True], repeat=classes) if any(kind)]
    cases = [np.array(case) for case in combinations_with_replacement(kinds, groups)]
    return [held for held in cases if held.any(axis=0).all()]


CASES = [
    (held, parts)
    for classes, groups, parts in [
        (2, 4, 2),
        (2, 5, 3),
        (2, 6, 3),
        (2, 7, 3),
        (3, 4, 2),
        (3, 5, 2),
        (3, 5, 3),
    ]
    for held in small_cases(classes, groups)
]


def rows_of(held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ids and labels of images, one for each class of each group."""
    group, label = np.nonzero(held)
    return np.array([f"g{k}" for k in group]), label


def test_a_division_is_found_wherever_there_is_one():
    for held, parts in CASES:
        found = by_brute_force(held, parts)
        assert can_cover(held, parts) == found
        ids, labels = rows_of(held)
        for seed in range(3):
            part = divide(ids, labels, dict.fromkeys(range(1, parts), 0.2), seed)
            covered = all(set(labels[part == p]) == set(labels) for p in range(parts))
            assert covered == found, (held, parts, seed)
            assert len({(one, p) for one, p in zip(ids, part, strict=True)}) == len(held), "a group is cut"


def test_folds_are_found_wherever_they_are():
    for held, folds in CASES:
        ids, labels = rows_of(held)
        fold_of = assign_folds(ids, labels, folds, 0)
        covered = all(set(labels[fold_of == p]) == set(labels) for p in range(folds))
        assert covered == by_brute_force(held, folds), (held, folds)


def test_two_folds_leave_a_validation_part_wherever_one_can_be_made():
    """What is not tested is divided once more: each of the two folds must hold each class twice."""
    for held in small_cases(2, 6) + small_cases(2, 7):
        ids, labels = rows_of(held)
        source, possible = a_source(ids, labels), by_brute_force(held, 4)
        fold_of = assign_folds(ids, labels, 2, 5, rest=2)
        for fold in range(2):
            rest = np.unique(ids[fold_of != fold])
            assert not possible or can_cover(held[[int(name[1:]) for name in rest]], 2)
            if possible:
                make_split(source, "group", 0.2, 0.2, 2, fold, seed=5)


def test_sixteen_of_twenty_patients_positive():
    generator = np.random.default_rng(2)
    groups = generator.integers(20, size=60)
    source = a_source([f"p{g}" for g in groups], generator.random(60) < 0.375)
    for fold in range(2):
        split = make_split(source, "group", 0.15, 0.2, 2, fold, seed=155935)
        for rows in (split.train, split.validation, split.test):
            assert set(source.labels[rows]) == {0, 1}


def test_a_division_that_is_whole_stays_as_it_is():
    generator = np.random.default_rng(0)
    for _ in range(200):
        held = generator.random((9, 3)) < 0.6
        part = generator.integers(3, size=9)
        if everywhere(held, part, 3):
            assert (cover_classes(part, held, np.arange(9), range(3)) == part).all()


def test_few_groups_are_moved_and_small_ones_first():
    held = np.array([[True, False]] * 4 + [[True, True]] * 4)
    part = np.array([0, 0, 1, 1, 0, 0, 0, 0])
    moved = cover_classes(part, held, np.array([0, 1, 2, 3, 7, 4, 5, 6]), (0, 1))
    assert np.flatnonzero(moved != part).tolist() == [5]


@pytest.mark.parametrize("classes", [14, 400])
def test_many_classes_and_groups(classes):
    """30,805 patients, as NIH has, with labels that come together; two labels are made to be missing somewhere."""
    generator = np.random.default_rng(0)
    held = generator.random((30_805, classes)) < 0.02
    part = generator.integers(3, size=len(held))
    part[held[:, 0] | held[:, 1]] = 0
    mended = cover_classes(part, held, np.arange(len(held)), range(3))
    assert everywhere(held, mended, 3)
    assert (mended != part).sum() <= 4


def test_a_label_of_fewer_groups_than_parts_stops_no_other():
    labels = np.zeros((12, 2), np.uint8)
    labels[[0, 1, 2], 0] = 1
    labels[0, 1] = 1
    for seed in range(20):
        part = divide(np.array([f"g{k}" for k in range(12)]), labels, {1: 0.2, 2: 0.2}, seed)
        assert {*part[:3]} == {0, 1, 2}


def test_a_sample_keeps_each_class():
    """Every negative image lies with a positive one, so the negatives are no stratum of their own."""
    ids = np.array([f"g{k}" for k in range(20)] + ["g7"])
    labels = np.array([1] * 20 + [0])
    for seed in range(20):
        kept = sample(ids, labels, 0.1, 1, seed)
        assert set(labels[kept]) == {0, 1}


def test_a_validation_part_that_would_be_empty_is_refused():
    """Of two groups a class three parts cannot hold each: a validation part without an image is no way out."""
    source = a_source("aabbccdd", [0, 0, 0, 0, 1, 1, 1, 1])
    with pytest.raises(UserError, match="no image of class"):
        make_split(source, validation=0.2, test=0.2)
    assert len(make_split(source, validation=0.0, test=0.2).test) == 4
