"""A run directory tells how its run ended, and belongs to one process and one configuration."""
# ruff: noqa: PT012 - what happens inside the open run is what these blocks are about

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress

import pytest
import yaml
from omegaconf import OmegaConf

from clrx.core.errors import RunError, UserError
from clrx.core.signals import Interrupted, listening
from clrx.run.directory import Diverged, open_run, record_failure, refuse_other_run, write_config
from clrx.run.read import FORMAT, RunState, read_config, read_run, require_run, state_of
from clrx.run.resume_guard import refuse_changes

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
    "run": {"dir": "here", "command": "clrx train"},
}


def config(**changed):
    merged = OmegaConf.merge(OmegaConf.create(CONFIG), OmegaConf.create(changed))
    return {key: value for key, value in OmegaConf.to_container(merged, resolve=True).items() if key != "run"}


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
    with open_run(tmp_path, config(run={"command": "clrx train again"}), {"seed": 3}) as run:
        found = run.record
        assert (found["started"], found["fact"], found["state"]) == ("long ago", 1, "running")
        assert (found["finished"], found["error"]) == (None, None)
    assert state_of(tmp_path) == "complete"
    log = (tmp_path / "train.log").read_text()
    assert log.count("failed: x") == 1


def test_the_configuration_is_kept_resolved_without_the_invocation(tmp_path):
    with open_run(tmp_path, config(), {}):
        pass
    kept = read_config(tmp_path)
    assert "run" not in kept
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
    [{}, {"device": "cuda"}, {"checkpoint": {"every": "5 steps"}}, {"run": {"dir": "there"}}],
)
def test_what_cannot_change_results_may_change(tmp_path, changed):
    with open_run(tmp_path, config(), {}):
        pass
    with open_run(tmp_path, config(**changed), {}):
        pass


@pytest.mark.parametrize(
    ("target", "added"),
    [
        ("clrx.policy.triangular.Triangular", {"rise": 0.5, "from_top": False}),
        ("clrx.policy.sgdr.SGDR", {"m_mul": 1.0}),
        ("clrx.policy.one_cycle.OneCycle", {"three_phase": False, "anneal_strategy": "cos"}),
    ],
)
def test_a_key_that_a_policy_has_got_since_then_is_no_change_at_its_old_value(tmp_path, target, added):
    write_config(tmp_path, config(policy={"_target_": target, "max_lr": 1}))
    refuse_other_run(tmp_path, config(policy={"_target_": target, "max_lr": 1, **added}))
    other = config(policy={"_target_": target, "max_lr": 1, **added, next(iter(added)): 0.25})
    with pytest.raises(UserError, match=f"policy.{next(iter(added))}"):
        refuse_other_run(tmp_path, other)


VALUES = [1e-5, 1e22, -1e-300, 0.1 + 0.2, float("inf"), None, True, "1e-5", "null", "", " x ", "a: b", "12e3"]
VALUES += [
    [1e-5, "1e-5"],
    "2020-01-01",
    "08:30",
    "é\nb",
    {},
    [],
    "1_0",
    "inf",
    "on",
    "0x1F",
    {"a": [{"b": 1}]},
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_written_and_read_is_no_change_and_other_readers_agree(tmp_path, value):
    asked = {"k": value, "again": [value, value]}
    write_config(tmp_path, asked)
    refuse_changes(read_config(tmp_path), asked, tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    assert text == OmegaConf.to_yaml(OmegaConf.create(asked))
    assert OmegaConf.to_container(OmegaConf.create(text)) == asked == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 0.001), ("2E5", 2e5), ("-1.5e3", -1500.0), ("2020-01-01", "2020-01-01")]
)
def test_a_configuration_is_read_as_it_is_written_by_hand(tmp_path, text, value):
    (tmp_path / "config.yaml").write_text(f"k: {text}\n")
    assert (
        read_config(tmp_path)
        == {"k": value}
        == OmegaConf.to_container(OmegaConf.load(tmp_path / "config.yaml"))
    )


def test_a_damaged_configuration_is_no_change_of_every_key(tmp_path):
    with open_run(tmp_path, config(), {}):
        pass
    (tmp_path / "config.yaml").write_text("lr: [")
    with pytest.raises(UserError, match=r"config\.yaml of this run cannot be read"):
        refuse_other_run(tmp_path, config())


def test_a_disease_that_no_dataset_reads_is_no_change(tmp_path):
    """0.1 recorded one of every run."""
    write_config(tmp_path, {"seed": 0, "disease": {"label": "Hernia"}})
    refuse_other_run(tmp_path, {"seed": 0})
    with pytest.raises(UserError, match=r"disease\.label: Hernia -> Mass"):
        refuse_other_run(tmp_path, {"seed": 0, "disease": {"label": "Mass"}})


def test_the_format_is_recorded_and_a_newer_one_is_refused_by_name(tmp_path):
    with open_run(tmp_path, config(), {}):
        assert record(tmp_path)["format"] == FORMAT
    for newer in (FORMAT + 1, "2b"):
        (tmp_path / "run.json").write_text(json.dumps(record(tmp_path) | {"format": newer}))
        before = (tmp_path / "run.json").read_bytes()
        with (
            pytest.raises(UserError, match=f"its format is {newer}") as caught,
            open_run(tmp_path, config(), {}),
        ):
            pytest.fail("must not open")
        assert "upgrade" in caught.value.fix
        assert (tmp_path / "run.json").read_bytes() == before
        for read in (state_of, read_run, require_run):
            with pytest.raises(UserError, match="a newer clrx"):
                read(tmp_path)


def test_a_run_of_0_1_has_no_format_and_is_read_and_continued(tmp_path):
    with pytest.raises(RunError), open_run(tmp_path, config(), {}):
        raise RunError("x")
    facts = record(tmp_path)
    del facts["format"]
    (tmp_path / "run.json").write_text(json.dumps(facts))
    assert (state_of(tmp_path), read_run(tmp_path).facts["error"]) == (RunState.FAILED, "x")
    with open_run(tmp_path, config(), {}):
        assert record(tmp_path)["format"] == FORMAT


def test_a_failure_is_recorded_for_a_run_that_could_not_do_so(tmp_path):
    record_failure(tmp_path / "a", "out of paper", {"seed": 3}, {"started": "then", "seed": 3})
    run = read_run(tmp_path / "a")
    assert (run.state, run.facts["error"], run.facts["started"]) == (RunState.FAILED, "out of paper", "then")
    assert (run.config, run.facts["format"]) == ({"seed": 3}, FORMAT)
    record_failure(tmp_path / "a", "again", {"seed": 4}, {"started": "now", "policy": "sgdr"})
    facts = record(tmp_path / "a")
    assert (facts["started"], facts["policy"], facts["error"]) == ("then", "sgdr", "again")
    assert read_config(tmp_path / "a") == {"seed": 3}


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
        assert f"process {holder.pid} on {socket.gethostname()} since 20" in caught.value.what
        assert (tmp_path / "lock").read_text().startswith(f"{holder.pid} ")
        assert state_of(tmp_path) == "running"
        holder.kill()
        holder.wait()
    with open_run(tmp_path, {"lr": 1}, {}):
        assert (tmp_path / "lock").read_text().startswith(f"{os.getpid()} ")
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
    with open_run(tmp_path, config(), {}):
        stream = logging.getLogger("clrx").handlers[0].stream
        os.dup2(os.open("/dev/full", os.O_WRONLY), stream.fileno())
        logging.getLogger("clrx").info("lost")
    assert state_of(tmp_path) == "complete"
    assert capfd.readouterr().err == ""
