"""The end of a run: the chosen weights are evaluated on validation and test, and everything is written down."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table
from torch import nn

from clrx.config.schema import TrainConfig
from clrx.core.files import write_json
from clrx.core.output import visible
from clrx.data.open import Data
from clrx.metrics.intervals import intervals
from clrx.metrics.measure import choose_threshold, confusion, threshold_rule
from clrx.metrics.predictions import write_predictions
from clrx.metrics.weighted import HALF
from clrx.network.weights_file import read_weights, save_weights
from clrx.training.evaluate import evaluate
from clrx.training.records import TrainState
from clrx.training.session import RunFiles
from clrx.training.setup import Setup

log = logging.getLogger("clrx")
Scores = dict[str, np.ndarray]  # of test, and of validation where there is one


def finish(cfg: TrainConfig, setup: Setup, state: TrainState, files: RunFiles) -> dict[str, Any]:
    """Write last weights, metrics.json and the predictions; return the metrics.

    The threshold of a binary task is chosen on validation and frozen for test.
    """
    data, chosen = setup.data, "last" if cfg.selection == "last" else "best"
    save_weights(setup.scorer, files.weights("last"))
    rows = _rows(data)
    scores = {name: _scores(cfg, setup, files.weights(chosen), rows[name]) for name in rows}
    threshold, rule = _threshold(data, scores)
    metrics: dict[str, Any] = {
        name: _measured(cfg, data, rows[name], scores[name], threshold) for name in rows
    }
    metrics |= {"threshold": threshold, "threshold_rule": rule, "level": cfg.bootstrap.level}
    metrics |= {"weights": chosen, "scale": cfg.scale, "phases": state.phases}
    source = data.source
    metrics["confusion"] = {
        name: confusion(source.task, source.labels[rows[name]], scores[name], threshold) for name in rows
    }
    if cfg.cycle_weights:
        metrics["snapshots"] = _snapshots(cfg, setup, files, threshold)
    write_json(files.path / "metrics.json", metrics)
    for name in rows:
        _write_scores(files.path, data, name, rows[name], scores[name])
    return metrics


def _snapshots(cfg: TrainConfig, setup: Setup, files: RunFiles, threshold: float) -> dict[str, Any]:
    """Test metrics of the best weights, the last, and the averaged prediction of cycle-end weights.

    The average is a snapshot ensemble (Huang et al. 2017, arXiv:1704.00109).
    """
    data, rows = setup.data, setup.data.split.test
    scores = {name: _scores(cfg, setup, files.weights(name), rows) for name in ("best", "last")}
    cycles = sorted(files.weights("best").parent.glob("cycle_*.safetensors"))
    if cycles:
        scores["ensemble"] = np.mean([_scores(cfg, setup, file, rows) for file in cycles], axis=0)
    return {name: _measured(cfg, data, rows, found, threshold) for name, found in scores.items()}


def _rows(data: Data) -> dict[str, np.ndarray]:
    split = data.split
    return {"test": split.test} | ({"validation": split.validation} if len(split.validation) else {})


def _scores(cfg: TrainConfig, setup: Setup, weights: Path, rows: np.ndarray) -> np.ndarray:
    """Scores of `rows` under the weights of a file, which stay in the network."""
    network: nn.Module = setup.scorer
    network.load_state_dict(read_weights(weights))
    settings = (setup.prepare_plain, setup.loss, 2 * cfg.batch_size, cfg.precision, cfg.test_flips)
    return evaluate(network, setup.feed, rows, *settings)[0]


def _threshold(data: Data, scores: Scores) -> tuple[float, str]:
    """The threshold of a binary task, and how it was chosen, for the record."""
    if data.source.task != "binary" or "validation" not in scores:
        return 0.5, "0.5, fixed"
    labels = data.source.labels[data.split.validation]
    return float(choose_threshold(labels, scores["validation"])), threshold_rule(labels)


def _measured(
    cfg: TrainConfig, data: Data, rows: np.ndarray, scores: np.ndarray, threshold: float
) -> dict[str, Any]:
    source, b = data.source, cfg.bootstrap
    groups = source.table["group"].to_numpy()[rows]
    settings = (threshold, cfg.seed, b.resamples, b.level, source.classes)
    return intervals(source.task, source.labels[rows], scores, groups, *settings)


def _write_scores(path: Path, data: Data, name: str, rows: np.ndarray, scores: np.ndarray) -> None:
    """predictions.csv for test, predictions_validation.csv for validation."""
    source, file = data.source, "predictions.csv" if name == "test" else f"predictions_{name}.csv"
    images, groups = (source.table[column].to_numpy()[rows] for column in ("image", "group"))
    write_predictions(path / file, source.task, source.classes, images, groups, source.labels[rows], scores)


def metrics_table(metrics: dict[str, dict[str, Any]]) -> Table:
    """A table of metric, value, interval and value at a threshold of 0.5, from the record of one split."""
    table = Table()
    table.add_column("metric")
    for name in ("value", "interval", "at 0.5"):
        table.add_column(name, justify="right")
    for name, entry in metrics.items():
        if not name.endswith(HALF):
            half = metrics.get(f"{name}{HALF}")
            table.add_row(
                escape(visible(name)),
                _number(entry["value"]),
                _interval(entry),
                _number(half["value"]) if half else "",
            )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(entry: dict[str, Any]) -> str:
    if entry.get("low") is None:
        return entry.get("reason", "")
    return f"{entry['low']:.4f} to {entry['high']:.4f}"
