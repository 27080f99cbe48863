"""The test set of a run, scored: what ROC, precision-recall, confusion and calibration are plotted from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clrx.metrics.predictions import read_predictions
from clrx.metrics.weighted import Columns, columns


@dataclass(frozen=True)
class Scores:
    """Labels and scores of the test set, its decisions at the threshold chosen on validation, and its metrics.

    Every task is seen one class against the rest: a column a class, of a binary task the positive class alone.
    """

    view: Columns  # labels, scores and decisions, each (N, K)
    classes: tuple[str, ...]  # binary: (negative, positive)
    threshold: float | list[float]
    metrics: dict[str, Any]  # name -> {"value", "low", "high"}
    level: str  # "95% interval", or "interval" where metrics.json does not say

    def entry(self, metric: str, name: str) -> dict[str, Any] | None:
        """A metric's record for one class: the set's own when binary, `auroc_NAME` when multilabel."""
        return self.metrics.get(metric if self.view.task == "binary" else f"{metric}_{name}")


def read_scores(path: Path, facts: dict[str, Any], metrics: dict[str, Any]) -> Scores | None:
    """The scores in `path`/predictions.csv, given run.json and metrics.json; None before the run is evaluated.

    Raises UserError or ValueError where predictions.csv is damaged.
    """
    file = path / "predictions.csv"
    if not file.exists():
        return None
    made = read_predictions(file, tuple(facts.get("classes") or ("negative", "positive")))
    threshold = metrics.get("threshold")
    threshold = 0.5 if threshold is None else threshold
    view = columns(made.task, made.labels, made.scores, threshold, made.classes)
    level = f"{metrics['level']:.0%} interval" if "level" in metrics else "interval"
    return Scores(view, made.classes, threshold, metrics.get("test", {}), level)
