"""What figures are drawn from: the files of a run directory, and nothing else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clrx.core.files import read_json
from clrx.metrics.predictions import read_predictions
from clrx.metrics.weighted import Columns, columns


def read_record(run: Path) -> dict[str, Any]:
    """run.json, or nothing where there is none."""
    path = run / "run.json"
    return read_json(path) if path.exists() else {}


def read_metrics(run: Path) -> dict[str, Any]:
    """metrics.json, or nothing where there is none yet."""
    path = run / "metrics.json"
    return read_json(path) if path.exists() else {}


@dataclass(frozen=True)
class Scored:
    """The test set of a run: labels, scores and decisions at the frozen threshold, and their metrics."""

    view: Columns
    classes: tuple[str, ...]  # binary: (negative, positive)
    threshold: float | list[float]
    metrics: dict[str, Any]  # name -> {"value", "low", "high"}
    level: str  # "95% interval", or "interval" where metrics.json does not say

    def entry(self, metric: str, name: str) -> dict[str, Any] | None:
        """A metric's record for one column: the set's own when binary, `auroc_NAME` when multilabel."""
        return self.metrics.get(metric if self.view.task == "binary" else f"{metric}_{name}")


def read_scored(run: Path) -> Scored | None:
    """The test set of a run; None where the run has not got so far."""
    path = run / "predictions.csv"
    if not path.exists():
        return None
    record, metrics = read_record(run), read_metrics(run)
    made = read_predictions(path, tuple(record.get("classes") or ("negative", "positive")))
    threshold = metrics.get("threshold")
    threshold = 0.5 if threshold is None else threshold
    view = columns(made.task, made.labels, made.scores, threshold, made.classes)
    level = f"{metrics['level']:.0%} interval" if "level" in metrics else "interval"
    return Scored(view, made.classes, threshold, metrics.get("test", {}), level)
