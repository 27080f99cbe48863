"""Runs in places that hold something else, or that change under them: nothing of the user's is touched."""

import json
import os
import shutil
from pathlib import Path

import pytest
from toy_run import At, interrupt_at, record, resume, train

from clrx.cli.main import run as clrx

pytestmark = pytest.mark.usefixtures("threads")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def interrupted(data, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("interrupted") / "run"
    assert train(data, path, "policy=constant", "epochs=1", observer=interrupt_at(4)) == 130
    return path


@pytest.fixture
def path(interrupted, tmp_path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "run"))


def test_records_without_a_checkpoint_are_not_begun_anew(path, capsys):
    """A run whose checkpoint/ was pruned began at epoch 1 and cut 180 rows of its records to 20."""
    shutil.rmtree(path / "checkpoint")
    before = tree(path)
    assert resume(path) == 2
    said = capsys.readouterr().err
    assert "steps on record but its checkpoint/ is missing" in said
    assert "bring checkpoint/ back" in said
    assert tree(path) == before


@pytest.mark.parametrize("command", ["train", "find-lr", "report"])
def test_a_foreign_folder_is_left_as_it_is(data, path, tmp_path, capsys, command):
    """Its weights/, predictions.csv and *.part were overwritten or removed."""
    foreign = tmp_path / "foreign"
    (foreign / "weights").mkdir(parents=True)
    for name in ("weights/best.safetensors", "runs.csv", ".film.1234.part", "config.yaml"):
        (foreign / name).write_text("mine")
    before = tree(foreign)
    if command == "report":
        code = clrx(["report", str(path), f"out={foreign}"])
    else:
        code = clrx(
            [command, "dataset=npz", f"dataset.root={data}", "model=cnn4", f"hydra.run.dir={foreign}"]
        )
    assert code == 2
    said = capsys.readouterr().err
    assert "holds something else" in said or "config.yaml of this run cannot be read" in said
    assert tree(foreign) == before


@pytest.mark.parametrize("name", ["lock", "train.log", "checkpoint", "weights", "figures", "report"])
def test_nothing_is_written_through_a_planted_link(path, tmp_path, capsys, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    planted = path / name
    shutil.rmtree(planted) if planted.is_dir() else planted.unlink(missing_ok=True)
    planted.symlink_to(outside if "." not in name and name != "lock" else outside / "file")
    code = clrx(["report", str(path)]) if name == "report" else resume(path)
    assert code == 2
    said = capsys.readouterr().err
    assert "is a link" in said or f"{name} in this run directory is no f" in said
    assert tree(outside) == {"file": b"mine"}


def test_a_directory_that_is_moved_under_its_run_is_not_made_again(data, tmp_path, capsys):
    path = tmp_path / "run"
    move = At(3, lambda: path.rename(tmp_path / "moved"))
    assert train(data, path, "policy=constant", "epochs=1", observer=move) == 1
    assert "was moved or removed while the run went on" in capsys.readouterr().err
    assert not path.exists()
    assert resume(tmp_path / "moved") == 0


def test_figures_that_fail_are_a_note(data, path, monkeypatch, capsys):
    r"""A class named `$\bad$` failed a trained run at its end, at every restart."""

    def broken(*_):
        raise ValueError("ParseFatalException: Unknown symbol")

    monkeypatch.setattr("clrx.task.train.plot_figures", broken)
    assert clrx(["resume", str(path)]) == 0
    found = record(path)
    assert found["state"] == "complete"
    assert (
        found["notes"][-1] == "a figure could not be drawn: ValueError: ParseFatalException: Unknown symbol"
    )
    assert "a figure could not be drawn" in capsys.readouterr().out


def test_a_name_of_a_data_set_is_no_place_outside_of_the_report(tmp_path, path):
    from clrx.report.by_dataset import data_sets

    for number, chosen in enumerate(["../../x", ".."]):
        run = Path(shutil.copytree(path, tmp_path / "sweep" / str(number)))
        facts = record(run) | {"data_hash": f"../{number}"}
        facts["choices"]["dataset"] = chosen
        (run / "run.json").write_text(json.dumps(facts))
    names = list(data_sets([tmp_path / "sweep"]))
    assert len(names) == 2
    assert not any("/" in name or name.startswith(".") or not name for name in names)


def test_a_recorded_configuration_runs_no_code(path, tmp_path, capsys):
    """`verify` and `resume` built whatever config.yaml named; a folder that run.json named was trusted."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Policy: ...\n")
    facts = record(path) | {"config_dir": str(tmp_path / "theirs")}
    (path / "run.json").write_text(json.dumps(facts))
    whole = (path / "config.yaml").read_text()
    for target in (
        "evil.Policy",
        "pandas.read_pickle",
        "clrx.core.files.write_text",
        "clrx.core.paths.path_of",
    ):
        (path / "config.yaml").write_text(whole.replace("clrx.policy.constant.Constant", target))
        for command in ("verify", "resume"):
            assert clrx([command, str(path)]) == 2
            said = capsys.readouterr().err
            assert "is not allowed" in said or "there is no module 'evil'" in said
            assert target != "evil.Policy" or f"--config-dir {tmp_path / 'theirs'}" in said
    assert not (tmp_path / "ran").exists()


def test_a_bomb_of_aliases_is_no_configuration(path, capsys):
    """218 bytes took 48 s."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    (path / "config.yaml").write_text("\n".join(lines))
    assert clrx(["verify", str(path)]) == 2
    assert "its aliases make it too large" in capsys.readouterr().err


def test_a_name_that_is_no_utf8_is_a_name(data, tmp_path):
    named = Path(os.fsdecode(os.fsencode(tmp_path) + b"/toy\xff"))
    named.mkdir()
    shutil.copy(data, named / "toy.npz")
    assert (
        train(named / "toy.npz", named / "run", "policy=constant", "epochs=1", observer=interrupt_at(2))
        == 130
    )
    assert resume(named / "run") == 0
    assert record(named / "run")["state"] == "complete"
    assert clrx(["verify", str(named / "run"), "steps=2"]) == 0
