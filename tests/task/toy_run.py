"""Whole runs on the toy data within the test's own process, small enough to make dozens of them."""

import json
import os
import signal
from pathlib import Path

import clrx.task.train
import clrx.train.phase
from clrx.cli.main import run

TIMED = ("seconds", "images_per_second", "data_wait")
SMALL = (
    *("dataset=npz", "model=cnn4", "model.dropout=0.2", "batch_size=48", "threads=1", "device=cpu"),
    *("bootstrap.resamples=5", "checkpoint.every=3 steps"),
)


def train(data: Path, path: Path, *words: str) -> int:
    """`clrx train` of the toy data in `path`: 5 steps an epoch; the exit code."""
    return run(["train", *SMALL, f"dataset.root={data}", f"hydra.run.dir={path}", *words])


def record(path: Path) -> dict:
    """What run.json says."""
    return json.loads((path / "run.json").read_text())


def without_pictures(monkeypatch) -> None:
    """They take longer than the training."""
    monkeypatch.setattr(clrx.task.train, "draw_run", lambda path: None)
    monkeypatch.setattr(clrx.task.train, "draw_augmented", lambda bench: None)


def interrupt_at(monkeypatch, step: int | None) -> None:
    """Have this process sent SIGINT while the run takes that step (counted from 1 in each phase)."""
    show = (
        clrx.train.phase._show
        if not hasattr(clrx.train.phase._show, "shown")
        else clrx.train.phase._show.shown
    )

    def showing(bench, clock, taken):
        if bench.place.step == step:
            os.kill(os.getpid(), signal.SIGINT)
        show(bench, clock, taken)

    showing.shown = show
    monkeypatch.setattr(clrx.train.phase, "_show", showing)


def outcome(path: Path) -> dict[str, bytes | str]:
    """What two runs must share to the byte: weights, steps, epochs without their times, metrics, predictions."""
    whole = [*path.glob("weights/*"), *path.glob("predictions*.csv"), path / "steps.csv"]
    found: dict[str, bytes | str] = {file.name: file.read_bytes() for file in whole}
    header, *rows = [line.split(",") for line in (path / "epochs.csv").read_text().splitlines()]
    kept = [index for index, name in enumerate(header) if name not in TIMED]
    found["epochs.csv"] = "\n".join(",".join(row[index] for index in kept) for row in [header, *rows])
    metrics = json.loads((path / "metrics.json").read_text())
    for phase in metrics["phases"]:
        del phase["seconds"]
    return found | {"metrics.json": json.dumps(metrics)}
