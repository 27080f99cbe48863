"""The end of a run: the chosen weights are judged on validation and test, and everything is written down."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from clrx.core.console import console, metrics_table, say
from clrx.core.files import write_json
from clrx.metrics.intervals import intervals
from clrx.metrics.measure import choose_threshold, confusion, threshold_rule
from clrx.metrics.predictions import write_predictions
from clrx.network.load_weights import read_weights, save_weights
from clrx.schedule.stretch import scale_of, scaled_mark
from clrx.train.evaluate import evaluate
from clrx.train.session import Bench

log = logging.getLogger("clrx")


def conclude(bench: Bench) -> dict[str, Any]:
    """Write last weights, metrics.json and the predictions; return the metrics.

    The threshold of a binary task is chosen on validation and frozen for test.
    """
    weights = bench.path / "weights"
    save_weights(bench.scorer, weights / "last.safetensors")
    chosen = "last" if bench.cfg.selection == "last" else "best"
    file = weights / f"{chosen}.safetensors"
    scores = {name: _scores_with(bench, file, rows) for name, rows in _rows(bench).items()}
    threshold = _threshold(bench, scores)
    metrics: dict[str, Any] = {name: _judge(bench, name, scores[name], threshold) for name in scores}
    metrics |= {"threshold": threshold, "threshold_rule": _rule(bench), "level": bench.cfg.bootstrap.level}
    metrics |= {"weights": chosen, "scale": scale_of(bench.cfg), "phases": bench.place.phases}
    metrics["confusion"] = {name: _confusion(bench, name, scores[name], threshold) for name in scores}
    if bench.cfg.cycle_weights:
        metrics["snapshots"] = _snapshots(bench, threshold)
    write_json(bench.path / "metrics.json", metrics)
    for name, found in scores.items():
        _write_scores(bench, name, found)
    return metrics


def _snapshots(bench: Bench, threshold: float) -> dict[str, Any]:
    """Test metrics of the best weights, the last, and the averaged prediction of cycle-end weights.

    The average is a snapshot ensemble (Huang et al. 2017, arXiv:1704.00109).
    """
    weights, rows = bench.path / "weights", bench.data.split.test
    scores = {name: _scores_with(bench, weights / f"{name}.safetensors", rows) for name in ("best", "last")}
    cycles = [_scores_with(bench, file, rows) for file in sorted(weights.glob("cycle_*.safetensors"))]
    if cycles:
        scores["ensemble"] = np.mean(cycles, axis=0)
    return {name: _judge(bench, "test", found, threshold) for name, found in scores.items()}


def _scores_with(bench: Bench, file: Path, rows: np.ndarray) -> np.ndarray:
    bench.scorer.load_state_dict(read_weights(file))
    return _scores(bench, bench.scorer, rows)


def _write_scores(bench: Bench, name: str, scores: np.ndarray) -> None:
    """predictions.csv for test, predictions_validation.csv for validation."""
    source, rows = bench.data.source, _rows(bench)[name]
    path = bench.path / ("predictions.csv" if name == "test" else f"predictions_{name}.csv")
    images, groups = (source.table[column].to_numpy()[rows] for column in ("image", "group"))
    write_predictions(path, source.task, source.classes, images, groups, source.labels[rows], scores)


def _rows(bench: Bench) -> dict[str, np.ndarray]:
    split = bench.data.split
    return {"test": split.test} | ({"validation": split.validation} if len(split.validation) else {})


def _scores(bench: Bench, network: nn.Module, rows: np.ndarray) -> np.ndarray:
    cfg = bench.cfg
    arguments = (bench.prepare_plain, bench.loss, 2 * cfg.batch_size, cfg.precision, cfg.test_flips)
    return evaluate(network, bench.feed, rows, *arguments)[0]


def _threshold(bench: Bench, scores: dict[str, np.ndarray]) -> float:
    if bench.data.source.task != "binary" or "validation" not in scores:
        return 0.5
    return float(choose_threshold(bench.data.source.labels[_rows(bench)["validation"]], scores["validation"]))


def _rule(bench: Bench) -> str:
    """How the threshold was chosen, for the record."""
    validation = bench.data.split.validation
    if bench.data.source.task != "binary" or not len(validation):
        return "0.5, fixed"
    return threshold_rule(bench.data.source.labels[validation])


def _judge(bench: Bench, name: str, scores: np.ndarray, threshold: float) -> dict[str, Any]:
    rows, source = _rows(bench)[name], bench.data.source
    groups = source.table["group"].to_numpy()[rows]
    b = bench.cfg.bootstrap
    settings = (threshold, bench.cfg.seed, b.resamples, b.level, source.classes)
    return intervals(source.task, source.labels[rows], scores, groups, *settings)


def _confusion(bench: Bench, name: str, scores: np.ndarray, threshold: float) -> Any:
    source = bench.data.source
    return confusion(source.task, source.labels[_rows(bench)[name]], scores, threshold)


def show_result(bench: Bench, metrics: dict[str, Any]) -> None:
    """The table at the end of a run, and where everything is."""
    level = round(100 * bench.cfg.bootstrap.level)
    title = f"test: {len(bench.data.split.test)} images, {level}% intervals over whole groups"
    if bench.data.source.synthetic:
        title = f"SYNTHETIC DATA  {title}"
    say(f"{scaled_mark(scale_of(bench.cfg))}  {title}".strip())
    console.print(metrics_table(metrics["test"]))
    say(f"run directory: {bench.path}")
