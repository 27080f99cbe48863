"""`clrx sweep` with real runs, tiny ones: the runs that fail, kill -9 of the whole tree, equal policies, extras."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

from clrx.run.read import state_of
from clrx.sweep.command_line import EXTRAS

TINY = ("model=cnn4", "dataset.images=300", "dataset.size=16", "epochs=2", "bootstrap.resamples=20")
RECORDS = ("steps.csv", "metrics.json", "predictions.csv", "weights/best.safetensors")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]


def start(folder: Path, *words: str) -> subprocess.Popen:
    asked = {word.partition("=")[0] for word in words}
    tiny = [word for word in TINY if word.partition("=")[0] not in asked]
    command = [sys.executable, "-m", "clrx", "sweep", f"hydra.sweep.dir={folder}", *tiny, *words]
    return subprocess.Popen(
        command, cwd=folder.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    said = process.communicate(timeout=2000)[0]
    return process.returncode, said


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    below = children.read_text(encoding="utf-8").split() if children.exists() else []
    return [pid, *(one for child in below for one in tree(int(child)))]


def under_way(folder: Path, pid: int) -> bool:
    """Whether a run that this sweep started has opened its directory."""
    locks = [lock.read_text() for lock in folder.glob("*=*/lock")]
    return not {lock.split()[0] for lock in locks if lock}.isdisjoint(map(str, tree(pid)))


def sessions(runs: Iterable[Path]) -> int:
    """How often one of the runs has begun to train, or gone on."""
    logs = [run / "screen.log" for run in runs]
    return sum(log.read_text().count("images for training") for log in logs if log.exists())


def completions(run: Path) -> int:
    return (run / "screen.log").read_text().count(f"run directory: {run}")


def record(run: Path, name: str) -> object:
    """A file's content, without the seconds that a run took."""
    if name != "metrics.json":
        return (run / name).read_bytes()
    metrics = json.loads((run / name).read_text())
    for phase in metrics["phases"]:
        del phase["seconds"]
    return metrics


def test_one_diverges_one_is_killed_one_cannot_be(tmp_path):
    folder = tmp_path / "sweep"
    words = ("policy=constant", "seed=0", "lr=0.01,1e30", "batch_size=16,100000", "workers=2", "epochs=20")
    sweep = start(folder, *words)  # epochs enough to be killed in
    victim = folder / "batch_size=16_lr=0.01"
    while state_of(victim) != "running":
        assert sweep.poll() is None
        time.sleep(0.02)
    os.kill(int((victim / "lock").read_text().split()[0]), signal.SIGKILL)
    code, said = finish(sweep)
    assert code == 1
    found = {run.name: state_of(run) for run in folder.glob("*=*")}
    assert found == {
        "batch_size=16_lr=0.01": "failed",
        "batch_size=16_lr=1e+30": "diverged",
        "batch_size=100000_lr=0.01": "failed",
        "batch_size=100000_lr=1e+30": "failed",
    }
    assert "killed by SIGKILL" in said
    assert "larger than the training set" in said
    page = (folder / "report" / "report.html").read_text()
    for reason in ("killed by SIGKILL", "non-finite", "larger than the training set"):
        assert reason in page, "the report lists all"
    code, said = finish(start(folder, *words, "retry=failed"))
    assert code == 1, said
    assert state_of(victim) == "complete"


def test_equal_policies_differ_by_exactly_nothing(tmp_path):
    folder = tmp_path / "sweep"
    code, said = finish(start(folder, "policy=constant,time_decay", "decay=0", "seed=0,1", "workers=2"))
    assert code == 0, said
    for seed in (0, 1):
        pair = [folder / f"policy={policy}_seed={seed}" for policy in ("constant", "time_decay")]
        assert record(pair[0], "steps.csv") == record(pair[1], "steps.csv")
        assert record(pair[0], "metrics.json") == record(pair[1], "metrics.json")
    with (folder / "report" / "comparison.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["difference_n"]]
    assert rows
    assert all(float(row[f"difference_{name}"]) == 0 for row in rows for name in ("mean", "low", "high"))


def epochs(folder: Path) -> int:
    """How many epochs the runs have recorded."""
    files = [run / "epochs.csv" for run in folder.glob("*=*")]
    return sum(len(file.read_text().splitlines()) - 1 for file in files if file.exists())


def wait_for(kill: int, folder: Path, sweep: subprocess.Popen) -> None:
    """Return when a run of the sweep trains, has recorded an epoch, or has opened its directory: by turns."""
    before = (sessions(folder.glob("*=*")), epochs(folder))
    while sweep.poll() is None:
        now = (sessions(folder.glob("*=*")) > before[0], epochs(folder) > before[1])
        if [*now, under_way(folder, sweep.pid)][kill % 3]:
            return
        time.sleep(0.05)


def test_kills_of_a_sweep_with_its_runs(tmp_path):
    """After kills of the whole process tree each run is complete, completed once, and equal to an undisturbed one.

    Two kills of 4 runs; CLRX_KILLS=10 asks for ten kills of 12 runs, about 20 minutes.
    """
    kills = int(os.environ.get("CLRX_KILLS", "2"))
    seeds = (0, 1, 2) if kills > 2 else (0,)
    words = (f"seed={','.join(map(str, seeds))}", "checkpoint.every='1 step'", "workers=2")
    calm, folder = tmp_path / "calm", tmp_path / "sweep"
    assert finish(start(calm, *words))[0] == 0
    for number in range(kills):
        sweep = start(folder, *words)
        wait_for(number, folder, sweep)
        for pid in tree(sweep.pid):
            os.kill(pid, signal.SIGKILL)
        sweep.communicate()
    code, said = finish(start(folder, *words))
    assert code == 0, said
    runs = sorted(run for run in folder.glob("*=*") if run.is_dir())
    assert len(runs) == 4 * len(seeds)
    assert sessions(runs) > len(runs), "some were broken off and went on"
    for run in runs:
        assert state_of(run) == "complete"
        assert completions(run) <= 1, f"{run.name} was completed more than once"
        for name in RECORDS:
            assert record(run, name) == record(calm / run.name, name), (run.name, name)


@pytest.mark.parametrize(
    ("launcher", "extra", "word"),
    [
        ("ray", "ray", "workers=2"),  # a local cluster of two workers
        ("submitit_local", "slurm", "hydra.launcher.timeout_min=20"),  # Slurm's submission without Slurm
        ("joblib", "joblib", "workers=2"),
    ],
)
def test_engines_past_one_machine(tmp_path, launcher, extra, word):
    if find_spec(f"hydra_plugins.{EXTRAS[launcher][0]}") is None:
        pytest.skip(f"the launcher is not installed (pip install 'clrx[{extra}]')")
    folder = tmp_path / "sweep"
    code, said = finish(
        start(folder, f"hydra/launcher={launcher}", "policy=constant,triangular", "seed=0", word)
    )
    assert code == 0, said
    assert [state_of(run) for run in folder.glob("policy=*")] == ["complete"] * 2
