"""figures/calibration.png: how often an image scored p is positive, over the histogram of scores."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from clrx.plot import style
from clrx.run.read import read_run
from clrx.run.scores import Scores


class Reliability(NamedTuple):
    """Bins that hold an image: mean score, share that was right, images; and the error over all."""

    score: np.ndarray  # (M,)
    observed: np.ndarray  # (M,)
    images: np.ndarray  # (M,)
    error: float  # expected calibration error


def reliability(right: np.ndarray, scores: np.ndarray, bins: int = 10) -> Reliability:
    """Bins of equal width over [0, 1]; ECE = sum_b n_b / n |observed_b - score_b| (Guo et al. 2017, eq. 3).

    right: (N,) 0/1, scores: (N,) in [0, 1]. ValueError for scores outside.
    """
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(f"scores from {scores.min():g} to {scores.max():g} are no probabilities")
    place = np.minimum((scores * bins).astype(int), bins - 1)
    images = np.bincount(place, minlength=bins)
    held = images > 0
    score = np.bincount(place, scores, bins)[held] / images[held]
    observed = np.bincount(place, right, bins)[held] / images[held]
    error = float(np.sum(images[held] * np.abs(observed - score)) / len(scores))
    return Reliability(score, observed, images[held], error)


def draw(run: Path) -> list[Path]:
    """Draw a run's reliability diagram; nothing without test scores, or where they are no probabilities."""
    test = read_run(run).scores
    if test is None or test.view.scores.min() < 0 or test.view.scores.max() > 1:
        return []
    right, scores, xlabel, ylabel = outcomes(test)
    panels = [style.WIDTH - 0.8, 1.1]
    figure, (ax, below) = style.sheet(panels, "Calibration, test set", read_run(run).facts, lines=1)
    prepare(ax, ylabel)
    curve(ax, reliability(right, scores), color=style.colour(0), label="")
    histogram(below, scores, xlabel)
    style.legend_below(ax)
    return [style.save(figure, run / "figures" / "calibration.png")]


def outcomes(test: Scores) -> tuple[np.ndarray, np.ndarray, str, str]:
    """(right, score, x label, y label) of the positive class; multiclass: of the predicted class.

    Findings of a multilabel set are pooled.
    """
    view = test.view
    if view.task == "multiclass":
        right = (view.truth & view.chosen[""]).any(axis=1)
        return right, view.scores.max(axis=1), "score of the predicted class", "share predicted rightly"
    pooled = ", all findings" if view.task == "multilabel" else ""
    return view.truth.ravel(), view.scores.ravel(), f"score{pooled}", "share that is positive"


def prepare(ax: Axes, ylabel: str) -> None:
    """Axes and the diagonal of perfect calibration."""
    style.unit_square(ax, "", ylabel, aspect="auto")
    ax.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=":")


def curve(ax: Axes, found: Reliability, label: str, **line: Any) -> None:
    """One reliability curve with its ECE in the legend; Wilson 95% bars, which take images as independent."""
    low, high = wilson(found.observed, found.images)
    bars = np.clip([found.observed - low, high - found.observed], 0, None)
    text = f"{label} ECE {found.error:.3f} over 10 bins (bars: Wilson 95%)".strip()
    ax.errorbar(found.score, found.observed, bars, fmt="o-", markersize=4, linewidth=1.3, label=text, **line)


def wilson(share: np.ndarray, images: np.ndarray, z: float = 1.959964) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95% score interval of shares (M,) of so many images (J. Am. Stat. Assoc. 22:209, 1927)."""
    middle = (share + z**2 / (2 * images)) / (1 + z**2 / images)
    half = z * np.sqrt(share * (1 - share) / images + z**2 / (4 * images**2)) / (1 + z**2 / images)
    return middle - half, middle + half


def histogram(ax: Axes, scores: np.ndarray, xlabel: str) -> None:
    """Images a bin of score."""
    style.dress(ax, xlabel, "images")
    ax.hist(scores, bins=20, range=(0, 1), color=style.colour(0), alpha=0.7)
