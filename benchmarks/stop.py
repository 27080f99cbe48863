"""How long a run that is asked to stop takes to end: from the signal to the end of its process.

    uv run python benchmarks/stop.py      # about ten minutes; writes benchmarks/results/stop.csv

`clrx train` of 1,000 phantoms is sent SIGTERM or SIGINT after a random time, again and again until it is done: so the
moments fall into decoding, steps, checkpoints, validation, the bootstrap and the figures. The first few find an empty
cache folder and fall into the drawing of the phantom. One row per signal: the last line that the command had said, the
seconds, the exit code (-15: before it listens, while it is composed).
"""

import csv
import os
import random
import signal
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "fault")]

from forker import Forker  # noqa: E402

from clrx.data.phantom.draw import phantom_folder  # noqa: E402

IMAGES = 1000
EMPTY = 4  # signals before the phantom is there
LONGEST = 20.0  # s between the start of the command and the signal
LEAST = 20  # signals


def doing(screen: str) -> str:
    """The last line that the command said before the signal, short."""
    lines = [line for line in screen.splitlines() if line.strip()]
    return lines[-1][:40].strip() if lines else "start"


def measure(folder: Path, words: list[str]) -> list[dict[str, object]]:
    os.environ["CLRX_CACHE"] = str(folder / "cache")
    forker, chance, rows, run = Forker(), random.Random(0), [], 0
    while len(rows) < LEAST:
        if len(rows) == EMPTY:
            phantom_folder(IMAGES, 96, 0)
        screen = folder / f"{len(rows)}.txt"
        child = forker.start([*words, f"hydra.run.dir={folder / str(run)}"], screen)
        if child.wait(chance.uniform(0, LONGEST)) is not None:
            run += 1
            continue
        last, number = doing(screen.read_text()), chance.choice((signal.SIGINT, signal.SIGTERM))
        began = perf_counter()
        child.signal(number)
        code = child.wait()
        row = {
            "signal": number.name,
            "last_line": last,
            "seconds": round(perf_counter() - began, 3),
            "code": code,
        }
        rows.append(row)
        print(row, flush=True)
    forker.close()
    return rows


def main() -> None:
    with TemporaryDirectory() as folder:
        rows = measure(Path(folder), ["train", f"dataset.images={IMAGES}"])
    with (Path(__file__).parent / "results" / "stop.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    seconds = [float(str(row["seconds"])) for row in rows]
    print(f"n {len(rows)}, median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
