"""How long from a command to its first optimizer step, with and without byte code, and what is imported before it.

    uv run python benchmarks/first_step.py [rounds]     # writes benchmarks/results/first_step_PROCESSOR.csv

Each starter is a process of its own, the starters in turn: `clrx train` on 2,000 grey images of 16 pixels whose cache
is warm, and loops of a page in torch and, where it is installed, Keras on as small a network. `wall` is from before the
process is started to the end of its first step, `cpu` the processor time until then, which other work disturbs less.
Byte code is kept in a folder of the benchmark, or none is read or written. `share` has the largest shares of the
imports of clrx, by `-X importtime`, in self time.
"""

import csv
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from clrx.core.machine import hardware

CLRX = """
import os, sys, time
class First:
    def start(self, name, steps): pass
    def step(self, state, step, done):
        print("FIRST", time.time(), sum(os.times()[:2]), flush=True)
        os._exit(0)
from clrx.cli.main import run
sys.exit(run(sys.argv[1:], observer=First(), figures=False))
"""
TORCH = """
import os, time
import torch, torchvision
from torch import nn
net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 14 * 14, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
nn.functional.cross_entropy(net(torch.rand(32, 1, 16, 16)), torch.zeros(32).long()).backward()
optimizer.step()
print("FIRST", time.time(), sum(os.times()[:2]), flush=True)
os._exit(0)
"""
KERAS = """
import os, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
from keras import layers
net = keras.Sequential([layers.Input((16, 16, 1)), layers.Conv2D(32, 3), layers.Flatten(), layers.Dense(2)])
net.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
class First(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("FIRST", time.time(), sum(os.times()[:2]), flush=True)
        os._exit(0)
net.fit(np.zeros((64, 16, 16, 1), "float32"), np.zeros(64), batch_size=32, verbose=0, callbacks=[First()])
"""
WORDS = (
    *("train", "dataset=npz", "dataset.size=16", "model=cnn4", "augment=none", "policy=constant", "epochs=1"),
    *("batch_size=32", "threads=1"),
)
FIELDS = ("starter", "byte_code", "rounds", "wall_s", "wall_least_s", "cpu_s", "hardware", "load", "share")


def images(folder: Path) -> Path:
    """An npz of random images in the MedMNIST layout."""
    rng, arrays = np.random.default_rng(0), {}
    for part, size in (("train", 2000), ("val", 200), ("test", 200)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (size, 16, 16), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(size)[:, None] % 2
    np.savez(folder / "random.npz", **arrays)
    return folder / "random.npz"


def starters(folder: Path) -> dict[str, list[str]]:
    """Name -> the words behind `python` of each."""
    found = {"clrx": ["-c", CLRX, *WORDS, f"dataset.root={images(folder)}"], "torch": ["-c", TORCH]}
    if find_spec("keras") and find_spec("tensorflow"):
        found["keras"] = ["-c", KERAS]
    return found


def environment(folder: Path, byte_code: bool) -> dict[str, str]:
    """Variables under which byte code is kept in the folder, or neither read nor written."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    kept |= {"CLRX_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    kept["PYTHONPYCACHEPREFIX"] = str(folder / ("bytecode" if byte_code else "none"))
    return kept if byte_code else {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


def start(words: list[str], folder: Path, byte_code: bool, *flags: str) -> tuple[float, float, str]:
    """(wall, cpu) seconds to the first step, and what the process said on stderr."""
    own = [f"hydra.run.dir={tempfile.mkdtemp(dir=folder)}/run"] if "train" in words else []
    began = time.time()
    done = subprocess.run(
        [sys.executable, *flags, *words, *own],
        env=environment(folder, byte_code),
        capture_output=True,
        text=True,
    )
    found = re.search(r"FIRST (\S+) (\S+)", done.stdout)
    if not found:
        raise RuntimeError(f"{words[:3]} took no step: {done.stdout[-500:]} {done.stderr[-500:]}")
    return float(found[1]) - began, float(found[2]), done.stderr


def shares(report: str) -> str:
    """The ten packages with the largest self time of imports, each with its share of all, as JSON."""
    times: Counter[str] = Counter()
    for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", report):
        times[name.split(".")[0]] += int(own)
    whole = sum(times.values())
    return json.dumps({name: round(own / whole, 3) for name, own in times.most_common(10)})


def main() -> None:
    rounds, load = int(sys.argv[1]) if len(sys.argv) > 1 else 5, os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = [(one, words, kept) for kept in (True, False) for one, words in starters(folder).items()]
        taken: dict[tuple[str, bool], list[tuple[float, float]]] = {}
        for round_ in range(rounds + 1):
            for one, words, kept in every:
                if not kept and round_ > max(1, rounds // 2):
                    continue  # of the slow ones half
                wall, cpu, _ = start(words, folder, kept)
                if round_:
                    taken.setdefault((one, kept), []).append((wall, cpu))
        share = shares(start(every[0][1], folder, True, "-X", "importtime")[2])
    facts = hardware("cpu")
    path = Path(__file__).parent / "results" / f"first_step_{str(facts['processor']).replace(' ', '_')}.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(FIELDS)
        for (one, kept), found in taken.items():
            walls, cpus = zip(*found, strict=True)
            middle = [statistics.median(walls), min(walls), statistics.median(cpus)]
            row = [one, "kept" if kept else "none", len(found), *(f"{value:.2f}" for value in middle)]
            row += [
                f"{facts['processor']}, {facts['cores']} cores",
                f"{load:.1f}",
                share if one == "clrx" else "",
            ]
            out.writerow(row)
            print(*row)


if __name__ == "__main__":
    main()
