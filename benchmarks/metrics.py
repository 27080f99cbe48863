"""How long the metrics of an epoch and the intervals of a test set take.

    uv run python benchmarks/metrics.py       # half a minute; writes benchmarks/results/metrics.csv

`measure` on the 2,000 scores of a validation epoch, and `intervals` with 1,000 resamples of the patients of the
ChestX-ray14 test set (25,596 images of 2,797 patients; random labels and scores). Medians over rounds.
"""

import csv
import os
import platform
import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from clrx.core.machine import hardware
from clrx.metrics.intervals import intervals
from clrx.metrics.measure import measure


def scores(images: int, classes: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Random labels and scores: (N,), with more classes (N, classes)."""
    rng = np.random.default_rng(0)
    shape = (images,) if classes == 1 else (images, classes)
    return rng.integers(0, 2, shape), rng.random(shape)


def seconds(work: Callable[[], object], rounds: int) -> list[float]:
    work()
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return times


def main() -> None:
    epoch, many, test = scores(2000), scores(2000, 14), scores(25_596)
    patients = np.random.default_rng(1).integers(0, 2797, 25_596)
    cases = {
        "metrics of 2,000 images, binary": (lambda: measure("binary", *epoch), 50),
        "metrics of 2,000 images, 14 labels": (lambda: measure("multilabel", *many), 50),
        "intervals of 25,596 images, 1,000 resamples": (lambda: intervals("binary", *test, patients), 5),
    }
    facts, load = hardware("cpu"), round(os.getloadavg()[0], 1)
    path = Path(__file__).parent / "results" / "metrics.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            ["what", "median_ms", "least_ms", "most_ms", "rounds", "cores", "hardware", "python", "load"]
        )
        for name, (work, rounds) in cases.items():
            times = [1000 * value for value in seconds(work, rounds)]
            found = [f"{value:.4g}" for value in (statistics.median(times), min(times), max(times))]
            row = [name, *found, rounds, facts["cores"], facts["processor"], platform.python_version(), load]
            table.writerow(row)
            print(*row[:4], sep="  ")


if __name__ == "__main__":
    main()
