"""Run directories are read back whatever became of them."""

import json

import pytest

from clrx.core.errors import UserError
from clrx.core.lock import locked
from clrx.run.read import collect, read_run


def write_run(path, state="complete", **files):
    path.mkdir(parents=True)
    (path / "run.json").write_text(json.dumps({"state": state, "seed": 4}))
    (path / "config.yaml").write_text("seed: 4\n")
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return path


def test_runs_are_found_below_any_directory_and_each_counts_once(tmp_path):
    for name in ("sweep/b", "sweep/a", "other/deep/c"):
        write_run(tmp_path / name)
    found = collect([tmp_path / "sweep", tmp_path / "other", tmp_path / "sweep" / "a", tmp_path])
    assert [run.name for run in found] == ["sweep/a", "sweep/b", "other/deep/c"]


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_place_without_runs_is_refused_by_name(tmp_path, name):
    (tmp_path / "empty").mkdir()
    write_run(tmp_path / "run")
    with pytest.raises(UserError) as refusal:
        collect([tmp_path / "run", tmp_path / name])
    assert refusal.value.where == str(tmp_path / name)


def test_a_run_whose_process_is_gone_was_killed_and_one_that_is_locked_is_running(tmp_path):
    path = write_run(tmp_path / "run", state="running", lock="")
    assert read_run(path).state == "killed"
    with locked(path / "lock"):
        assert read_run(path).state == "running"
    assert read_run(path).state == "killed"


@pytest.mark.parametrize("text", ["", '{"state": "comp', "[1, 2]"])
def test_a_damaged_record_is_unreadable_and_no_obstacle(tmp_path, text):
    path = write_run(tmp_path / "run")
    (path / "run.json").write_text(text)
    run = read_run(path)
    assert (run.state, run.facts, run.seed) == ("unreadable", {}, 4)


def test_what_a_dead_run_lacks_is_empty(tmp_path):
    path = write_run(
        tmp_path / "run", config_yaml="seed: [", epochs_csv="phase,epoch,val_loss\nmain,1,0.5\nmain,2,0."
    )
    run = read_run(path)
    assert (run.config, run.metrics, run.scores) == ({}, {}, None)
    assert run.epochs["val_loss"].tolist() == [0.5]  # the row that was cut off is left out
    assert run.steps.empty
    assert run.test("auroc") is None
