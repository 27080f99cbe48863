"""Metrics of a classifier from all its labels and scores, the confusion matrix, and the decision threshold."""

from collections.abc import Sequence

import numpy as np

from clrx.data.source import Task
from clrx.metrics.weighted import HALF, Columns, columns, weighted

NAMES = (
    "accuracy",
    "balanced_accuracy",
    "auroc",
    "average_precision",
    "precision",
    "recall",
    "specificity",
    "f1",
)
# Whether a metric needs positive images, and negative images, of a class before it has a value for it.
_NEEDS = {
    "balanced_accuracy": (True, True),
    "auroc": (True, True),
    "average_precision": (True, True),
    "precision": (True, False),
    "recall": (True, False),
    "specificity": (False, True),
    "f1": (True, False),
}


def measure(
    task: Task,
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: float | Sequence[float] = 0.5,
    classes: Sequence[str] = (),
    at_half: bool = False,
) -> dict[str, float | None]:
    """Labels and scores of N images -> the metrics in NAMES; recall is sensitivity.

    A metric is None where a class that it needs is absent (`reasons` says which); scikit-learn gives 0 or nan and
    a warning there. docs/metrics.md lists where other implementations differ.

    binary: labels (N,) 0/1, scores (N,) probability of the positive class, which an image is called when
    its score >= threshold; precision is 0 when none is called so. multiclass: labels (N,), scores (N, K);
    decisions by argmax, all but accuracy is the one-vs-rest mean over classes. multilabel: labels and scores
    (N, K); means over the K columns, then `auroc_NAME` and `average_precision_NAME` with the names in
    `classes`. `at_half` adds the metrics of decisions at 0.5 as `accuracy_at_0.5` and so on. AUROC is the
    Mann-Whitney probability (ties half), average precision the step sum. RunError for scores that are not
    finite.
    """
    view = columns(task, labels, scores, threshold, classes, at_half)
    values = weighted(view, np.ones((len(view.truth), 1)))
    found = {name: float(values[name][0]) for name in in_order(values)}
    return {name: value if np.isfinite(value) else None for name, value in found.items()}


def in_order(names: Sequence[str] | dict) -> list[str]:
    """Names of metrics sorted: those in NAMES, then those of single classes, then those at a threshold of 0.5."""
    position = {name: i for i, name in enumerate([*NAMES, *(name + HALF for name in NAMES)])}
    return sorted(names, key=lambda name: (name.endswith(HALF), position.get(name, len(position))))


def reasons(task: Task, labels: np.ndarray, classes: Sequence[str] = ()) -> dict[str, str]:
    """Labels -> name -> sentence, for each metric of `measure` that is None or whose mean leaves classes out."""
    labels = np.asarray(labels)
    count = labels.shape[1] if task == "multilabel" else len(classes) or int(labels.max()) + 1
    shape = (len(labels),) if task == "binary" else (len(labels), count)
    view = columns(task, labels, np.zeros(shape), classes=classes)
    found = {name: text for name in _NEEDS if (text := _reason(view, name))}
    found |= {name + HALF: text for name, text in found.items()}
    if task == "multilabel":
        for name, text in _lacking(view, True, True).items():
            found |= {f"auroc_{name}": text, f"average_precision_{name}": text}
    return found


def _reason(view: Columns, name: str) -> str:
    positive, negative = _NEEDS[name]
    if view.task == "multiclass" and name == "balanced_accuracy":
        negative = False  # the mean of the recalls
    lacks = _lacking(view, positive, negative)
    kept = len(view.names) - len(lacks)
    prefix = f"mean over {kept} of {len(view.names)} classes: " if lacks and kept else ""
    return prefix + "; ".join(lacks.values())


def _lacking(view: Columns, positive: bool, negative: bool) -> dict[str, str]:
    """A sentence for each class without a positive image, or without a negative one."""
    lacks = {}
    for name, present, refused in zip(view.names, view.present, view.refused, strict=True):
        if positive and not present:
            lacks[name] = f"no image is of class {name}"
        elif negative and not refused:
            lacks[name] = f"every image is of class {name}"
    return lacks


def confusion(
    task: Task, labels: np.ndarray, scores: np.ndarray, threshold: float | Sequence[float] = 0.5
) -> list:
    """Counts of images as nested lists, for JSON: row = true class, column = predicted class.

    binary: 2 x 2 [[true negative, false positive], [false negative, true positive]]; multiclass: K x K;
    multilabel: one such 2 x 2 a column.
    """
    view = columns(task, labels, scores, threshold)
    if task == "multiclass":
        return (view.truth.T.astype(int) @ view.chosen[""].astype(int)).tolist()
    tables = []
    for truth, chosen in zip(view.truth.T, view.chosen[""].T, strict=True):
        tables.append(np.bincount(2 * truth + chosen, minlength=4).reshape(2, 2).tolist())
    return tables[0] if task == "binary" else tables


def choose_threshold(labels: np.ndarray, scores: np.ndarray, quantile: float = 0.95) -> float:
    """Validation labels (N,) 0/1 and scores (N,) -> the threshold; an image is called positive when score >= it.

    The cut with the largest Youden's J = sensitivity + specificity - 1 (Cancer 3:32, 1950), which also has the
    best balanced accuracy, lies midway between two neighbouring
    scores; of cuts with equal J the one nearest to 0.5 is taken, of two equally near the higher; 0.5 where no
    cut beats chance. Where one class is absent: `quantile` of the negatives' scores (that share of them stays
    below), or 1 - quantile of the positives'.
    """
    view = columns("binary", labels, scores)
    positive, score = view.truth[:, 0], view.scores[:, 0]
    if not positive.any():
        return float(np.quantile(score, quantile))
    if positive.all():
        return float(np.quantile(score, 1 - quantile))
    cuts, rank = np.unique(score, return_inverse=True)
    hits, alarms = (_at_least(rank[part], len(cuts)) for part in (positive, ~positive))
    youden = hits * (~positive).sum() - alarms * positive.sum()  # J times both counts: exact, in integers
    best = np.flatnonzero(youden == youden.max())
    if youden.max() <= 0:
        return 0.5
    middle = (cuts[best - 1] + cuts[best]) / 2
    middle = np.where(middle > cuts[best - 1], middle, cuts[best])  # neighbours one float apart
    return float(middle[np.lexsort((-middle, np.abs(middle - 0.5)))[0]])


def _at_least(ranks: np.ndarray, cuts: int) -> np.ndarray:
    """How many of the scores with these ranks lie at each cut or above it."""
    return np.bincount(ranks, minlength=cuts)[::-1].cumsum()[::-1]


def threshold_rule(labels: np.ndarray, quantile: float = 0.95) -> str:
    """Validation labels -> a sentence, for the record, on the rule by which `choose_threshold` chooses for them."""
    positive = np.asarray(labels).astype(bool)
    if not positive.any():
        return f"quantile {quantile:g} of the scores: validation has no positive image"
    if positive.all():
        return f"quantile {1 - quantile:g} of the scores: validation has no negative image"
    return "largest Youden's J on validation (the cut nearest to 0.5 among equals)"
