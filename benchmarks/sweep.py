"""What `clrx sweep` costs beside its runs: wall time of a sequential sweep over the sum of its processes' lives.

python benchmarks/sweep.py [WORDS...]     adds a row to benchmarks/results/sweep.csv
"""

import csv
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import clrx.pool
import clrx.task.sweep
from clrx.cli import run
from clrx.environment import hardware

WORDS = [
    "model=cnn4",
    "dataset.images=1500",
    "dataset.size=32",
    "epochs=10",
    "policy=constant,triangular",
    "seed=0,1,2",
]
RESULTS = Path(__file__).parent / "results" / "sweep.csv"


def main(words: list[str]) -> None:
    lives: list[float] = []
    begun: dict[str, float] = {}  # name of a run -> when its process was started
    start, end = clrx.pool.start, clrx.pool.record_end
    report = clrx.task.sweep.report
    reported: list[float] = []

    def timed_start(job, *rest):
        begun[job.name] = time.perf_counter()
        return start(job, *rest)

    def timed_end(child, compose):
        lives.append(time.perf_counter() - begun[child.job.name])
        end(child, compose)

    def timed_report(race):
        before = time.perf_counter()
        report(race)
        reported.append(time.perf_counter() - before)

    clrx.pool.start, clrx.pool.record_end, clrx.task.sweep.report = timed_start, timed_end, timed_report
    with TemporaryDirectory() as place:
        before = time.perf_counter()
        run(["sweep", f"hydra.sweep.dir={place}/sweep", *words])
        whole = time.perf_counter() - before
    runs, page = sum(lives), sum(reported)
    row = {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": hardware("cpu")["processor"],
        "load": round(os.getloadavg()[0], 1),
        "words": " ".join(words),
        "runs": len(lives),
        "sum_of_runs_seconds": round(runs, 2),
        "sweep_seconds": round(whole - page, 2),
        "before_first_run_seconds": round(min(begun.values()) - before, 2),
        "report_seconds": round(page, 2),
        "overhead_percent": round(100 * (whole - page - runs) / runs, 2),
        "overhead_with_report_percent": round(100 * (whole - runs) / runs, 2),
    }
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(row)


if __name__ == "__main__":
    main(sys.argv[1:] or WORDS)
