"""Plausible records of runs, written as a run writes them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clrx.core.files import CsvLog, write_json
from clrx.metrics.intervals import intervals
from clrx.metrics.predictions import write_predictions

EPOCHS = ("phase", "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr")


def write_curves(run: Path, phases: list[tuple[str, int]], steps: int = 20, gaps: bool = False) -> None:
    """epochs.csv and steps.csv of phases (name, epochs), triangular rate; `gaps`: some cells are empty."""
    rng = np.random.default_rng(0)
    epochs = CsvLog(run / "epochs.csv", EPOCHS)
    log = CsvLog(run / "steps.csv", ("step", "epoch", "lr", "momentum", "loss"))
    done = 0
    for name, count in phases:
        for epoch in range(count):
            for step in range(steps):
                place = epoch + step / steps
                lr = 0.0025 + 0.0075 * (1 - abs(place % 4 / 2 - 1))
                row = {"step": done * steps + step, "epoch": done + step / steps, "lr": lr}
                log.append([row | {"momentum": 0.9, "loss": 0.7}])
            done += 1
            fit = 1 - np.exp(-done / 8)
            train, val = 0.55 + 0.4 * fit, 0.55 + 0.3 * fit + 0.01 * rng.normal()
            missing = gaps and epoch % 3 == 1
            epochs.append(
                [
                    {
                        "phase": name,
                        "epoch": done,
                        "train_loss": 0.7 - 0.55 * fit,
                        "train_accuracy": train,
                        "val_loss": None if missing else 0.7 - 0.3 * fit + 0.02 * rng.normal(),
                        "val_accuracy": None if missing else val,
                        "lr": 0.01,
                    }
                ]
            )
    epochs.close()
    log.close()


def write_scores(
    run: Path, task: str, classes: tuple[str, ...], count: int = 400, skill: float = 1.0
) -> None:
    """predictions.csv and metrics.json of a test set; rarer classes come last."""
    rng = np.random.default_rng(1)
    size = len(classes)
    if task == "multiclass":
        share = np.linspace(2, 0.5, size)
        labels = rng.choice(size, count, p=share / share.sum())
        logits = rng.normal(size=(count, size)) + 1.5 * skill * np.eye(size)[labels]
        scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    else:
        shape = (count, size) if task == "multilabel" else (count,)
        labels = (rng.random(shape) < (np.linspace(0.3, 0.02, size) if task == "multilabel" else 0.4)).astype(
            int
        )
        scores = 1 / (1 + np.exp(-(rng.normal(size=shape) + 1.5 * skill * (labels - 0.5))))
    scores = scores.astype(np.float32)
    patients = np.arange(count) // 3
    images = [f"{i:08d}_000.png" for i in range(count)]
    write_predictions(run / "predictions.csv", task, classes, images, patients, labels, scores)
    test = intervals(task, labels, scores, patients, 0.45, seed=0, resamples=50, classes=classes)
    write_json(run / "metrics.json", {"test": test, "validation": {}, "threshold": 0.45, "level": 0.95})


def write_record(run: Path, classes: tuple[str, ...] = ("No Finding", "Pneumothorax"), **facts) -> None:
    known = {"dataset": "phantom", "policy": "triangular", "split_hash": "3f2a91c0" * 8, "seed": 1}
    write_json(run / "run.json", known | {"synthetic": True, "classes": list(classes)} | facts)


@pytest.fixture
def make_run(tmp_path) -> Callable[..., Path]:
    """make_run(task, classes, phases, gaps) -> a complete run directory."""

    def make(task="binary", classes=("No Finding", "Pneumothorax"), phases=(("train", 6),), **curves) -> Path:
        write_record(tmp_path, classes)
        write_curves(tmp_path, list(phases), **curves)
        write_scores(tmp_path, task, classes)
        return tmp_path

    return make
