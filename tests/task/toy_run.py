"""Whole runs on the toy data within the test's own process, small enough to make dozens of them."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clrx.cli.main import run

TIMED = ("seconds", "images_per_second", "data_wait")
SMALL = (
    *("dataset=npz", "model=cnn4", "model.dropout=0.2", "batch_size=48", "threads=1", "device=cpu"),
    *("precision=fp32",),
    *("bootstrap.resamples=5", "checkpoint.every=3 steps"),
)


def train(data: Path, path: Path, *words: str, observer: Any = None) -> int:
    """`clrx train` of the toy data in `path`, without pictures: 5 steps an epoch; the exit code."""
    command = ["train", *SMALL, f"dataset.root={data}", f"hydra.run.dir={path}", *words]
    return run(command, observer=observer, figures=False)


def resume(path: Path, *words: str, observer: Any = None) -> int:
    """`clrx resume` without pictures; the exit code."""
    return run(["resume", str(path), *words], observer=observer, figures=False)


def record(path: Path) -> dict:
    """What run.json says."""
    return json.loads((path / "run.json").read_text())


class At:
    """Does something when a run takes a step (counted from 1 in each phase)."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        self.at, self.act = step, act

    def start(self, name: str, steps: int) -> None:
        pass

    def step(self, state: Any, step: Any, done: int) -> None:
        if state.step == self.at:
            self.act()


def interrupt_at(step: int) -> At:
    """An observer that has this process sent SIGINT while the run takes that step."""
    return At(step, lambda: os.kill(os.getpid(), signal.SIGINT))


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
