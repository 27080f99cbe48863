"""How fast batches come from a map, and how long a training loop waits for them.

    uv run python benchmarks/feed.py       # a minute, 300 MB of disk; writes benchmarks/results/feed.csv

2,000 colour images of 224x224 pixels in a map, batches of 32 in random order. `cold` empties the system's
page cache of the map before each run, so every image comes from disk; `warm` reads it before. `in place`
reads when asked, `background` runs ahead. The loop computes for 0 or 20 ms per batch. Medians over rounds taken
in turn.
"""

import csv
import os
import tempfile
from itertools import product
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from clrx.data.feed import open_feed

SHAPE, BATCH, ROUNDS = (2000, 3, 224, 224), 32, 5


def write_map(path: Path) -> None:
    with path.open("wb") as file:
        for part in range(20):
            file.write(np.random.default_rng(part).bytes(SHAPE[0] // 20 * 3 * 224 * 224))
        os.fsync(file.fileno())


def forget(path: Path) -> None:
    """Drop the map from the page cache (only pages that no process has mapped are dropped)."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(path: Path, cold: bool, background: bool, compute: float, seed: int) -> tuple[float, float]:
    """(images per second, share of the time spent waiting) of one pass."""
    forget(path)
    images = np.memmap(path, dtype=np.uint8, mode="r", shape=SHAPE)
    if not cold:
        images.max()
    feed = open_feed(images, np.zeros(len(images)), "cpu", 0 if background else images.nbytes)
    order = np.random.default_rng(seed).permutation(len(images))[: 40 * BATCH]
    start = perf_counter()
    for _ in feed.stream(order.reshape(-1, BATCH)):
        sleep(compute)
    seconds = perf_counter() - start
    return len(order) / seconds, feed.wait_seconds / seconds


def main() -> None:
    ways = list(product((True, False), (False, True), (0.0, 0.02)))
    results: dict[tuple, list] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.bin"
        write_map(path)
        for seed in range(ROUNDS):
            for way in ways:
                results[way].append(read(path, *way, seed))
    target = Path(__file__).parent / "results" / "feed.csv"
    with target.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            ["cache", "reading", "compute_ms", "images_per_second", "data_wait", "rounds", "cores"]
        )
        for (cold, background, compute), rounds in results.items():
            rate, wait = np.median(rounds, axis=0)
            way = (
                "cold" if cold else "warm",
                "background" if background else "in place",
                round(1000 * compute),
            )
            table.writerow([*way, round(rate), f"{wait:.2f}", ROUNDS, os.cpu_count()])
            print("{:5s} {:11s} {:3d} ms a batch".format(*way), f"{rate:8.0f} images/s  {wait:4.0%} waiting")


if __name__ == "__main__":
    main()
