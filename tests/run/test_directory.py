"""A run directory tells how its run ended, and belongs to one process and one configuration."""
# ruff: noqa: PT012 - what happens inside the open run is what these blocks are about

import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
import yaml
from omegaconf import OmegaConf

from clrx.core.errors import RunError, UserError
from clrx.core.signals import Interrupted, listening
from clrx.run.directory import Diverged, open_run, refuse_other_run, state_of, write_config

CONFIG = {
    "lr": 1e-5,
    "epochs": 3,
    "ema": None,
    "note": "1e-5",
    "device": "cpu",
    "checkpoint": {"every": "1 minute"},
    "policy": {"_target_": "clrx.policy.constant.Constant", "lr": "${lr}"},
    "plan": {"phases": [{"name": "a", "epochs": "${epochs}"}, {"name": "b", "epochs": 1}]},
    "trainable": ["early", "head"],
}


def config(**changed):
    """A recorded configuration: plain, resolved, without what belongs to one command."""
    merged = OmegaConf.merge(OmegaConf.create(CONFIG), OmegaConf.create(changed))
    return OmegaConf.to_container(merged, resolve=True)


@pytest.fixture(autouse=True)
def log_level():
    log = logging.getLogger("clrx")
    before = log.level
    log.setLevel(logging.INFO)
    yield
    log.setLevel(before)
    assert log.handlers == []  # each run takes its own handler along


def record(path):
    return json.loads((path / "run.json").read_text())


ENDS = [
    (None, "complete", None),
    (RunError("no whole checkpoint is left"), "failed", "no whole checkpoint is left"),
    (Diverged("the loss became non-finite at step 7"), "diverged", "the loss became non-finite at step 7"),
    (Interrupted(15), "interrupted", "interrupted by SIGTERM"),
    (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt"),
    (ZeroDivisionError("by zero"), "failed", "by zero"),
    (OSError(28, "No space left on device"), "failed", "[Errno 28] No space left on device"),
    (MemoryError(), "failed", "MemoryError"),
    (SystemExit(1), "failed", "1"),
]


@pytest.mark.parametrize(("error", "state", "message"), ENDS)
def test_the_end_becomes_the_state(tmp_path, error, state, message):
    path = tmp_path / "new" / "run"

    def work():
        with open_run(path, config(), {"seed": 3}) as run:
            assert (state_of(path), run.record["seed"], run.record["error"]) == ("running", 3, None)
            run.note(fact="kept")
            logging.getLogger("clrx").info("half way")
            if error is not None:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(type(error)) as caught:
            work()
        assert caught.value is error
    found = record(path)
    assert (found["state"], found["error"], found["fact"]) == (state, message, "kept")
    assert found["started"] <= found["finished"]
    log = (path / "train.log").read_text()
    assert "INFO half way" in log
    assert ("Traceback" in log) is (error is not None)
    assert error is None or "in work" in log  # where it happened


def test_a_library_error_made_of_a_signal_is_an_interruption(tmp_path):
    with pytest.raises(Interrupted, match="SIGTERM"), listening(), open_run(tmp_path, config(), {"seed": 3}):
        with suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        raise ValueError("Invalid bounding box")
    assert (record(tmp_path)["state"], record(tmp_path)["error"]) == ("interrupted", "interrupted by SIGTERM")
    assert "Invalid bounding box" in (tmp_path / "train.log").read_text()


def test_nothing_is_a_run_without_a_record(tmp_path):
    assert state_of(tmp_path) is None
    assert state_of(tmp_path / "absent") is None
    for content in ("", "{", "{}", "[]"):
        (tmp_path / "run.json").write_text(content)
        assert state_of(tmp_path) is None


def test_a_run_is_continued_with_its_record(tmp_path):
    with pytest.raises(RunError), open_run(tmp_path, config(), {"seed": 3}) as run:
        run.note(started="long ago", fact=1)
        raise RunError("x")
    with open_run(tmp_path, config(), {"seed": 3}) as run:
        found = run.record
        assert (found["started"], found["fact"], found["state"]) == ("long ago", 1, "running")
        assert (found["finished"], found["error"]) == (None, None)
    assert state_of(tmp_path) == "complete"
    log = (tmp_path / "train.log").read_text()
    assert log.count("failed: x") == 1


def test_the_configuration_is_kept(tmp_path):
    with open_run(tmp_path, config(), {}):
        pass
    kept = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert kept["policy"]["lr"] == 1e-5
    assert kept["plan"]["phases"][0]["epochs"] == 3
    assert kept["note"] == "1e-5"


CHANGES = [
    ({"epochs": 4}, ["epochs: 3 -> 4", "plan.phases.0.epochs: 3 -> 4"]),
    ({"lr": 1e-4}, ["lr: 1e-05 -> 0.0001", "policy.lr: 1e-05 -> 0.0001"]),
    ({"ema": 0.9}, ["ema: None -> 0.9"]),
    ({"trainable": ["head"]}, ["trainable: ['early', 'head'] -> ['head']"]),
    ({"plan": {"phases": [{"name": "a", "epochs": 3}]}}, ["plan.phases.1.epochs: 1 -> None"]),
    ({"device_count": 2}, ["device_count: None -> 2"]),
]


@pytest.mark.parametrize(("changed", "named"), CHANGES)
def test_a_changed_configuration_is_refused_key_by_key(tmp_path, changed, named):
    with open_run(tmp_path, config(), {"seed": 3}):
        pass
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "lock"}
    with pytest.raises(UserError) as caught, open_run(tmp_path, config(**changed), {"seed": 4}):
        pytest.fail("must not open")
    assert all(name in caught.value.what for name in named)
    assert caught.value.where == str(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "lock"} == before
    with pytest.raises(UserError, match="another configuration"):
        refuse_other_run(tmp_path, config(**changed))
    refuse_other_run(tmp_path, config())
    refuse_other_run(tmp_path / "absent", config(**changed))


@pytest.mark.parametrize(
    "changed",
    [{}, {"device": "cuda"}, {"checkpoint": {"every": "5 steps"}}],
)
def test_what_cannot_change_results_may_change(tmp_path, changed):
    with open_run(tmp_path, config(), {}):
        pass
    with open_run(tmp_path, config(**changed), {}):
        pass


VALUES = [1e-5, 1e22, -1e-300, 0.1 + 0.2, float("inf"), None, True, "1e-5", "null", "", " x ", "a: b", "12e3"]


@pytest.mark.parametrize("value", [*VALUES, [1e-5, "1e-5"], "2020-01-01", "08:30", "é\nb", {}, []])
def test_a_value_written_and_read_is_no_change(tmp_path, value):
    asked = {"k": value}
    write_config(tmp_path, asked)
    refuse_other_run(tmp_path, asked)


HOLDER = """
import sys
from pathlib import Path
from clrx.run.directory import open_run
with open_run(Path(sys.argv[1]), {"lr": 1}, {}):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_another_process_holds_the_lock_until_it_dies(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], **pipes) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(UserError, match="another process") as caught, open_run(tmp_path, config(), {}):
            pytest.fail("must not open")
        assert "hydra.run.dir" in caught.value.fix
        assert (tmp_path / "lock").read_text() == f"{holder.pid}\n"
        assert state_of(tmp_path) == "running"
        holder.kill()
        holder.wait()
    with open_run(tmp_path, {"lr": 1}, {}):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert state_of(tmp_path) == "complete"


def test_a_full_disk_shows_its_first_error_and_a_log(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(RunError, match="the first"), open_run(tmp_path, config(), {}):
        monkeypatch.setattr(os, "fsync", full)
        raise RunError("the first")
    assert state_of(tmp_path) == "running"  # what could not be written could not be written
    log = (tmp_path / "train.log").read_text()
    assert "failed: the first" in log
    assert "the state could not be written: [Errno 28]" in log


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path, capfd):
    (tmp_path / "train.log").symlink_to("/dev/full")
    with open_run(tmp_path, config(), {}):
        logging.getLogger("clrx").info("lost")
    assert state_of(tmp_path) == "complete"
    assert capfd.readouterr().err == ""
