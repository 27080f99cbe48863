"""Statistics over seeds against hand arithmetic, scipy and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from clrx.metrics.statistics import (
    Difference,
    Reached,
    Summary,
    compare,
    conclusion,
    holm,
    paired,
    sign_flip,
    summarise,
    time_to_target,
)


def series(values) -> dict:
    return dict(enumerate(values))


def test_summary_by_hand():
    found = summarise([0.80, 0.82, 0.84, None, float("nan")])
    assert (found.n, found.mean, found.std) == (3, pytest.approx(0.82), pytest.approx(0.02))
    # t(0.975, 2) = 4.302653, from Student's table
    assert found.high - found.mean == pytest.approx(4.302653 * 0.02 / 3**0.5, rel=1e-6)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], Summary(0, None, None, None, None)), ([0.9], Summary(1, 0.9, None, None, None))],
)
def test_too_few_for_an_interval(values, expected):
    assert summarise(values) == expected


def test_paired_as_scipy():
    rng = np.random.default_rng(0)
    ours, base = rng.normal(0.82, 0.02, 7), rng.normal(0.8, 0.02, 7)
    found, expected = paired(series(ours), series(base)), stats.ttest_rel(ours, base)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    flip = stats.permutation_test(
        (ours, base), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=1e6
    )
    assert found.p_flip == pytest.approx(flip.pvalue)


def test_two_policies_that_are_one_function_differ_by_exactly_0():
    values = series([0.1 + 0.2, 0.7, 1 / 3])
    assert paired(values, dict(values)) == Difference(3, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0)
    text = conclusion("triangular", "twin", paired(values, values))
    assert text == "triangular and twin gave the same value on 3 seeds: difference 0."


def test_pairs_are_made_by_seed_and_what_has_no_partner_is_named():
    found = paired({3: 0.9, 1: 0.7, 2: None, 5: 0.8}, {1: 0.6, 3: 0.7, 2: 0.5, 4: 0.5})
    assert found.n == 2
    assert found.mean == pytest.approx(0.15)
    assert set(found.unpaired) == {2, 4, 5}


@pytest.mark.parametrize(
    ("ours", "base", "n"), [([0.83, 0.85], [0.82, 0.84], 2), ([0.83], [0.82], 1), ([None], [0.82], 0)]
)
def test_no_spread_no_interval(ours, base, n):
    found = paired(series(ours), series(base))
    assert (found.n, found.low, found.high, found.p) == (n, None, None, None)


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([0.1], 1.0),
        ([0.1, 0.2, 0.3], 2 / 8),  # the smallest p that 3 seeds can give
        ([0.1, 0.2, -0.3], 1.0),  # their sum is 0
        ([0.1, 0.2, 0.3, -0.1], 6 / 16),  # all plus, either 0.1 minus, and the same three mirrored
        ([0.01] * 17, None),
        ([], None),
    ],
)
def test_sign_flips_by_hand(gaps, expected):
    found = sign_flip(np.array(gaps))
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # the example of R's p.adjust(method="holm")
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02, None, 0.01], [0.02, None, 0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(values, expected):
    assert holm(values) == [None if p is None else pytest.approx(p) for p in expected]


def test_compare_corrects_over_all_policies():
    rng = np.random.default_rng(1)
    base = rng.normal(0.8, 0.01, 5)
    values = {"constant": series(base)}
    values |= {name: series(base + gain + rng.normal(0, 0.01, 5)) for name, gain in [("a", 0.03), ("b", 0.0)]}
    found = compare(values, "constant")
    assert list(found) == ["a", "b"]
    small, large = sorted((found["a"], found["b"]), key=lambda each: each.p)
    assert small.p_holm == pytest.approx(min(1, 2 * small.p))
    assert large.p_holm == pytest.approx(max(large.p, small.p_holm))
    assert {each.comparisons for each in found.values()} == {2}


def judged(mean, low, high, p, n=3, p_holm=None, comparisons=1) -> Difference:
    return Difference(n, mean, 0.01, low, high, p, 0.25, p_holm, None, comparisons)


@pytest.mark.parametrize(
    ("difference", "higher", "expected"),
    [
        (
            judged(0.004, -0.010, 0.018, 0.3),
            True,
            "3 seeds cannot separate triangular from constant: difference 0.004, "
            "95% interval −0.010 to 0.018.",
        ),
        (
            judged(0.02, 0.01, 0.03, 0.001, n=5, p_holm=0.003, comparisons=3),
            True,
            "triangular is better than constant on 5 seeds: difference 0.020, 95% interval 0.010 to 0.030, "
            "p = 0.003, corrected over 3 comparisons.",
        ),
        (
            judged(0.02, 0.01, 0.03, 0.001, n=5),
            False,
            "triangular is worse than constant on 5 seeds: difference 0.020, 95% interval 0.010 to 0.030, "
            "p = 0.001.",
        ),
        (
            judged(0.02, 0.001, 0.039, 0.04, n=5, p_holm=0.12, comparisons=3),
            True,
            "5 seeds cannot separate triangular from constant: difference 0.020, "
            "95% interval 0.001 to 0.039, but p = 0.12 over 3 comparisons.",
        ),
        (
            judged(0.00012, -0.00034, 0.00058, 0.4),
            True,
            "3 seeds cannot separate triangular from constant: difference 0.00012, "
            "95% interval −0.00034 to 0.00058.",
        ),
        (
            paired({0: 0.83}, {0: 0.82}),
            True,
            "1 seed cannot separate triangular from constant: difference 0.010, one seed has no spread.",
        ),
        (
            paired({0: 0.83, 1: 0.85}, {0: 0.82, 1: 0.84}),
            True,
            "2 seeds cannot separate triangular from constant: difference 0.010, "
            "all differences are equal, so there is no spread.",
        ),
        (paired({0: 0.83}, {1: 0.82}), True, "No seed has a value for both triangular and constant."),
    ],
)
def test_the_plain_sentence(difference, higher, expected):
    assert conclusion("triangular", "constant", difference, higher_is_better=higher) == expected


EPOCHS = pd.DataFrame({"val_accuracy": [0.5, None, 0.8, 0.7, 0.9], "val_loss": [0.9, 0.6, 0.4, 0.5, 0.3]})
EPOCHS["seconds"] = [10.0, 11.0, 12.0, 13.0, 14.0]
STEPS = pd.DataFrame({"epoch": np.arange(20) / 4})


@pytest.mark.parametrize(
    ("column", "target", "falling", "expected"),
    [
        ("val_accuracy", 0.8, False, Reached(3, 12, 33.0)),
        ("val_accuracy", 0.4, False, Reached(1, 4, 10.0)),
        ("val_accuracy", 0.95, False, None),
        ("val_loss", 0.45, True, Reached(3, 12, 33.0)),
    ],
)
def test_time_to_target_by_hand(column, target, falling, expected):
    assert time_to_target(EPOCHS, column, target, falling=falling, steps=STEPS) == expected


def test_time_to_target_says_what_was_not_recorded():
    assert time_to_target(EPOCHS[["val_loss"]], "val_loss", 0.45, falling=True) == Reached(3, None, None)


@pytest.mark.slow
def test_an_injected_improvement_is_covered_in_about_95_percent_of_sweeps():
    rng = np.random.default_rng(0)
    covered = found = wrong = 0
    for _ in range(4000):
        seeds = rng.normal(0.8, 0.03, 5)  # what a seed does to both policies cancels in the pairs
        base, ours = (series(seeds + gain + rng.normal(0, 0.01, 5)) for gain in (0.0, 0.03))
        difference = compare({"base": base, "ours": ours}, "base")["ours"]
        covered += difference.low <= 0.03 <= difference.high
        found += "better" in conclusion("ours", "base", difference)
        wrong += "worse" in conclusion("ours", "base", difference)
    assert 0.94 <= covered / 4000 <= 0.96  # three standard errors are 1.03 points
    assert found / 4000 > 0.8
    assert wrong == 0


@pytest.mark.slow
def test_equal_policies_are_separated_in_no_more_than_5_percent_of_sweeps():
    rng = np.random.default_rng(1)
    separated = 0
    for _ in range(2000):
        values = {name: series(rng.normal(0.8, 0.01, 5)) for name in ("base", "a", "b", "c")}
        differences = compare(values, "base")
        separated += any(each.p_holm < 0.05 for each in differences.values())
    assert separated / 2000 < 0.065  # the bound holds for the family of all three
