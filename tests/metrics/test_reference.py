"""Metrics of labels and scores made at random, with ties, absent classes and weights, against scikit-learn's.

CLRX_TEST_SEED=7 pytest -m slow tests/metrics/test_reference.py     # the same data again
"""

import os
import random
import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from clrx.metrics.measure import confusion, measure
from clrx.metrics.weighted import columns, weighted

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("CLRX_TEST_SEED") or random.SystemRandom().randrange(2**31))
ROUNDS = 300


@pytest.fixture(params=range(10))
def rngs(request):
    print(f"CLRX_TEST_SEED={SEED}")
    return [np.random.default_rng([SEED, request.param, number]) for number in range(ROUNDS // 10)]


def tied(rng, shape):
    """Scores in [0, 1], of few distinct values in half of the cases."""
    scores = rng.random(shape)
    levels = rng.integers(1, 12)
    return np.round(scores * levels) / levels if rng.random() < 0.5 else scores


def one_column(truth, scores, chosen, weights=None) -> dict[str, float | None]:
    """The metrics of one class against the rest, None where a class that they need is absent."""
    w = {"sample_weight": weights}
    positive, negative = truth.any(), not truth.all()
    found: dict[str, float | None] = dict.fromkeys(
        ("auroc", "average_precision", "precision", "recall", "specificity", "f1", "balanced_accuracy")
    )
    if positive:
        found["recall"] = reference.recall_score(truth, chosen, **w)
        found["precision"] = reference.precision_score(truth, chosen, zero_division=0, **w)
        found["f1"] = reference.f1_score(truth, chosen, **w)
    if negative:
        found["specificity"] = reference.recall_score(truth, chosen, pos_label=0, **w)
    if positive and negative:
        found["auroc"] = reference.roc_auc_score(truth, scores, **w)
        found["average_precision"] = reference.average_precision_score(truth, scores, **w)
        found["balanced_accuracy"] = (found["recall"] + found["specificity"]) / 2
    return found


def mean_of(each: list[dict[str, float | None]]) -> dict[str, float | None]:
    """The mean of each metric over the classes that have it; None where none has."""
    kept = {name: [one[name] for one in each if one[name] is not None] for name in each[0]}
    return {name: float(np.mean(values)) if values else None for name, values in kept.items()}


def same(found, expected):
    assert set(found) >= set(expected)
    for name, value in expected.items():
        assert found[name] == (None if value is None else pytest.approx(value, abs=1e-9)), name


def test_binary(rngs):
    for rng in rngs:
        count = rng.integers(1, 200)
        labels = (rng.random(count) < rng.choice([0.0, 0.02, 0.3, 0.9, 1.0])).astype(int)
        scores, threshold = tied(rng, count), float(tied(rng, 1)[0])
        chosen = scores >= threshold
        expected = one_column(labels, scores, chosen) | {"accuracy": np.mean(labels == chosen)}
        same(measure("binary", labels, scores, threshold), expected)
        table = reference.confusion_matrix(labels, chosen, labels=[0, 1]).tolist()
        assert confusion("binary", labels, scores, threshold) == table


def test_binary_under_weights(rngs):
    for rng in rngs:
        labels, scores = rng.integers(0, 2, 60), tied(rng, 60)
        labels[:2] = 0, 1
        weights = rng.integers(0, 4, 60) * rng.choice([0.01, 0.25, 1.0])
        weights[:2] = weights.max() or 1.0
        found = weighted(columns("binary", labels, scores), weights[:, None])
        expected = one_column(labels, scores, scores >= 0.5, weights)
        same({name: float(value[0]) for name, value in found.items()}, expected)


def test_multiclass(rngs):
    for rng in rngs:
        count, classes = rng.integers(1, 150), rng.integers(2, 7)
        present = rng.choice(classes, rng.integers(1, classes + 1), replace=False)
        labels, scores = rng.choice(present, count), tied(rng, (count, classes))
        chosen = scores.argmax(axis=1)
        each = [one_column(labels == k, scores[:, k], chosen == k) for k in range(classes)]
        expected = mean_of(each) | {"accuracy": reference.accuracy_score(labels, chosen)}
        expected["balanced_accuracy"] = expected["recall"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a class is predicted and absent
            assert expected["recall"] == pytest.approx(reference.balanced_accuracy_score(labels, chosen))
        same(measure("multiclass", labels, scores), expected)
        table = reference.confusion_matrix(labels, chosen, labels=range(classes)).tolist()
        assert confusion("multiclass", labels, scores) == table


def test_multilabel(rngs):
    for rng in rngs:
        count, classes = rng.integers(1, 150), rng.integers(1, 6)
        labels = (rng.random((count, classes)) < rng.choice([0.0, 0.1, 0.5, 1.0], classes)).astype(int)
        scores, thresholds = tied(rng, (count, classes)), tied(rng, classes)
        chosen, names = scores >= thresholds, [f"class {k}" for k in range(classes)]
        each = [one_column(labels[:, k], scores[:, k], chosen[:, k]) for k in range(classes)]
        expected = mean_of(each) | {"accuracy": 1 - reference.hamming_loss(labels, chosen)}
        for name, one in zip(names, each, strict=True):
            expected |= {f"auroc_{name}": one["auroc"]}
            expected |= {f"average_precision_{name}": one["average_precision"]}
        same(measure("multilabel", labels, scores, thresholds, names), expected)
