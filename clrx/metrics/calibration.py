"""Scores as probabilities: how well they are calibrated, temperature scaling, and what decisions by them are worth."""

from typing import Any

import numpy as np

from clrx.data.source import Task

BINS = 10
TINY = 1e-7  # nearest that a probability comes to 0 and 1
Columns = tuple[np.ndarray, np.ndarray]  # truth (N, K) bool, scores (N, K)


def calibration(truth: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """Truth and scores (N, K), one-vs-rest -> error, Brier score and log loss, means over columns, and the bins.

    `error` is the expected calibration error over bins of equal width (Naeini, Cooper and Hauskrecht, AAAI 2015).
    """
    index = np.minimum((scores * BINS).astype(int), BINS - 1)
    bins, gaps = [], 0.0
    for b in range(BINS):
        inside = index == b
        if count := int(inside.sum()):
            mean, share = float(scores[inside].mean()), float(truth[inside].mean())
            bins.append({"from": b / BINS, "images": count, "score": mean, "positive": share})
    for k in range(truth.shape[1]):
        sums = np.bincount(index[:, k], truth[:, k] - scores[:, k], minlength=BINS)
        gaps += float(np.abs(sums).sum() / len(truth)) / truth.shape[1]
    p = scores.clip(TINY, 1 - TINY)
    loss = -np.where(truth, np.log(p), np.log(1 - p)).mean()
    brier = float(((scores - truth) ** 2).mean())
    return {"error": gaps, "brier": brier, "log_loss": float(loss), "bins": bins}


def fit_temperature(task: Task, labels: np.ndarray, scores: np.ndarray) -> float:
    """The temperature T under which the scores of a validation set have the least log loss; logits are divided by T.

    Source: Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    def loss(log_t: float) -> float:
        p = np.asarray(scaled(task, scores, float(np.exp(log_t)))).clip(TINY, 1 - TINY)
        if task == "multiclass":
            return float(-np.log(p[np.arange(len(labels)), labels]).mean())
        return float(-np.where(np.asarray(labels, bool), np.log(p), np.log(1 - p)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x))


def scaled(task: Task, scores: np.ndarray, temperature: float) -> np.ndarray:
    """Scores with their logits divided by the temperature; the order of images in a column stays."""
    p = np.asarray(scores, np.float64).clip(TINY, 1 - TINY)
    if task == "multiclass":
        powered = p ** (1 / temperature)
        return powered / powered.sum(axis=1, keepdims=True)
    return 1 / (1 + ((1 - p) / p) ** (1 / temperature))


def decision_curve(truth: np.ndarray, scores: np.ndarray) -> list[dict[str, float]]:
    """Truth (N,) bool and scores (N,) -> net benefit of deciding by the score at each threshold, and of calling all.

    Net benefit = TP / n - FP / n * p / (1 - p); calling nobody has 0. Source: Vickers and Elkin, Medical Decision
    Making 26:565, 2006.
    """
    share, curve = float(truth.mean()), []
    for p in np.arange(1, 100) / 100:
        called = scores >= p
        odds = p / (1 - p)
        benefit = float((truth & called).mean() - (~truth & called).mean() * odds)
        curve.append({"threshold": float(p), "net_benefit": benefit, "all": share - (1 - share) * odds})
    return curve


def predictive_values(recall: np.ndarray, specificity: np.ndarray, prevalence: float) -> Columns:
    """(positive, negative) predictive value at a prevalence, by Bayes' rule; NaN where nobody is called so."""
    with np.errstate(invalid="ignore", divide="ignore"):
        hits, alarms = recall * prevalence, (1 - specificity) * (1 - prevalence)
        rest, misses = specificity * (1 - prevalence), (1 - recall) * prevalence
        return np.asarray(hits / (hits + alarms)), np.asarray(rest / (rest + misses))
