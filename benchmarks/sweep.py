"""What `clrx sweep` costs beside its runs, sequential: the sweep against the sum of its processes' lives.

    uv run python benchmarks/sweep.py [WORDS...]     adds a row to benchmarks/results/sweep.csv

Wall: whole sweep minus the runs, over the runs; on a busy machine both are stretched alike. CPU: the sweep's own
process over its runs' processes, whatever else the machine does. With and without the report at the end.
"""

import csv
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory

import clrx.sweep.pool
import clrx.task.sweep
from clrx.cli.main import run
from clrx.core.machine import hardware

WORDS = [
    *("model=cnn4", "dataset.images=1500", "dataset.size=32", "epochs=10", "threads=1"),
    *("policy=constant,triangular", "seed=0,1,2"),
]
RESULTS = Path(__file__).parent / "results" / "sweep.csv"


def clocks() -> tuple[float, float]:
    """Wall seconds, and CPU seconds of this process."""
    return time.perf_counter(), cpu(RUSAGE_SELF)


def cpu(whose: int) -> float:
    used = getrusage(whose)
    return used.ru_utime + used.ru_stime


class Watch:
    """Stands in for what starts, ends and reports, and notes when they did."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}
        self.lives: list[float] = []
        self.page = (0.0, 0.0)  # wall and CPU seconds of the report
        self.start, self.end = clrx.sweep.pool.start, clrx.sweep.pool.record_end
        self.report = clrx.task.sweep.report
        clrx.sweep.pool.start, clrx.sweep.pool.record_end, clrx.task.sweep.report = (
            self._start,
            self._end,
            self._report,
        )

    def _start(self, job, *rest):
        self.begun[job.name] = time.perf_counter()
        return self.start(job, *rest)

    def _end(self, child, compose):
        self.lives.append(time.perf_counter() - self.begun[child.job.name])
        self.end(child, compose)

    def _report(self, race):
        before = clocks()
        self.report(race)
        self.page = tuple(now - then for now, then in zip(clocks(), before, strict=True))


def main(words: list[str]) -> None:
    watch = Watch()
    with TemporaryDirectory() as folder:
        before = time.perf_counter()
        run(["sweep", f"hydra.sweep.dir={folder}/sweep", *words])
        whole = time.perf_counter() - before
    row = measured(watch, whole, before) | {"words": " ".join(words)}
    record(row)
    print(row)


def measured(watch: Watch, whole: float, before: float) -> dict[str, object]:
    runs, (page, page_cpu) = sum(watch.lives), watch.page
    own, theirs = cpu(RUSAGE_SELF), cpu(RUSAGE_CHILDREN)  # its own includes the imports of this script
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": hardware("cpu")["processor"],
        "load": round(os.getloadavg()[0], 1),
        "runs": len(watch.lives),
        "sum_of_runs_seconds": round(runs, 2),
        "before_first_run_seconds": round(min(watch.begun.values()) - before, 2),
        "report_seconds": round(page, 2),
        "overhead_percent": round(100 * (whole - page - runs) / runs, 2),
        "overhead_with_report_percent": round(100 * (whole - runs) / runs, 2),
        "cpu_of_runs_seconds": round(theirs, 2),
        "cpu_overhead_percent": round(100 * (own - page_cpu) / theirs, 2),
        "cpu_overhead_with_report_percent": round(100 * own / theirs, 2),
    }


def record(row: dict[str, object]) -> None:
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main(sys.argv[1:] or WORDS)
