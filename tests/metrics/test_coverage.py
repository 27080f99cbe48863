"""How often a 95% interval of AUROC holds the true value: where no reason is given, as often as it says."""

import numpy as np
import pytest

from clrx.metrics.intervals import intervals

TRUE = 0.7602  # AUROC of normal scores one apart: Phi(1 / sqrt(2))
SETS, RESAMPLES = 400, 200


def covered(groups: int, positive: int, each: int = 1) -> tuple[float, bool]:
    """Share of simulated test sets whose interval holds TRUE, and whether a reason stood beside it.

    `groups` patients with `each` images, `positive` of the patients are positive; images of a patient share half of
    their variance.
    """
    random = np.random.default_rng(groups + positive)
    labels = np.repeat(np.arange(groups) < positive, each).astype(int)
    patients = np.repeat(np.arange(groups), each)
    held, warned = 0, False
    for number in range(SETS):
        shared = np.repeat(random.normal(size=groups), each) * np.sqrt(0.5)
        scores = labels + shared + random.normal(size=len(labels)) * np.sqrt(0.5)
        found = intervals("binary", labels, scores, patients, 0.5, number, RESAMPLES)["auroc"]
        held += found["low"] <= TRUE <= found["high"]
        warned = "reason" in found
    return held / SETS, warned


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "positive", "each"), [(100, 50, 1), (200, 60, 1), (80, 40, 4)])
def test_where_no_reason_is_given_the_interval_covers_what_it_says(groups, positive, each):
    share, warned = covered(groups, positive, each)
    assert not warned
    assert 0.925 <= share <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "positive", "each"), [(10, 5, 1), (100, 5, 1), (10, 5, 4)])
def test_where_it_covers_less_a_reason_is_given(groups, positive, each):
    share, warned = covered(groups, positive, each)
    assert share < 0.925
    assert warned


@pytest.mark.parametrize(
    ("groups", "positive", "reason"),
    [
        (19, 9, "only 19 groups"),
        (20, 9, "only 9 groups have the rarest class"),
        (20, 10, None),
        (40, 31, "only 9 groups have the rarest class"),
    ],
)
def test_few_groups_and_few_of_a_class_are_said(groups, positive, reason):
    labels = (np.arange(groups) < positive).astype(int)
    scores = np.random.default_rng(0).normal(size=groups) + labels
    found = intervals("binary", labels, scores, np.arange(groups), resamples=50)["auroc"]
    assert (found.get("reason") or "").startswith(reason or "")
    assert ("reason" in found) == (reason is not None)
