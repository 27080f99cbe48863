"""`clrx sweep` with short stub runs (tests/task/stub.py): which are run, skipped, retried and listed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clrx.run.read import state_of

STUB = Path(__file__).with_name("stub.py")


def start(folder: Path, *words: str, **environment: str) -> subprocess.Popen:
    command = [sys.executable, str(STUB), "sweep", f"hydra.sweep.dir={folder}", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=os.environ | environment, cwd=folder.parent, **pipes)


def finish(process: subprocess.Popen) -> tuple[int, str]:
    said = process.communicate(timeout=200)[0]
    return process.returncode, said


def states(folder: Path) -> dict[str, str | None]:
    return {run.name: state_of(run) for run in sorted(folder.glob("*=*"))}


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    below = children.read_text().split() if children.exists() else []
    return [pid, *(one for child in below for one in tree(int(child)))]


def test_the_others_finish_and_the_list_has_all(tmp_path):
    """One run raises, one diverges, one is killed, one is refused; started again, only what is asked for runs."""
    folder = tmp_path / "sweep"
    words = ("policy=constant", "seed=0,10,11,12,13,1")
    code, said = finish(start(folder, *words))
    expected = {
        "0": "complete",
        "1": "complete",
        "10": "failed",
        "11": "diverged",
        "12": "failed",
        "13": "failed",
    }
    assert code == 1, said
    assert states(folder) == {f"seed={seed}": state for seed, state in expected.items()}
    for name in ("out of paper", "non-finite at step 3", "killed by SIGKILL", "seed=13 is unlucky", "0.6100"):
        assert name in said.split("/sweep: ")[1]
    assert json.loads((folder / "seed=12" / "run.json").read_text())["choices"]["policy"] == "constant"
    assert "seed: 13" in (folder / "seed=13" / "config.yaml").read_text()

    (folder / "seed=10" / "mended").touch()
    code, said = finish(start(folder, *words, "retry=failed"))
    assert code == 1
    assert states(folder)["seed=10"] == "complete"
    begun = {run.name: len(lines(run / "begun")) for run in folder.glob("*=*")}
    assert begun == {"seed=0": 1, "seed=1": 1, "seed=10": 2, "seed=11": 1, "seed=12": 2, "seed=13": 0}


def test_two_terminals_share_the_work(tmp_path):
    folder = tmp_path / "sweep"
    words = ("policy=constant,triangular", "seed=0,1,2", "workers=2")
    both = [start(folder, *words, STUB_SECONDS="2", CUDA_VISIBLE_DEVICES="4,7") for _ in range(2)]
    ended = [finish(process) for process in both]
    assert [code for code, _ in ended] == [0, 0], ended
    runs = [run for run in folder.glob("*=*") if run.is_dir()]
    assert len(runs) == 6
    for run in runs:
        assert lines(run / "completed") == ["once"]
        assert len(lines(run / "begun")) == 1
    assert {line for run in runs for line in lines(run / "begun")} == {"4", "7"}, "GPUs are shared out"
    assert all(said.count(": starts") < 6 for _, said in ended)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("ö é , = ( ) ' # [ ] ~ % & $x {a}", ()),
        (".", ("hydra.sweep.dir=my (1), é",)),
        (".", ("hydra.sweep.dir='a b'",)),
    ],
)
def test_any_directory_will_do(tmp_path, where, words):
    """The sweep passed its own path unquoted: it failed, or ran nothing and was content."""
    home = tmp_path / where
    home.mkdir(exist_ok=True)
    command = [sys.executable, str(STUB), "sweep", "policy=constant", "seed=0,1", *words]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    named = words[0].partition("=")[2].strip("'") if words else "outputs/sweep/*"
    assert "2 complete" in done.stdout
    folders = [home / named] if words else list(home.glob(named))
    assert [states(folder) for folder in folders] == [{"seed=0": "complete", "seed=1": "complete"}]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_signal_interrupts_the_runs_and_the_sweep(tmp_path, number, code):
    folder = tmp_path / "sweep"
    process = start(folder, "policy=constant", "seed=0,1", STUB_SECONDS="60")
    while not lines(folder / "seed=0" / "begun") and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(number)
    assert finish(process)[0] == code
    assert states(folder) == {"seed=0": "interrupted"}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("seed=0,1", "policy=constant,triangel"), "there is no policy 'triangel'"),
        (("seed=0,1", "policy=constant", "target=soon"), "target"),  # of the report
        (("seed=0,1", "policy=constant", "force=maybe"), "force=maybe"),
    ],
)
def test_a_mistake_in_any_value_is_found_before_the_first_run(tmp_path, words, what):
    code, said = finish(start(tmp_path / "sweep", *words))
    assert code == 2
    assert what in said
    assert states(tmp_path / "sweep") == {}


@pytest.mark.slow
def test_killed_again_and_again(tmp_path):
    """kill -9 of the sweep and all its runs, twice; the same command goes on until all have completed once."""
    folder = tmp_path / "sweep"
    words = ("policy=constant,triangular", "seed=0,1", "workers=2")
    for event in ("begun", "completed"):
        process = start(folder, *words, STUB_SECONDS="1")
        while not list(folder.glob(f"*/{event}")) and process.poll() is None:
            time.sleep(0.05)
        for pid in tree(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.communicate()
    code, said = finish(start(folder, *words, STUB_SECONDS="0.1"))
    assert code == 0, said
    assert [lines(run / "completed") for run in folder.glob("*=*")] == [["once"]] * 4
