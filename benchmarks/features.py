"""An epoch of a head-only phase on computed features against the same phase through the body, side by side.

    uv run python benchmarks/features.py [rounds]

Trains the head of a MobileNetV1 (64 px) on the phantom both ways, in turn, and writes medians and their ratio to
benchmarks/results/features.csv.
"""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

WAYS = {"body": "null", "features": "computed"}
EPOCHS = 3


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for way in WAYS:
                seconds[way] += epochs(Path(folder) / f"{way}{number}", way)
    write(seconds, rounds)


def epochs(run: Path, way: str) -> list[float]:
    """Seconds of each epoch, validation included, of one run."""
    settings = [
        f"epochs={EPOCHS}",
        "plan.phases.0.trainable=head",
        f"plan.phases.0.features={WAYS[way]}",
        "threads=1",
    ]
    command = [sys.executable, "-m", "clrx", "train", "augment=none", *settings, f"hydra.run.dir={run}"]
    subprocess.run(command, check=True, capture_output=True)
    with (run / "epochs.csv").open() as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]


def write(seconds: dict[str, list[float]], rounds: int) -> None:
    """Print and record the medians and their ratio."""
    medians = {way: median(values) for way, values in seconds.items()}
    ratio = medians["body"] / medians["features"]
    row = {
        **{f"{way}_seconds": round(value, 3) for way, value in medians.items()},
        "ratio": round(ratio, 1),
        "epochs": rounds * EPOCHS,
        "load": round(os.getloadavg()[0], 1),
    }
    target = Path(__file__).parent / "results" / "features.csv"
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    print(row)


if __name__ == "__main__":
    main()
