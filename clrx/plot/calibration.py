"""Calibration: how often an image that is scored p is positive, above the histogram of scores."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clrx.plot import style
from clrx.run.scores import Scores


class Reliability(NamedTuple):
    """Scores in bins, those without an image left out, and how far they are from what was observed."""

    score: np.ndarray  # (M,) mean score of a bin's images
    observed: np.ndarray  # (M,) share of them that was right
    images: np.ndarray  # (M,)
    error: float  # expected calibration error


def reliability(right: np.ndarray, scores: np.ndarray, bins: int = 10) -> Reliability:
    """Bins of equal width over [0, 1]; ECE = sum_b n_b / n |observed_b - score_b| (Guo et al. 2017, eq. 3).

    right: (N,) 0/1, scores: (N,) in [0, 1]. ValueError for scores outside.
    """
    if not are_probabilities(scores):
        raise ValueError(f"scores from {scores.min():g} to {scores.max():g} are no probabilities")
    index = np.minimum((scores * bins).astype(int), bins - 1)
    images = np.bincount(index, minlength=bins)
    some = images > 0
    score = np.bincount(index, scores, bins)[some] / images[some]
    observed = np.bincount(index, right, bins)[some] / images[some]
    error = float(np.sum(images[some] * np.abs(observed - score)) / len(scores))
    return Reliability(score, observed, images[some], error)


def are_probabilities(scores: np.ndarray) -> bool:
    """Whether all scores lie in [0, 1]."""
    return bool(scores.min() >= 0 and scores.max() <= 1)


def plot(test: Scores, footer: str) -> Figure | None:
    """The reliability diagram of a run; None where its scores are no probabilities."""
    right, scores, xlabel, ylabel = outcomes(test)
    if not are_probabilities(test.view.scores):
        return None
    figure, (ax, below) = style.sheet([style.WIDTH - 0.8, 1.1], "Calibration, test set", footer, lines=1)
    prepare(ax, ylabel)
    found = reliability(right, scores)
    low, high = wilson(found.observed, found.images)
    bars = np.clip([found.observed - low, high - found.observed], 0, None)
    look: dict[str, Any] = {"fmt": "o-", "markersize": 4, "linewidth": 1.3, "color": style.colour(0)}
    text = f"ECE {found.error:.3f} over 10 bins (bars: Wilson 95%)"  # which takes images as independent
    ax.errorbar(found.score, found.observed, bars, label=text, **look)
    style.dress(below, xlabel, "images")
    below.hist(scores, bins=20, range=(0, 1), color=style.colour(0), alpha=0.7)
    style.legend_below(ax)
    return figure


def outcomes(test: Scores) -> tuple[np.ndarray, np.ndarray, str, str]:
    """(right, score, x label, y label) of the positive class; multiclass: of the predicted class.

    Findings of a multilabel set are pooled.
    """
    view = test.view
    if view.task == "multiclass":
        right = (view.truth & view.chosen[""]).any(axis=1)
        return right, view.scores.max(axis=1), "score of the predicted class", "share predicted correctly"
    pooled = ", all findings" if view.task == "multilabel" else ""
    return view.truth.ravel(), view.scores.ravel(), f"score{pooled}", "share that is positive"


def prepare(ax: Axes, ylabel: str) -> None:
    """Label the axes and draw the diagonal of perfect calibration."""
    style.unit_square(ax, "", ylabel, aspect="auto")
    ax.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=":")


def wilson(share: np.ndarray, images: np.ndarray, z: float = 1.959964) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95% score interval of shares (M,) of so many images (J. Am. Stat. Assoc. 22:209, 1927)."""
    middle = (share + z**2 / (2 * images)) / (1 + z**2 / images)
    half = z * np.sqrt(share * (1 - share) / images + z**2 / (4 * images**2)) / (1 + z**2 / images)
    return middle - half, middle + half
