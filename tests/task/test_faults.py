"""Faults that a run meets: memory that runs out, clocks that go back, data that change, a home that is read-only."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from shutil import rmtree, which

import pytest
import torch
from toy import write_toy
from toy_run import SMALL, At, interrupt_at, outcome, record, resume, train

import clrx.run.directory
from clrx.run.checkpoint import load_checkpoint
from clrx.training.loss import Loss

pytestmark = pytest.mark.usefixtures("threads")


CUDA = "CUDA out of memory. Tried to allocate 2.00 GiB."
CPU = "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
OUT = [(torch.OutOfMemoryError(CUDA), CUDA), (RuntimeError(CPU), CPU), (MemoryError(), "MemoryError")]


@pytest.mark.parametrize(("error", "said"), OUT)
def test_memory_that_runs_out_names_a_batch_that_fits(monkeypatch, data, tmp_path, capsys, error, said):
    """Batches of 48 and 24 do not fit here, 12 does; four of them make the same step."""
    whole = Loss.__call__

    def full(self, logits, labels):
        if logits.requires_grad and len(logits) > 12:
            raise error
        return whole(self, logits, labels)

    monkeypatch.setattr(Loss, "__call__", full)
    assert train(data, tmp_path, "policy=constant", "epochs=1") == 1
    err = capsys.readouterr().err
    assert f"memory ran out: {said} (batch_size=48)" in err
    assert "batch_size=12 accumulate=4" in err
    assert "Traceback" not in err
    assert record(tmp_path)["state"] == "failed"
    assert load_checkpoint(tmp_path / "checkpoint")[1]["steps"] == 0  # the trials are not written


LIMITED = """
import resource, sys
import clrx.task.train as train
def limited(*given, train_phases=train.train_phases):
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (160 << 20), resource.RLIM_INFINITY))
    train_phases(*given)
train.train_phases = limited
from clrx.cli.main import run
sys.exit(run(sys.argv[1:], figures=False))
"""


@pytest.mark.slow
def test_a_real_end_of_memory_is_one_message(data, tmp_path):
    """The process may take 160 MiB more; the first layer's maps of 240 images of 64 pixels alone take 126."""
    words = [
        "model=resnet9",
        "model.width=8",
        "dataset.size=64",
        "batch_size=240",
        "epochs=1",
        "policy=constant",
    ]
    words += [
        f"dataset.root={data}",
        f"hydra.run.dir={tmp_path / 'run'}",
        "dataset=npz",
        "threads=1",
        "device=cpu",
    ]
    done = subprocess.run([sys.executable, "-c", LIMITED, "train", *words], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "error: memory ran out: " in done.stderr
    assert "Traceback" not in done.stderr
    assert record(tmp_path / "run")["state"] == "failed"


@pytest.mark.slow
def test_a_clock_that_goes_backwards_changes_nothing(monkeypatch, data, tmp_path):
    """An hour back at every look: what is due and what is measured goes by a clock that cannot go back."""
    words = ("policy=constant", "epochs=2", "checkpoint.every=0.000001 minutes")
    assert train(data, tmp_path / "twin", *words) == 0
    looks = [0]

    def back() -> float:
        looks[0] += 1
        return 2e9 - 3600 * looks[0]

    class Back(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2033, 5, 18, tzinfo=UTC) - timedelta(seconds=2e9 - back())

    monkeypatch.setattr(time, "time", back)
    monkeypatch.setattr(clrx.run.directory, "datetime", Back)
    assert train(data, tmp_path / "run", *words) == 0
    found = record(tmp_path / "run")
    assert found["finished"] < found["started"]
    assert outcome(tmp_path / "run") == outcome(tmp_path / "twin")
    assert all(
        phase["seconds"] > 0 for phase in json.loads((tmp_path / "run/metrics.json").read_text())["phases"]
    )


def test_a_cache_removed_under_a_run_is_held_to_its_end(monkeypatch, data, tmp_path):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    assert train(data, tmp_path / "twin", "policy=constant", "epochs=1") == 0
    remove = At(1, lambda: rmtree(tmp_path / "cache"))
    assert train(data, tmp_path / "run", "policy=constant", "epochs=1", observer=remove) == 0
    assert outcome(tmp_path / "run") == outcome(tmp_path / "twin")


@pytest.mark.parametrize(("contrast", "flipped", "named"), [(50.0, False, "images"), (60.0, True, "labels")])
def test_data_that_changed_since_are_refused_on_resume(tmp_path, capsys, contrast, flipped, named):
    import numpy as np

    data = write_toy(tmp_path / "toy.npz")
    assert train(data, tmp_path / "run", "policy=constant", "epochs=1", observer=interrupt_at(2)) == 130
    write_toy(data, contrast)
    if flipped:
        arrays = dict(np.load(data))
        np.savez(data, **{key: 1 - value if "labels" in key else value for key, value in arrays.items()})
    before = (tmp_path / "run/run.json").read_bytes()
    assert resume(tmp_path / "run") == 2
    assert f"the {named} are not what the run began with" in capsys.readouterr().err
    assert (tmp_path / "run/run.json").read_bytes() == before


OBEYING = (
    [] if os.getuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
)  # root obeys no bits


@pytest.mark.slow
@pytest.mark.skipif(bool(OBEYING) and which("setpriv") is None, reason="root, and no setpriv")
@pytest.mark.parametrize(("cache", "code"), [(True, 0), (False, 2)])
def test_a_home_that_cannot_be_written(data, tmp_path, cache, code):
    """With CLRX_CACHE elsewhere a run is complete; without it the message names that. No library says more."""
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    words = [*SMALL, "epochs=1", f"dataset.root={data}", f"hydra.run.dir={tmp_path / 'run'}"]
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
    env = {**kept, "HOME": str(home), "OMP_NUM_THREADS": "1"} | (
        {"CLRX_CACHE": str(tmp_path / "cache")} if cache else {}
    )
    command = [*OBEYING, sys.executable, "-m", "clrx", "train", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    if cache:
        assert record(tmp_path / "run")["state"] == "complete"
    else:
        assert "set CLRX_CACHE to a folder that can be written" in done.stderr
        assert not (tmp_path / "run").exists()
    assert "Traceback" not in done.stderr
    assert list(home.iterdir()) == []
