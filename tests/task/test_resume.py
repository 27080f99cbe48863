"""`clrx resume`: what may change, what is refused by name, and what a longer run is."""

import re
import sys
from pathlib import Path
from shutil import copytree

import pytest
from omegaconf import OmegaConf
from toy_run import interrupt_at, outcome, record, resume, train

from clrx.cli.main import run

pytestmark = pytest.mark.usefixtures("threads")


TWO = "plan.phases=[{name:main,epochs:2,policy:${policy}%s},{name:main_2,epochs:2,policy:${policy}%s}]"
MOMENTA = ",momentum_policy:${momentum_policy}"
LONGER = [  # words of the run, whether its phase is made longer
    (["policy=triangular2", "optimizer=adam"], True),
    (["policy=sgdr", "ema=0.9", "policy.T_0=1", "policy.T_mult=2"], True),
    (["policy=time_decay", "decay=0.01", "accumulate=2"], True),
    (["policy=triangular", "warmup.epochs=1", "early_stopping.patience=9"], True),
    (["policy=cosine", "optimizer=adam"], False),
    (["policy=one_cycle", "momentum_policy=one_cycle"], False),
]


@pytest.mark.slow
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(("words", "longer"), LONGER)
def test_a_longer_run_is_the_run_of_the_longer_plan(data, tmp_path, words, longer, complete):
    """Two epochs and two more are four of one plan: made longer when complete, and then interrupted, or before."""
    observer = None if complete else interrupt_at(4)
    assert train(data, tmp_path / "run", *words, "epochs=2", observer=observer) == (0 if complete else 130)
    later = (8 if "accumulate=2" in words else 13) if longer else 2  # the steps of an added phase begin anew
    observer = interrupt_at(later) if complete else None
    assert resume(tmp_path / "run", "epochs=+2", observer=observer) == (130 if complete else 0)
    if complete:
        assert resume(tmp_path / "run") == 0
    momenta = MOMENTA if "momentum_policy=one_cycle" in words else ""
    plan = ["epochs=4"] if longer else ["epochs=2", TWO % (momenta, momenta)]
    assert train(data, tmp_path / "twin", *words, *plan) == 0
    assert outcome(tmp_path / "run") == outcome(tmp_path / "twin")
    (entry,) = record(tmp_path / "run")["extensions"]
    del entry["at"]
    made = {"way": "longer", "phase": "main", "from": 2, "to": 4}
    assert entry == (made if longer else {"way": "added", "phase": "main_2", "from": 0, "to": 2})
    assert any("longer" in note or "added" in note for note in record(tmp_path / "run")["notes"])
    assert run(["verify", str(tmp_path / "run"), "steps=12"]) == 0


def test_epochs_in_all_are_the_same_twice(data, tmp_path, capsys):
    assert train(data, tmp_path, "policy=constant", "epochs=1") == 0
    for _ in range(2):
        assert resume(tmp_path, "epochs=2") == 0
    assert "this run is complete" in capsys.readouterr().out
    assert OmegaConf.load(tmp_path / "config.yaml").epochs == 2
    assert len((tmp_path / "epochs.csv").read_text().splitlines()) == 3
    assert len(record(tmp_path)["extensions"]) == 1
    assert train(data, tmp_path, "policy=constant", "epochs=2") == 0
    assert train(data, tmp_path, "policy=constant", "epochs=1") == 2


REFUSED = [
    (["epochs=+0"], "epochs=+0 is no number of epochs"),
    (["epochs=-1"], "epochs=-1 is no number of epochs"),
    (["epochs=2.5"], "epochs=2.5 is no number of epochs"),
    (["epochs=1"], "the run has 2 epochs and cannot have fewer"),
    (["seed=1"], "seed: 0 -> 1"),
    (["lr=0.5"], "lr: "),
    (["threads=2"], "threads: 1 -> 2"),
    (["precision=bf16"], "precision: fp32 -> bf16"),
    (["plan.phases.0.epochs=9"], "plan.phases.0.epochs: 2 -> 9"),
    (["nonsense=1"], "'nonsense=1' is no key=value of this run"),
    (["worker=1"], "did you mean workers"),
    (["workers"], "'workers' is no key=value of this run"),
    (["workers=1,2"], "'workers=1,2' is several values"),
    (["workers=[1"], "'workers=[1' is not an override"),
    (["workers=none"], "workers=none"),
    (["epochs=+1", "seed=1"], "seed: 0 -> 1"),
    (["epochs=+1", "workers=0"], "workers=0"),
]


@pytest.fixture(scope="module")
def begun(data, tmp_path_factory):
    """A run that was interrupted in its first epoch."""
    path = tmp_path_factory.mktemp("begun")
    assert train(data, path, "policy=cosine", "epochs=2", observer=interrupt_at(2)) == 130
    return path


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_what_is_refused_changes_nothing(begun, capsys, words, message):
    before = {name: (begun / name).read_bytes() for name in ("config.yaml", "run.json", "steps.csv")}
    assert resume(begun, *words) == 2
    assert message in capsys.readouterr().err
    assert {name: (begun / name).read_bytes() for name in before} == before


def test_what_cannot_change_results_may_change(begun):
    words = ["workers=1", "memory_budget=1000", "logger=none", "checkpoint.every=1 epoch", "device=auto"]
    assert resume(begun, *words) == 0


def test_a_phase_that_stopped_early_is_not_made_longer(data, tmp_path, capsys):
    stopping = ["early_stopping.patience=1", "early_stopping.min_delta=1"]
    assert train(data, tmp_path, "policy=constant", "epochs=4", *stopping) == 0
    assert resume(tmp_path, "epochs=+4") == 2
    assert "main stopped early, after 2 of its 4 epochs" in capsys.readouterr().err
    assert record(tmp_path)["state"] == "complete"


PLAN = "plan=decay_then_clr"


def test_of_several_phases_the_last_is_made_longer(data, tmp_path, capsys):
    words = (PLAN, "policy=triangular", "decay=0.1")
    assert train(data, tmp_path / "run", *words, "epochs=1") == 0
    assert resume(tmp_path / "run", "epochs=2") == 2
    err = capsys.readouterr().err
    assert re.search(
        r"2 phases \(decay, clr\).*\n.*\n? *fix: +epochs=\+N, for N epochs more of the last, clr", err
    )
    assert resume(tmp_path / "run", "epochs=+1") == 0
    assert train(data, tmp_path / "twin", *words, "plan.decay_epochs=1", "plan.clr_epochs=2") == 0
    assert outcome(tmp_path / "run") == outcome(tmp_path / "twin")


@pytest.mark.parametrize(
    ("name", "content"), [("config.yaml", "a: [1"), ("run.json", "{"), ("run.json", "[]")]
)
def test_a_record_that_cannot_be_read(tmp_path, capsys, name, content):
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / name).write_text(content)
    assert resume(tmp_path) == 2
    assert f"{name} of this run cannot be read" in capsys.readouterr().err


def test_a_range_test_is_continued_by_its_own_command(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    (tmp_path / "run.json").write_text('{"choices": {}, "kind": "find_lr", "state": "failed"}')
    assert resume(tmp_path) == 2
    assert "give the clrx find-lr command again" in capsys.readouterr().err


@pytest.fixture(scope="module")
def complete(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("complete") / "run"
    assert train(data, path, "policy=constant", "epochs=1") == 0
    return path


@pytest.mark.parametrize("name", ["policy=constant_seed=0", "lr=0.1/a", "ö é,=()'#[]~"])
def test_a_directory_is_a_path_whatever_is_in_its_name(complete, tmp_path, monkeypatch, capsys, name):
    """The runs of a sweep have an equals sign in their names."""
    monkeypatch.chdir(tmp_path)
    copytree(complete, name)
    assert run(["verify", name, "steps=2"]) == 0
    assert resume(Path(name)) == 0
    assert "this run is complete" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == [Path(name).parts[0]]


POLICY = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Leaning:
    lr: float

    def __call__(self, progress):
        return self.lr * (1 - progress.fraction / 2)
"""


def test_a_folder_of_ones_own_that_has_moved_is_recorded(data, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    mine, moved = tmp_path / "mine", tmp_path / "moved"
    (mine / "policy").mkdir(parents=True)
    (mine / "leaning.py").write_text(POLICY)
    (mine / "policy" / "leaning.yaml").write_text("_target_: leaning.Leaning\nlr: ${lr}\n")
    words = ("--config-dir", str(mine), "policy=leaning", "epochs=1")
    assert train(data, tmp_path / "run", *words, observer=interrupt_at(2)) == 130
    assert record(tmp_path / "run")["config_dir"] == str(mine)
    monkeypatch.delitem(sys.modules, "leaning")
    mine.rename(moved)
    assert resume(tmp_path / "run", "--config-dir", str(moved)) == 0
    assert record(tmp_path / "run")["config_dir"] == str(moved)
    assert run(["verify", str(tmp_path / "run"), "steps=2", "--config-dir", str(moved)]) == 0


@pytest.mark.parametrize("command", ["resume", "verify"])
@pytest.mark.parametrize(
    ("words", "what"), [([], "which run?"), (["steps=2"], "which run?"), (["a/b=1"], "a/b=1")]
)
def test_without_a_directory(tmp_path, monkeypatch, capsys, command, words, what):
    monkeypatch.chdir(tmp_path)
    assert run([command, *words]) == 2
    err = capsys.readouterr().err
    assert what in err
    assert f"fix:     clrx {command} RUN" in err
