"""What checkpoints cost at the default interval of a minute, as a share of training time.

    uv run python benchmarks/checkpoint.py [pairs]      # writes benchmarks/results/checkpoint.csv

One checkpoint (records synced, weights and optimizer gathered, hashed, written, synced and renamed) is timed again
and again for two networks under two optimizers: wall time, and processor time of the process; the share is the
median wall time over the 60 s of the interval. Then whole runs with a checkpoint every 0.1 minutes, ten times as
often as by default, and without one but at the ends of phases, in turn: the median ratio of their processor time,
less 1, over ten is the share at the default. One thread each.
"""

import csv
import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from types import SimpleNamespace
from typing import Any

import torch
from hydra import compose, initialize_config_dir

from clrx.cli.main import run
from clrx.config.compose import register_resolvers
from clrx.config.load import load
from clrx.core.paths import conf_dir
from clrx.network.network import build_network
from clrx.training.checkpointing import save_state
from clrx.training.optim import build_optimizer
from clrx.training.records import Records, TrainState

INTERVAL = 60.0  # s; conf/train.yaml
TIMES = 30  # checkpoints of each kind
OFTEN = 10  # times the default, in the whole runs
SHORT = ("dataset.images=1000", "epochs=8", "threads=1", "bootstrap.resamples=10")


def one_checkpoint(folder: Path, model: str, optimizer: str) -> dict[str, Any]:
    """Median time of a checkpoint of a network that has been trained for a step."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = load(compose("train", [f"model={model}", f"optimizer={optimizer}"]))
    network = build_network(cfg.model, cfg.head, channels=1, size=64, outputs=1, seed=0)
    trained = build_optimizer(network, cfg.optimizer)
    network(torch.rand(2, 1, 64, 64)).sum().backward()
    trained.step()
    state = TrainState()
    setup: Any = SimpleNamespace(network=network, ema=None)
    files: Any = SimpleNamespace(path=folder, records=Records(folder, state, 1))
    wall, processor = [], []
    for _ in range(TIMES):
        began = perf_counter(), process_time()
        save_state(setup, state, files, trained)
        wall.append(perf_counter() - began[0])
        processor.append(process_time() - began[1])
    files.records.close()
    size = (folder / "checkpoint" / "latest.ckpt").stat().st_size
    return row(
        f"{model} {optimizer}",
        TIMES,
        median(wall),
        max(wall),
        median(processor),
        size,
        median(wall) / INTERVAL,
    )


def whole_runs(folder: Path, pairs: int) -> dict[str, Any]:
    """The share of whole runs, from pairs of them."""
    ratios = []
    seconds_of(folder / "first", "1000 epochs")  # which draws the phantom
    for number in range(pairs):
        often = seconds_of(folder / f"often{number}", f"{60 / OFTEN / INTERVAL:g} minutes")
        never = seconds_of(folder / f"never{number}", "1000 epochs")
        ratios.append(often / never)
        print(f"pair {number}: {often:.1f} s with, {never:.1f} s without", flush=True)
    return row("whole runs", pairs, None, None, None, None, (median(ratios) - 1) / OFTEN)


def seconds_of(folder: Path, every: str) -> float:
    """Processor time of one run, in a child process so that each begins alike."""
    if not (child := os.fork()):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(run(["train", *SHORT, f"checkpoint.every='{every}'", f"hydra.run.dir={folder}"]))
    _, status, usage = os.wait4(child, 0)
    assert status == 0, f"the run in {folder} failed"
    return usage.ru_utime + usage.ru_stime


def row(what: str, n: int, *figures: float | None) -> dict[str, Any]:
    names = ("median_seconds", "worst_seconds", "median_cpu_seconds", "bytes", "share_of_training")
    shown = (None if value is None else round(value, 5) for value in figures)
    return {
        "what": what,
        "n": n,
        **dict(zip(names, shown, strict=True)),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    register_resolvers()
    torch.set_num_threads(1)
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rows = []
    with TemporaryDirectory() as folder:
        for model in ("mobilenet", "densenet121"):
            for optimizer in ("sgd", "adam"):
                rows.append(one_checkpoint(Path(folder) / f"{model} {optimizer}", model, optimizer))
                print(rows[-1], flush=True)
        rows.append(whole_runs(Path(folder), pairs))
        print(rows[-1])
    with (Path(__file__).parent / "results" / "checkpoint.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
