"""Metrics against hand arithmetic and scikit-learn; thresholds by hand."""

import numpy as np
import pytest
from sklearn import metrics as reference
from sklearn.preprocessing import label_binarize

from clrx.core.errors import RunError
from clrx.metrics.measure import NAMES, choose_threshold, confusion, measure, reasons, threshold_rule
from clrx.metrics.weighted import columns, rank, weighted

# Eight images by hand, 3 positive and 5 negative: at 0.5 two hits, a miss and a false alarm.
LABELS = np.array([1, 1, 1, 0, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.7, 0.3, 0.7, 0.4, 0.3, 0.2, 0.1])
BY_HAND = {
    "accuracy": 6 / 8,
    "balanced_accuracy": (2 / 3 + 4 / 5) / 2,
    "auroc": (5 + 4.5 + 2.5) / 15,  # negatives below each positive, a tie counts half
    "average_precision": 1 / 3 * (1 / 1) + 1 / 3 * (2 / 3) + 1 / 3 * (3 / 6),
    "precision": 2 / 3,
    "recall": 2 / 3,
    "specificity": 4 / 5,
    "f1": 2 / 3,
}


def random_scores(task: str, seed: int, count: int = 300, classes: int = 4):
    """Labels and scores with many ties (scores rounded to two places)."""
    rng = np.random.default_rng(seed)
    if task == "multiclass":
        labels = rng.integers(0, classes, count)
        raw = rng.random((count, classes)) + np.eye(classes)[labels] * rng.random((count, 1))
        return labels, raw / raw.sum(axis=1, keepdims=True)
    shape = (count, classes) if task == "multilabel" else (count,)
    labels = (rng.random(shape) < 0.3).astype(int)
    return labels, np.round(np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1), 2)


def test_binary_by_hand():
    assert measure("binary", LABELS, SCORES) == pytest.approx(BY_HAND, abs=1e-12)
    assert list(measure("binary", LABELS, SCORES)) == list(NAMES)
    assert confusion("binary", LABELS, SCORES) == [[4, 1], [1, 2]]


def test_an_image_at_the_threshold_is_positive():
    assert confusion("binary", LABELS, SCORES, 0.7) == [[4, 1], [1, 2]]
    assert confusion("binary", LABELS, SCORES, 0.7000001) == [[5, 0], [2, 1]]


def test_at_half_stands_beside_the_frozen_threshold():
    found = measure("binary", LABELS, SCORES, threshold=0.25, at_half=True)
    assert found["recall"] == 1.0
    assert found["specificity"] == 2 / 5
    halves = {name: value for name, value in found.items() if name.endswith("_at_0.5")}
    assert halves == pytest.approx(
        {f"{name}_at_0.5": BY_HAND[name] for name in NAMES if name not in ("auroc", "average_precision")}
    )


@pytest.mark.parametrize("seed", range(5))
def test_binary_as_scikit_learn(seed):
    labels, scores = random_scores("binary", seed)
    chosen = scores >= 0.45
    assert measure("binary", labels, scores, 0.45) == pytest.approx(
        {
            "accuracy": reference.accuracy_score(labels, chosen),
            "balanced_accuracy": reference.balanced_accuracy_score(labels, chosen),
            "auroc": reference.roc_auc_score(labels, scores),
            "average_precision": reference.average_precision_score(labels, scores),
            "precision": reference.precision_score(labels, chosen),
            "recall": reference.recall_score(labels, chosen),
            "specificity": reference.recall_score(labels, chosen, pos_label=0),
            "f1": reference.f1_score(labels, chosen),
        },
        abs=1e-12,
    )


@pytest.mark.parametrize("seed", range(3))
def test_multiclass_as_scikit_learn(seed):
    labels, scores = random_scores("multiclass", seed)
    chosen = scores.argmax(axis=1)
    found = measure("multiclass", labels, scores)
    specificity = [reference.recall_score(labels == k, chosen == k, pos_label=0) for k in range(4)]
    expected = {
        "accuracy": reference.accuracy_score(labels, chosen),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, chosen),
        "auroc": reference.roc_auc_score(labels, scores, multi_class="ovr"),
        "average_precision": reference.average_precision_score(
            label_binarize(labels, classes=range(4)), scores
        ),
        "precision": reference.precision_score(labels, chosen, average="macro"),
        "recall": reference.recall_score(labels, chosen, average="macro"),
        "specificity": np.mean(specificity),
        "f1": reference.f1_score(labels, chosen, average="macro"),
    }
    assert found == pytest.approx(expected, abs=1e-12)
    assert confusion("multiclass", labels, scores) == reference.confusion_matrix(labels, chosen).tolist()


def test_multilabel_as_scikit_learn():
    labels, scores = random_scores("multilabel", 7, classes=3)
    names = ("Effusion", "Hernia", "Mass")
    found = measure("multilabel", labels, scores, classes=names)
    each = [reference.roc_auc_score(labels[:, k], scores[:, k]) for k in range(3)]
    assert [found[f"auroc_{name}"] for name in names] == pytest.approx(each, abs=1e-12)
    assert found["auroc"] == pytest.approx(np.mean(each), abs=1e-12)
    assert found["average_precision"] == pytest.approx(reference.average_precision_score(labels, scores))
    assert found["accuracy"] == pytest.approx(np.mean(labels == (scores >= 0.5)))
    assert found["f1"] == pytest.approx(reference.f1_score(labels, scores >= 0.5, average="macro"))
    expected = reference.multilabel_confusion_matrix(labels, scores >= 0.5).tolist()
    assert confusion("multilabel", labels, scores) == expected


def test_multilabel_takes_a_threshold_a_class():
    labels, scores = random_scores("multilabel", 3, classes=2)
    each = [measure("binary", labels[:, k], scores[:, k], t)["recall"] for k, t in enumerate((0.3, 0.6))]
    assert measure("multilabel", labels, scores, (0.3, 0.6))["recall"] == pytest.approx(np.mean(each))


def test_auroc_is_one_number_from_all_scores_not_a_mean_over_batches():
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.8, 0.9])
    assert measure("binary", labels, scores)["auroc"] == 3 / 4  # the mean over two batches of two would be 1


@pytest.mark.parametrize(
    ("labels", "without", "reason"),
    [
        (
            [0, 0, 0],
            {"balanced_accuracy", "auroc", "average_precision", "precision", "recall", "f1"},
            "no image is of class Mass",
        ),
        (
            [1, 1, 1],
            {"balanced_accuracy", "auroc", "average_precision", "specificity"},
            "every image is of class Mass",
        ),
        ([0, 1, 1], set(), None),
    ],
)
def test_none_with_a_reason_where_a_class_is_absent(labels, without, reason):
    found = measure("binary", np.array(labels), np.array([0.2, 0.4, 0.9]))
    assert {name for name, value in found.items() if value is None} == without
    why = reasons("binary", np.array(labels), ("No Finding", "Mass"))
    assert {name for name in why if not name.endswith("_at_0.5")} == without
    assert set(why.values()) == ({reason} if without else set())


def test_means_say_which_classes_they_leave_out():
    labels, scores = random_scores("multilabel", 1, classes=3)
    labels[:, 1] = 0
    names = ("Effusion", "Hernia", "Mass")
    found, why = measure("multilabel", labels, scores, classes=names), reasons("multilabel", labels, names)
    assert found["auroc_Hernia"] is None
    assert found["auroc"] == pytest.approx((found["auroc_Effusion"] + found["auroc_Mass"]) / 2)
    assert why["auroc"] == "mean over 2 of 3 classes: no image is of class Hernia"
    assert why["auroc_Hernia"] == "no image is of class Hernia"
    assert "auroc_Mass" not in why


def test_multiclass_means_over_the_classes_there():
    labels, scores = random_scores("multiclass", 2)
    kept = labels != 3
    found = measure("multiclass", labels[kept], scores[kept])
    chosen = scores[kept].argmax(axis=1)
    expected = reference.recall_score(labels[kept], chosen, labels=[0, 1, 2], average="macro")
    assert found["recall"] == found["balanced_accuracy"] == pytest.approx(expected)
    assert reasons("multiclass", labels[kept], "abcd")["recall"].startswith("mean over 3 of 4 classes")


def test_precision_is_0_where_nothing_is_called_positive():
    found = measure("binary", LABELS, SCORES, threshold=2.0)
    assert (found["precision"], found["recall"], found["f1"]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(bad):
    scores = SCORES.copy()
    scores[[2, 5]] = bad
    with pytest.raises(RunError, match="2 of 8 images") as caught:
        measure("binary", LABELS, scores)
    assert "row 2" in caught.value.where


@pytest.mark.parametrize(
    ("task", "labels", "scores"),
    [
        ("binary", [0, 1], [0.5]),
        ("binary", [0, 2], [0.5, 0.5]),
        ("binary", [0, 1], [[0.5, 0.5], [0.5, 0.5]]),
        ("multiclass", [0, 3], [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]),
        ("multilabel", [0, 1], [[0.5, 0.5], [0.5, 0.5]]),
        ("binary", [], []),
    ],
)
def test_what_does_not_fit_is_refused(task, labels, scores):
    with pytest.raises(ValueError, match=task):
        measure(task, np.array(labels), np.array(scores))


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.9], 0.5),  # apart: midway in the gap
        ([0, 0, 1, 1], [0.01, 0.03, 0.05, 0.07], 0.04),  # a model that is never above 0.5
        ([0, 1, 0, 1], [0.1, 0.3, 0.5, 0.9], 0.7),  # J = 0.5 at 0.2 and at 0.7: 0.7 is nearer to 0.5
        ([0, 1, 0, 1], [0.125, 0.375, 0.625, 0.875], 0.75),  # 0.25 is as near: the higher
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], 0.5),  # worse than chance
        ([0, 1, 0, 1], [0.6, 0.6, 0.6, 0.6], 0.5),  # one score for all
    ],
)
def test_threshold_by_hand(labels, scores, expected):
    assert choose_threshold(np.array(labels), np.array(scores)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_threshold_has_the_best_balanced_accuracy(seed):
    labels, scores = random_scores("binary", seed)
    best = max(
        reference.balanced_accuracy_score(labels, scores >= cut) for cut in [*np.unique(scores), np.inf]
    )
    chosen = choose_threshold(labels, scores)
    assert measure("binary", labels, scores, chosen)["balanced_accuracy"] == pytest.approx(best)


def test_threshold_parts_neighbouring_floats():
    low = np.float64(0.3)
    high = np.nextafter(low, 1)
    chosen = choose_threshold(np.array([0, 1]), np.array([low, high]))
    assert low < chosen <= high


def test_threshold_of_one_class_is_a_quantile_and_says_so():
    scores = np.linspace(0, 1, 101)
    assert choose_threshold(np.zeros(101), scores) == pytest.approx(0.95)
    assert choose_threshold(np.ones(101), scores) == pytest.approx(0.05)
    assert threshold_rule(np.zeros(3)) == "quantile 0.95 of the scores: validation has no positive image"
    assert threshold_rule(np.ones(3)) == "quantile 0.05 of the scores: validation has no negative image"
    assert threshold_rule(np.array([0, 1])).startswith("largest Youden's J")


def test_rank_under_weights_is_rank_of_repeated_images():
    labels, scores = random_scores("binary", 11)
    weights = np.random.default_rng(0).integers(0, 4, (len(labels), 6)).astype(float)
    auroc, precision = rank(labels.astype(bool), scores, weights)
    for r in range(6):
        rows = np.repeat(np.arange(len(labels)), weights[:, r].astype(int))
        assert auroc[r] == pytest.approx(reference.roc_auc_score(labels[rows], scores[rows]), abs=1e-12)
        expected = reference.average_precision_score(labels[rows], scores[rows])
        assert precision[r] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("unit", [1.0, 0.25, 1e-3])
def test_metrics_under_weights_of_any_size_are_scikit_learns(unit):
    """Weights below 1 too: an image called positive with a weight of 0.25 counts as a quarter."""
    labels, scores = random_scores("binary", 5, count=40)
    weights = unit * np.random.default_rng(1).integers(0, 3, 40)
    chosen, w = scores >= 0.6, {"sample_weight": weights}
    found = weighted(columns("binary", labels, scores, 0.6), weights[:, None])
    expected = {
        "accuracy": reference.accuracy_score(labels, chosen, **w),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, chosen, **w),
        "auroc": reference.roc_auc_score(labels, scores, **w),
        "average_precision": reference.average_precision_score(labels, scores, **w),
        "precision": reference.precision_score(labels, chosen, **w),
        "recall": reference.recall_score(labels, chosen, **w),
        "specificity": reference.recall_score(labels, chosen, pos_label=0, **w),
        "f1": reference.f1_score(labels, chosen, **w),
    }
    assert {name: float(value[0]) for name, value in found.items()} == pytest.approx(expected, abs=1e-12)


def test_precision_of_a_quarter_of_an_image_by_hand():
    """Called positive: a hit of weight 0.25 and a false alarm of 0.25; half of 0.5 is right."""
    view = columns("binary", np.array([1, 0, 1]), np.array([0.9, 0.8, 0.1]))
    assert weighted(view, np.array([[0.25], [0.25], [0.25]]))["precision"].tolist() == [0.5]
