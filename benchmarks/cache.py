"""How fast the image cache is built and opened, and how much memory that takes.

    uv run python benchmarks/cache.py build   # 2 minutes; writes benchmarks/results/cache_build.csv
    uv run python benchmarks/cache.py open    # 3 minutes, 1 GB of disk; writes benchmarks/results/cache_open.csv

Build: 500 files, copies of the 13 NIH X-rays in ../shared/data/nih/images_1024 (1024x1024 PNG), to 64 and to
224 pixels. `one core` is decode-and-resize in a plain loop in one process, `all cores at once` one such loop a
core at the same time (what the machine has to give), `build` is open_cache from nothing: starting workers,
writing, syncing and publishing counted in. Taken in turn, ROUNDS times; the ratios are medians of each round's.
`others` is the share of the processors that other programs took meanwhile: rounds are repeated, TRIES times at
most, until ROUNDS of them have less than QUIET of it, and those with the least count.

Open: 100,000 PNG files of 16x16; resident memory of the process beyond what torch takes, while the cache is
built and when it is opened again, the most that a decoding process takes, and the time of a second opening.
"""

import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
XRAYS = HERE.parents[1] / "shared" / "data" / "nih" / "images_1024"
FILES, ROUNDS, SIZES, MANY = 500, 3, (64, 224), 100_000
QUIET, TRIES, PATIENCE = 0.04, 30, 60  # share of the processors, rounds, seconds before each round
HEAD = ["what", "measure", "unit", "median", "least", "most", "rounds", "cores", "hardware", "python"]

LOOP = """
import json, sys, time
from clrx.data.decode.image import decode_bytes
paths, size = json.load(sys.stdin), int(sys.argv[1])
decode_bytes(paths[0], size, 1)
start, cpu = time.perf_counter(), time.process_time()
for path in paths:
    decode_bytes(path, size, 1)
print(json.dumps({"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}))
"""

OPEN = """
import json, os, resource, sys, time
def resident():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))
torch = 0
if sys.argv[3] == "torch":
    import torch
    torch = resident()
from pathlib import Path
import numpy as np, pandas as pd
from clrx.data.cache.open import open_cache
from clrx.data.source import Source
files = tuple(sorted(str(path) for path in Path(sys.argv[1]).iterdir()))
table = pd.DataFrame({"image": [path.rpartition("/")[2] for path in files], "group": "g"})
source = Source("bench", "binary", ("a", "b"), table, np.zeros(len(files), np.int64), files=files)
workers = [0]
def look(done, total):  # at the memory of the decoding processes, once, in the middle
    if workers == [0] and done > total // 2:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        lines = [line for child in children for line in open(f"/proc/{child}/status") if line.startswith("VmHWM")]
        workers[:] = [int(line.split()[1]) * 1024 for line in lines]
cpu = time.process_time()
start = time.perf_counter()
cache = open_cache(source, int(sys.argv[2]), 1, progress=look)
seconds = time.perf_counter() - start
cpu = time.process_time() - cpu + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
cpu += resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime
times = []
for _ in range(9):
    start = time.perf_counter()
    open_cache(source, int(sys.argv[2]), 1)
    times.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds, "cpu": cpu, "again": sorted(times)[4], "resident": resident() - torch,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - torch,
    "worker": max(workers)}))
"""


def cores() -> int:
    return len(os.sched_getaffinity(0))


def start_loop(paths: list[str], size: int) -> subprocess.Popen:
    command = [sys.executable, "-c", LOOP, str(size)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(paths))
    process.stdin.close()
    return process


def rates(paths: list[str], size: int, processes: int) -> tuple[float, float]:
    """Images per second of so many loops at once, and processor seconds per image."""
    running = [start_loop(paths[part::processes], size) for part in range(processes)]
    answers = [json.loads(process.stdout.read()) for process in running]
    for process in running:
        process.stdout.close()
        process.wait()
    return len(paths) / max(one["seconds"] for one in answers), sum(one["cpu"] for one in answers) / len(
        paths
    )


def opened(folder: Path, size: int, cache: Path, torch: bool = False) -> dict:
    """What one process that opens (or first builds) a cache measures of itself."""
    command = [sys.executable, "-c", OPEN, str(folder), str(size), "torch" if torch else "plain"]
    environment = os.environ | {"CLRX_CACHE": str(cache)}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def ticks() -> tuple[int, int]:
    """Processor time since the machine started: used and idle, in ticks."""
    numbers = [
        int(number) for number in Path("/proc/stat").read_text(encoding="utf-8").split("\n")[0].split()[1:9]
    ]
    idle = numbers[3] + numbers[4]
    return sum(numbers) - idle, idle


def own_ticks() -> float:
    times = os.times()
    return sum(times[:4]) * os.sysconf("SC_CLK_TCK")


def others_since(before: tuple[int, int], own: float) -> float:
    """The share of the processors that programs other than this one and its children have taken since."""
    used, idle = (now - then for now, then in zip(ticks(), before, strict=True))
    return max(0.0, used - (own_ticks() - own)) / max(1, used + idle)


def wait_for_quiet() -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        before, own = ticks(), own_ticks()
        time.sleep(0.5)
        if others_since(before, own) < QUIET:
            return


def one_round(folder: Path, size: int, scratch: Path) -> tuple:
    paths = sorted(str(path) for path in folder.iterdir())
    wait_for_quiet()
    one, one_cpu = rates(paths, size, 1)
    before, own = ticks(), own_ticks()
    build = opened(folder, size, Path(tempfile.mkdtemp(dir=scratch)))
    together, _ = rates(paths, size, cores())
    others = others_since(before, own)  # a loop on one core leaves them the other cores
    rate, cpu = len(paths) / build["seconds"], one_cpu * len(paths) / build["cpu"]
    return others, one, together, rate, rate / one / cores(), rate / together, cpu, build["again"] * 1000


def building(folder: Path, size: int, scratch: Path) -> list[tuple]:
    rounds: list[tuple] = []
    for _ in range(TRIES):
        rounds.append(one_round(folder, size, scratch))
        rounds = sorted(rounds)[:ROUNDS]
        print(size, [f"{one[0]:.3f}: {one[4]:.3f}" for one in rounds], flush=True)
        if len(rounds) == ROUNDS and rounds[-1][0] < QUIET:
            break
    what = f"{FILES} PNG 1024x1024 to {size}x{size}"
    measures = [
        ("others", "share"),
        ("one core", "images/s"),
        ("all cores at once", "images/s"),
        ("build", "images/s"),
        ("build / (cores x one core)", "ratio"),
        ("build / all cores at once", "ratio"),
        ("processor time of the loop / of the build", "ratio"),
        ("second opening", "ms"),
    ]
    columns = zip(*rounds, strict=True)
    return [(what, *measure, list(values)) for measure, values in zip(measures, columns, strict=True)]


def opening(scratch: Path) -> list[tuple]:
    folder = scratch / "many"
    folder.mkdir()
    draw_many(folder)
    first, *again = [opened(folder, 16, scratch / "cache", torch=True) for _ in range(4)]
    what = f"{MANY:,} PNG 16x16 to 16x16"
    return [
        (what, "build", "images/s", [MANY / first["seconds"]]),
        (what, "peak beyond torch, building", "MB", [first["peak"] / 1e6]),
        (what, "peak of a decoding process", "MB", [first["worker"] / 1e6]),
        (what, "resident beyond torch, opened", "MB", [one["resident"] / 1e6 for one in again]),
        (what, "second opening", "ms", [one["again"] * 1000 for one in again]),
    ]


def draw_many(folder: Path) -> None:
    import numpy as np
    from PIL import Image

    for row in range(MANY):
        pixels = np.random.default_rng(row).integers(0, 256, (16, 16), np.uint8)
        Image.fromarray(pixels).save(folder / f"{row:06}.png", compress_level=1)


def copies(folder: Path) -> Path:
    folder.mkdir()
    sources = sorted(XRAYS.glob("*.png"))
    for row in range(FILES):
        shutil.copyfile(sources[row % len(sources)], folder / f"{row:04}.png")
    return folder


def main(part: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        if part == "build":
            folder = copies(scratch / "xrays")
            measured = [row for size in SIZES for row in building(folder, size, scratch)]
        else:
            measured = opening(scratch)
    with (HERE / "results" / f"cache_{part}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        for what, measure, unit, values in measured:
            numbers = [f"{value:.4g}" for value in (median(values), min(values), max(values))]
            machine = cores(), hardware(), platform.python_version()
            writer.writerow([what, measure, unit, *numbers, len(values), *machine])
            print(what, measure, *numbers, unit, sep="\t")


def hardware() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


if __name__ == "__main__":
    main(sys.argv[1])
