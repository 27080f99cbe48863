"""`clrx sweep` with short stub runs (tests/task/stub.py): which are run, skipped, retried and listed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import stub

from clrx.core.lock import is_held
from clrx.core.paths import ROOT
from clrx.run.read import state_of
from clrx.sweep.job import Job
from clrx.sweep.process import command_of, search_path


def start(folder: Path, *words: str, **environment: str) -> subprocess.Popen:
    command = [sys.executable, stub.__file__, "sweep", f"hydra.sweep.dir={folder}", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=os.environ | environment, cwd=folder.parent, **pipes)


def finish(process: subprocess.Popen) -> tuple[int, str]:
    said = process.communicate(timeout=200)[0]
    return process.returncode, said


@pytest.fixture
def sweep_here(tmp_path, monkeypatch, capsys):
    """Runs a sweep of stubs in this process; its exit code and what it said."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str]:
        code = stub.sweep(list(words), monkeypatch.setattr)
        said = capsys.readouterr()
        return code, said.out + said.err

    return command


def states(folder: Path) -> dict[str, str | None]:
    return {run.name: state_of(run) for run in sorted(folder.glob("*=*"))}


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    below = children.read_text(encoding="utf-8").split() if children.exists() else []
    return [pid, *(one for child in below for one in tree(int(child)))]


def wait_for(process: subprocess.Popen, happened: Callable[[], bool]) -> None:
    while not happened():
        assert process.poll() is None
        time.sleep(0.05)


def test_the_others_finish_and_the_list_has_all(tmp_path, sweep_here):
    """One run raises, one diverges, one is killed, one is refused; started again, only what is asked for runs."""
    folder = tmp_path / "sweep"
    words = (f"hydra.sweep.dir={folder}", "policy=constant", "seed=0,10,11,12,13,1")
    code, said = sweep_here(*words)
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

    assert sweep_here(*words, "retry=failed", "lr=-1")[0] == 2
    assert states(folder) == {f"seed={seed}": state for seed, state in expected.items()}, (
        "a mistake opens no run"
    )

    (folder / "seed=10" / "mended").touch()
    code, said = sweep_here(*words, "retry=failed")
    assert code == 1
    assert states(folder)["seed=10"] == "complete"
    begun = {run.name: len(lines(run / "begun")) for run in folder.glob("*=*")}
    assert begun == {"seed=0": 1, "seed=1": 1, "seed=10": 2, "seed=11": 1, "seed=12": 2, "seed=13": 0}


@pytest.mark.slow
def test_two_terminals_share_the_work(tmp_path):
    """Two runs each are under way before the first may end."""
    folder, gate = tmp_path / "sweep", tmp_path / "gate"
    words = ("policy=constant,triangular", "seed=0,1,2", "workers=2")
    told = {"STUB_GATE": str(gate), "CUDA_VISIBLE_DEVICES": "4,7"}
    both = [start(folder, *words, **told) for _ in range(2)]
    for process in both:
        wait_for(process, lambda: len(list(folder.glob("*/begun"))) == 4)
    gate.touch()
    ended = [finish(process) for process in both]
    assert [code for code, _ in ended] == [0, 0], ended
    runs = [run for run in folder.glob("*=*") if run.is_dir()]
    assert len(runs) == 6
    assert {state_of(run) for run in runs} == {"complete"}
    assert [len(lines(run / "begun")) for run in runs] == [1] * 6
    assert {line for run in runs for line in lines(run / "begun")} == {"4", "7"}, "GPUs are shared out"
    started = [said.count(": starts") + said.count(": continues") for _, said in ended]
    assert sum(started) == 6
    assert min(started) >= 2


@pytest.mark.slow
def test_a_sweep_that_is_stopped_holds_up_nobody(tmp_path):
    """Its claim on a run that was complete had others wait for ever, without a word."""
    folder, gate = tmp_path / "sweep", tmp_path / "gate"
    words = ("policy=constant", "seed=0,1")
    first = start(folder, *words, STUB_GATE=str(gate))
    wait_for(first, (folder / "seed=0" / "begun").exists)
    first.send_signal(signal.SIGSTOP)
    second = start(folder, *words, STUB_GATE=str(gate))
    said = second.stdout.readline()
    assert f"seed=0: waits for process {first.pid} on {socket.gethostname()} since 20" in said
    gate.touch()
    code, rest = finish(second)
    assert (code, "2 complete" in rest) == (0, True), rest
    first.send_signal(signal.SIGCONT)
    assert finish(first)[0] == 0
    assert [len(lines(run / "begun")) for run in folder.glob("*=*")] == [1, 1]


@pytest.mark.slow
def test_a_damaged_run_is_named_and_passed_over(tmp_path, sweep_here):
    """One config.yaml of `a: [`, or a value of another type, ended the whole sweep."""
    folder = tmp_path / "sweep"
    words = (f"hydra.sweep.dir={folder}", "policy=constant", "seed=0,1,2")
    assert sweep_here(*words)[0] == 0
    (folder / "seed=0" / "config.yaml").write_text("a: [")
    (folder / "seed=1" / "run.json").write_text('{"state": "complete", "hardware": [], "task": 3}')
    code, said = sweep_here(*words, "seed=0,1,2,3")
    assert code == 1
    assert states(folder) == {
        "seed=0": "complete",
        "seed=1": None,
        "seed=2": "complete",
        "seed=3": "complete",
    }
    assert "unreadable" in said
    assert "run.json of this run cannot be read: it is damaged" in said or "seed=1" in said


def test_runs_do_not_import_what_lies_in_the_working_directory(tmp_path):
    """A statistics.py or random.py there was run in place of Python's."""
    for name in ("statistics", "random", "clrx"):
        (tmp_path / f"{name}.py").write_text("raise AssertionError('this is not Python')\n")
    words = command_of(Job("a", (), tmp_path), SimpleNamespace(runtime=SimpleNamespace(config_sources=[])))
    command = [*words[: words.index("train")], "--version"]
    for given in ("", f":{ROOT}", "."):
        environment = os.environ | {"PYTHONPATH": given}
        patched = pytest.MonkeyPatch()
        patched.setenv("PYTHONPATH", given)
        environment |= search_path()
        patched.undo()
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.stdout.startswith("clrx "), done.stderr


@pytest.mark.everyday(1)
@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("ö é , = ( ) ' # [ ] ~ % & $x {a}", ()),
        (".", ("hydra.sweep.dir=my (1), é",)),
        (".", ("hydra.sweep.dir='a b'",)),
    ],
)
def test_any_directory_will_do(tmp_path, monkeypatch, sweep_here, where, words):
    """The sweep passed its own path unquoted: it failed, or ran nothing and was content."""
    home = tmp_path / where
    home.mkdir(exist_ok=True)
    monkeypatch.chdir(home)
    code, said = sweep_here("policy=constant", "seed=0,1", *words)
    assert code == 0, said
    named = words[0].partition("=")[2].strip("'") if words else "outputs/sweep/*"
    assert "2 complete" in said
    folders = [home / named] if words else list(home.glob(named))
    assert [states(folder) for folder in folders] == [{"seed=0": "complete", "seed=1": "complete"}]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
        pytest.param(signal.SIGUSR1, 138, marks=pytest.mark.slow),
    ],
)
def test_a_signal_interrupts_the_runs_and_the_sweep(tmp_path, number, code):
    folder = tmp_path / "sweep"
    process = start(folder, "policy=constant", "seed=0,1", STUB_GATE=str(tmp_path / "never"))
    wait_for(process, (folder / "seed=0" / "begun").exists)
    process.send_signal(number)
    assert finish(process)[0] == code
    assert states(folder) == {"seed=0": "interrupted"}


@pytest.mark.everyday(3)
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("seed=0,1", "policy=constant,triangel"), "there is no policy 'triangel'"),
        (("seed=0,1", "policy=constant", "target=soon"), "target"),  # of the report
        (("seed=0,1", "policy=constant", "force=maybe"), "force=maybe"),
        (("seed=-1,0",), "seed=-1 is not possible"),
        (("lr=0.01,fast", "policy=constant"), "lr=fast is not possible"),
        (("batch_size=16,0",), "batch_size=0 is not possible"),
        (("policy=triangular", "bounds.base_lr=0.1", "bounds.max_lr=0.2,0.05"), "max_lr"),
        (("device=cuda:99",), "device=cuda:99"),
        (("dataset=cifar10,phantom", "disease=mass"), "this dataset reads no disease"),
    ],
)
def test_a_mistake_in_any_value_is_found_before_the_first_run(tmp_path, sweep_here, words, what):
    code, said = sweep_here("hydra.sweep.dir=sweep", *words)
    assert code == 2
    assert what in said
    assert not (tmp_path / "sweep").exists(), "a refused sweep leaves nothing"


def kill(sweep: subprocess.Popen, folder: Path) -> None:
    """SIGKILL for the sweep and its runs; returns when none of them holds a directory."""
    for pid in tree(sweep.pid):
        os.kill(pid, signal.SIGKILL)
    sweep.communicate()
    while any(is_held(run / "lock") for run in folder.glob("*=*/")):
        time.sleep(0.05)


@pytest.mark.slow
def test_killed_again_and_again(tmp_path):
    """kill -9 of the sweep and all its runs: as the first begin, and as the first is complete.

    The same command goes on until all are complete; a run that was complete at a kill is never begun again.
    """
    folder, gate = tmp_path / "sweep", tmp_path / "gate"
    words = ("policy=constant,triangular", "seed=0,1", "workers=2")

    def complete() -> dict[Path, int]:
        """The complete runs, and how often each was begun."""
        runs = [run for run in folder.glob("*=*/") if state_of(run) == "complete"]
        return {run: len(lines(run / "begun")) for run in runs}

    sweep = start(folder, *words, STUB_GATE=str(gate))
    wait_for(sweep, lambda: bool(list(folder.glob("*/begun"))))
    kill(sweep, folder)
    assert complete() == {}
    gate.touch()
    sweep = start(folder, *words, STUB_GATE=str(gate))
    wait_for(sweep, lambda: bool(complete()))
    kill(sweep, folder)
    before = complete()
    code, said = finish(start(folder, *words))
    assert code == 0, said
    after = complete()
    assert len(after) == 4
    assert before.items() <= after.items()
