"""What a range test costs over plain training of as many steps, side by side, in CPU time of one thread.

    uv run python benchmarks/find_lr.py [rounds]     # some minutes; writes benchmarks/results/find_lr.csv

`plain` drains the generator of steps that `clrx train` drains, `pass` is one pass of the range test over it
(weights copied and put back, each loss read and watched), `test` is the whole of one with repeats=1: a new
network, the pass, the curves, the intervals and the files, without the picture. All take the same STEPS steps on
the same images and weights, in turn; the ratios are medians over rounds. Page faults of the heap are a tenth of the
time and fall on any of them: set MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ to 4294967296.
"""

import csv
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

import torch
from hydra import compose, initialize_config_dir

from clrx.config.compose import register_resolvers
from clrx.config.load import load, with_auto_bounds
from clrx.config.phases import build_phases
from clrx.config.schema import FindLrConfig
from clrx.core.console import open_screen
from clrx.core.paths import conf_dir
from clrx.data.open import load_source, open_data
from clrx.range_test.find import find_range
from clrx.range_test.ramp import ramp_of
from clrx.range_test.repeats import RangeTest, run_repeats
from clrx.run.checkpoint import clone_state
from clrx.training.loop import train_steps
from clrx.training.setup import clock_over, make_setup, network_for, work_with

STEPS = 100
CASES = {
    "cnn4 at 16 px": ("model=cnn4", "dataset.size=16", "dataset.channels=1", "augment=none"),
    "mobilenet at 32 px": ("model=mobilenet", "dataset.size=32"),
}


def prepared(overrides: tuple[str, ...]) -> RangeTest:
    """A range test that no loss ends early: its rates stay low."""
    basics = (f"steps={STEPS}", "repeats=1", "range_test.end=1e-3", "device=cpu", "batch_size=32")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        raw = compose("find_lr", [*basics, *overrides])
    cfg = load(with_auto_bounds(raw), kind=FindLrConfig)
    source = load_source(cfg.dataset)
    data = open_data(cfg, source)
    setup = make_setup(cfg, data, network_for(cfg, source))
    return RangeTest(cfg, setup, build_phases(cfg)[0], ramp_of(cfg, len(data.train)))


def plain(test: RangeTest) -> None:
    """As many steps as the range test takes, under its rates, and nothing else."""
    cfg, setup = test.cfg, test.setup
    train = setup.data.train
    clock = clock_over(cfg, setup.data.source.labels[train], STEPS)
    steps = train_steps(work_with(cfg, test.phase, setup), setup.feed, train, clock)
    for _ in range(STEPS):
        next(steps).loss.item()  # training reads the loss of each step as well
    steps.close()


def one_pass(test: RangeTest) -> None:
    with open_screen() as screen:
        (repeat,) = run_repeats(test, screen)
    assert len(repeat.lr) == STEPS


def whole(test: RangeTest) -> None:
    with tempfile.TemporaryDirectory() as place, open_screen() as screen:
        found = find_range(test.cfg, test.setup, test.phase, Path(place), screen)
    assert found["steps"] == STEPS


def cpu_seconds(way: Callable[[RangeTest], None], test: RangeTest, state: dict) -> float:
    test.setup.network.load_state_dict(state)
    began = process_time()
    way(test)
    return process_time() - began


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(1)
    register_resolvers()
    rows: list[dict[str, object]] = []
    for name in CASES:
        rows.append(measure(name, rounds))
        write(rows)


def write(rows: list[dict[str, object]]) -> None:
    target = Path(__file__).parent / "results" / "find_lr.csv"
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def measure(name: str, rounds: int) -> dict[str, object]:
    """The row of one case: seconds of plain steps, and what the other ways cost of them."""
    test, ways = prepared(CASES[name]), {"plain": plain, "pass": one_pass, "test": whole}
    state = clone_state(test.setup.network)
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, call in ways.items():
            seconds = cpu_seconds(call, test, state)
            if number:  # the first round warms up
                taken[way].append(seconds)
    row: dict[str, object] = {"case": name, "steps": STEPS, "rounds": rounds}
    row["plain_cpu_seconds"] = round(median(taken["plain"]), 3)
    for way in ("pass", "test"):
        ratios = sorted(b / a for a, b in zip(taken["plain"], taken[way], strict=True))
        row |= {
            f"{way}_ratio": round(median(ratios), 3),
            f"{way}_low": round(ratios[0], 3),
            f"{way}_high": round(ratios[-1], 3),
        }
    row["load"] = round(os.getloadavg()[0], 1)
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
