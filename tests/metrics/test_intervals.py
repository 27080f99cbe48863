"""Bootstrap intervals against explicit resamples through scikit-learn, and their coverage by simulation."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics as reference

from clrx.core.randomness import random_generator
from clrx.metrics.intervals import counts, intervals
from clrx.metrics.measure import measure


def patients(seed: int, count: int = 60, tasks: int = 1):
    """Clustered binormal data: scores share a patient's effect and are rounded, so many tie."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(count), rng.integers(1, 6, count))
    labels = (rng.random((len(groups), tasks)) < 0.4).astype(int)
    scores = labels + rng.normal(size=(count, 1))[groups] + rng.normal(size=labels.shape)
    return labels, np.round(norm.cdf(scores - 0.5), 2), np.array([f"p{g}" for g in groups])


def explicit(groups: np.ndarray, seed: int, resamples: int):
    """Rows of each resample, patient by patient, as a reader of the docstring would sample them."""
    names = np.unique(groups)
    for number in range(resamples):
        picked = random_generator(seed, "bootstrap", number).integers(0, len(names), len(names))
        yield np.concatenate([np.flatnonzero(groups == names[g]) for g in picked])


def edges(values) -> list[float]:
    return list(np.percentile(values, [2.5, 97.5]))


def test_binary_as_explicit_resamples_through_scikit_learn():
    labels, scores, groups = patients(1)
    labels, scores = labels[:, 0], scores[:, 0]
    found = intervals("binary", labels, scores, groups, 0.6, seed=5, resamples=60)
    rows = list(explicit(groups, 5, 60))
    measures = {
        "auroc": lambda y, s: reference.roc_auc_score(y, s),
        "average_precision": lambda y, s: reference.average_precision_score(y, s),
        "balanced_accuracy": lambda y, s: reference.balanced_accuracy_score(y, s >= 0.6),
        "precision": lambda y, s: reference.precision_score(y, s >= 0.6),
        "f1_at_0.5": lambda y, s: reference.f1_score(y, s >= 0.5),
    }
    for name, function in measures.items():
        low, high = edges([function(labels[r], scores[r]) for r in rows])
        expected = {"value": function(labels, scores), "low": low, "high": high}
        assert found[name] == pytest.approx(expected, abs=1e-12), name


def test_multiclass_as_explicit_resamples_through_scikit_learn():
    rng = np.random.default_rng(2)
    labels = np.arange(240) % 3
    scores = rng.dirichlet([1, 1, 1], 240) + np.eye(3)[labels] * 0.3
    scores /= scores.sum(axis=1, keepdims=True)
    groups = np.arange(240) // 2
    found = intervals("multiclass", labels, scores, groups, seed=3, resamples=40)
    rows = list(explicit(groups.astype(str), 3, 40))
    auroc = [reference.roc_auc_score(labels[r], scores[r], multi_class="ovr") for r in rows]
    assert [found["auroc"]["low"], found["auroc"]["high"]] == pytest.approx(edges(auroc), abs=1e-12)
    accuracy = [np.mean(labels[r] == scores[r].argmax(axis=1)) for r in rows]
    assert [found["accuracy"]["low"], found["accuracy"]["high"]] == pytest.approx(edges(accuracy))
    assert "accuracy_at_0.5" not in found


def test_multilabel_as_explicit_resamples_through_scikit_learn():
    labels, scores, groups = patients(4, tasks=3)
    found = intervals("multilabel", labels, scores, groups, seed=1, resamples=40, classes=("a", "b", "c"))
    rows = list(explicit(groups, 1, 40))
    for k, name in enumerate("abc"):
        each = [reference.roc_auc_score(labels[r, k], scores[r, k]) for r in rows]
        got = found[f"auroc_{name}"]
        assert [got["low"], got["high"]] == pytest.approx(edges(each), abs=1e-12)
    mean = [reference.roc_auc_score(labels[r], scores[r]) for r in rows]
    assert [found["auroc"]["low"], found["auroc"]["high"]] == pytest.approx(edges(mean), abs=1e-12)


def test_the_same_seed_gives_the_same_interval_in_any_order_and_another_seed_another():
    labels, scores, groups = patients(3)
    first = intervals("binary", labels[:, 0], scores[:, 0], groups, seed=1, resamples=100)
    turned = np.random.default_rng(0).permutation(len(labels))
    again = intervals("binary", labels[turned, 0], scores[turned, 0], groups[turned], seed=1, resamples=100)
    other = intervals("binary", labels[:, 0], scores[:, 0], groups, seed=2, resamples=100)
    for name, value in first.items():
        assert again[name] == pytest.approx(value, abs=1e-12)
    assert first["auroc"]["low"] != other["auroc"]["low"]


def test_a_resample_has_as_many_groups_as_there_are():
    found = counts(7, range(50), seed=0)
    assert found.shape == (7, 50)
    assert (found.sum(axis=0) == 7).all()
    assert np.array_equal(counts(7, range(20, 30), seed=0), found[:, 20:30])


def test_values_are_those_of_measure():
    labels, scores, groups = patients(6)
    found = intervals("binary", labels[:, 0], scores[:, 0], groups, 0.3, resamples=10)
    expected = measure("binary", labels[:, 0], scores[:, 0], 0.3, at_half=True)
    assert {name: each["value"] for name, each in found.items()} == expected


@pytest.mark.parametrize(
    ("labels", "groups", "name", "low", "reason"),
    [
        ([0, 0, 0, 0], "abcd", "auroc", None, "no image is of class positive"),
        ([0, 1, 0, 1], "aaaa", "auroc", None, "one group only: no interval"),
        ([0, 1, 0, 1], "abcd", "accuracy", "some", "only 4 groups: the interval is likely too narrow"),
        ([0, 0, 0, 1], "abcd", "recall", "some", "resamples lack a class and were left out"),
        ([0, 1, 0, 1], "aabb", "auroc", "some", "every resample gave this value: the interval says nothing"),
    ],
)
def test_what_an_interval_cannot_say_is_said(labels, groups, name, low, reason):
    scores = np.array([0.2, 0.9, 0.6, 0.8])
    found = intervals("binary", np.array(labels), scores, np.array(list(groups)), resamples=200)[name]
    assert reason in found["reason"]
    assert (found["low"] is None) == (low is None)
    assert (found["low"] is None) == (found["high"] is None)


def test_patients_sampled_whole_widen_the_interval():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 25)  # 25 nearly equal images a patient: 40 observations, not 1,000
    labels = (groups % 2).astype(int)
    scores = norm.cdf(labels + rng.normal(size=40)[groups] + 0.05 * rng.normal(size=1000))
    whole = intervals("binary", labels, scores, groups, resamples=200)["auroc"]
    single = intervals("binary", labels, scores, np.arange(1000), resamples=200)["auroc"]
    # 25 images a patient carry the variance of one: the width grows by about sqrt(25)
    ratio = (whole["high"] - whole["low"]) / (single["high"] - single["low"])
    assert 3.5 < ratio < 7


@pytest.mark.slow
def test_coverage_is_about_95_percent_on_clustered_binormal_data():
    """AUROC of binormal scores is Phi(distance / sqrt(2 * variance)), a patient's effect in the variance."""
    truth = norm.cdf(1 / np.sqrt(2 * 2))
    covered = 0
    for trial in range(400):
        rng = np.random.default_rng(trial)
        groups = np.repeat(np.arange(150), 3)
        labels = (rng.random(450) < 0.5).astype(int)
        scores = labels + rng.normal(size=150)[groups] + rng.normal(size=450)
        found = intervals("binary", labels, scores, groups, seed=trial, resamples=300)["auroc"]
        covered += found["low"] <= truth <= found["high"]
    assert 0.92 <= covered / 400 <= 0.98  # three standard errors are 3.3 points
