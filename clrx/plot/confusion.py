"""Confusion matrices: how many images of each class were predicted as which, and their share of the class."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clrx.plot import style
from clrx.run.scores import Scores


def plot(test: Scores, footer: str) -> Figure:
    """The confusion matrix of a run at the threshold that was chosen on validation."""
    counts, rows, across = table(test)
    width = max(style.WIDTH, 1.6 + 0.52 * len(across))
    cell = 0.9 if len(rows) == 2 else 0.36 if test.view.task == "multilabel" else 0.44
    title = "Confusion, test set"
    if test.view.task != "multiclass" and isinstance(test.threshold, float):
        title += f", threshold {test.threshold:.3g}"
    figure, (ax,) = style.sheet([cell * len(rows) + 1.1], title, footer, width=width)
    matrix(ax, counts, rows, across)
    return figure


def table(test: Scores) -> tuple[np.ndarray, list[str], list[str]]:
    """(counts, row names, column names). Row: true class; column: predicted class.

    A multilabel set has a row for each finding: images where it was found, missed, falsely found, rightly not found.
    """
    truth, chosen = test.view.truth, test.view.chosen[""]
    if test.view.task == "multilabel":
        parts = (truth & chosen, truth & ~chosen, ~truth & chosen, ~truth & ~chosen)
        names = ["present:\nfound", "present:\nmissed", "absent:\nfalse alarm", "absent:\nrejected"]
        return np.stack([part.sum(axis=0) for part in parts], axis=1), list(test.classes), names
    if test.view.task == "binary":
        truth, chosen = np.hstack([~truth, truth]), np.hstack([~chosen, chosen])
    return truth.T.astype(int) @ chosen.astype(int), list(test.classes), list(test.classes)


def matrix(ax: Axes, counts: np.ndarray, rows: list[str], across: list[str]) -> None:
    """Fill the axes with cells coloured by their share of the row.

    Where `across` are not classes, `rows` are findings: shares of the images with and of those without one.
    """
    part = shares(counts, paired=rows != across)
    ax.imshow(part, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    size = style.TEXT if len(rows) <= 4 else style.SMALL - 0.7
    for (i, j), count in np.ndenumerate(counts):
        percent = f"\n{part[i, j]:.0%}" if count else ""
        ink = "#a0a0a0" if not count else "white" if part[i, j] > 0.65 else "black"
        ax.text(j, i, f"{count}{percent}", ha="center", va="center", fontsize=size, color=ink)
    _label(ax, rows, across)


def shares(counts: np.ndarray, paired: bool) -> np.ndarray:
    """Each count as a share of its row, or (`paired`) of its pair of columns; NaN where that is empty."""
    totals = counts.sum(axis=1, keepdims=True)
    if paired:
        totals = np.repeat(counts.reshape(len(counts), 2, 2).sum(axis=2), 2, axis=1)
    return np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)


def _label(ax: Axes, rows: list[str], across: list[str]) -> None:
    turned = len(across) > 2 and rows == across
    ax.set_xticks(
        range(len(across)), across, rotation=45 if turned else 0, ha="right" if turned else "center"
    )
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(labelsize=style.SMALL, length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("" if rows != across else "predicted", fontsize=style.TEXT)
    ax.set_ylabel("" if rows != across else "true class", fontsize=style.TEXT)
    ax.set_xticks(np.arange(len(across) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="minor", length=0)
