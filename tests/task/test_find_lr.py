"""`clrx find-lr` and `bounds=auto` as a user runs them, on toy images."""

import contextlib
import csv
import io
import json
import shlex
from pathlib import Path

import pytest
from PIL import Image
from toy import write_toy

from clrx.cli.main import run
from clrx.training import phase

BASICS = (
    "dataset=npz",
    "dataset.size=8",
    "model=cnn4",
    "model.dropout=0",
    "device=cpu",
    "workers=1",
    "threads=1",
    "epochs=1",
)
QUICK = ("range_test.steps=60", "range_test.repeats=3", "bootstrap.resamples=20", "bounds.step_size=1")


FLAT = (
    "range_test.end=1e-6",
    "range_test.steps=30",
    "range_test.repeats=2",
)  # rates at which nothing is learnt


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """What all commands have in common."""
    return [f"dataset.root={write_toy(tmp_path_factory.mktemp('toy') / 'toy.npz')}", *BASICS, *QUICK]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, common_cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLRX_CACHE", str(common_cache))


@pytest.fixture
def clrx(words, tmp_path, blank_pictures):
    """Runs a command on the toy data in a directory of tmp_path; returns its exit code and the directory."""

    def command(name: str, place: str, *overrides: str) -> tuple[int, Path]:
        options = {"figures": False} if name == "train" else {}
        return run([name, f"hydra.run.dir={place}", *words, *overrides], **options), tmp_path / place

    return command


@pytest.fixture(scope="module")
def ranged(words, tmp_path_factory, common_cache):
    """The directory of a range test with its picture, its command, and what it said."""
    place, said = tmp_path_factory.mktemp("ranged") / "range", io.StringIO()
    command = ["find-lr", f"hydra.run.dir={place}", *words]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setenv("CLRX_CACHE", str(common_cache))
        assert run(command) == 0
    return place, command, said.getvalue()


def read(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def weights(path: Path) -> bytes:
    return (path / "weights" / "last.safetensors").read_bytes()


def rates(path: Path) -> list[float]:
    with (path / "steps.csv").open() as file:
        return [float(row["lr"]) for row in csv.DictReader(file)]


def phases(path: Path) -> list[str]:
    return [entry["name"] for entry in read(path / "metrics.json")["phases"]]


@pytest.mark.slow
def test_from_the_range_to_the_pasted_line_and_to_bounds_auto(clrx, ranged):
    place, _, said = ranged
    found = read(place / "suggestions.json")
    with (place / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["repeat"] for row in rows} == {"0", "1", "2"}
    assert [float(row["lr"]) for row in rows[:2]] == pytest.approx([1e-7, 1e-7 * 1e7 ** (1 / 59)])
    assert found["verdict"]["usable"]
    assert found["bounds"]["max_lr"] == found["suggestions"]["bottom"]["max_lr"]["value"]
    assert read(place / "run.json")["state"] == "complete"
    with Image.open(place / "figures" / "range_test.png") as picture:
        assert picture.width == 1000
    assert not (place / "steps.csv").exists()

    words = shlex.split(said.strip().splitlines()[-1])
    assert words[:2] == ["clrx", "train"]
    assert not [word for word in words if word.startswith(("range_test", "hydra"))]
    assert "bounds.step_size=1" in words
    assert run([*words[1:], "hydra.run.dir=pasted"], figures=False) == 0
    code, auto = clrx("train", "auto", "bounds=auto")
    assert code == 0
    assert weights(auto) == weights(Path("pasted"))  # the range test left nothing behind

    record = read(auto / "run.json")["range_test"]
    assert record["bounds"] == found["bounds"]
    assert phases(auto) == ["range_test", "main"]
    assert read(auto / "metrics.json")["phases"][0]["seconds"] == record["seconds"] > 0
    assert (auto / "find_lr" / "figures" / "range_test.png").exists()
    assert rates(auto)[0] == found["bounds"]["base_lr"]


def test_validation_accuracy_under_a_linear_ramp_over_epochs(clrx, capsys):
    """Alyafi III-C: a balanced subset, the rate from 0.002 to 0.03 in a straight line, accuracy against it."""
    ramp = (
        "range_test.shape=linear",
        "range_test.start=0.002",
        "range_test.end=0.03",
        "range_test.epochs=10",
    )
    read_off = ("range_test.curve=val_accuracy", "range_test.rule=smith2017", "range_test.every=1")
    code, place = clrx("find-lr", "alyafi", *ramp, *read_off, "dataset.balanced=96", "range_test.repeats=1")
    assert code in (0, 1)
    with (place / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    expected = [0.002 + 0.028 * step / 59 for step in range(60)]  # 192 images in 6 batches, ten times
    assert [float(row["lr"]) for row in rows] == pytest.approx(expected)
    assert all(0.0 <= float(row["val_accuracy"]) <= 1.0 for row in rows)
    with (place / "mean_curves.csv").open() as file:
        assert {row["curve"] for row in csv.DictReader(file)} == {"val_accuracy"}
    found = read(place / "suggestions.json")
    assert "loss" not in found["verdict"]["why"]
    assert (found["bounds"] is None) == (code == 1)


def test_complete_range_test_is_shown_again(ranged, capsys, monkeypatch):
    _, command, first = ranged
    monkeypatch.setattr("clrx.task.find_lr.find_range", None)
    assert run(command) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("range test: 3 passes of 60 steps")
    assert shown.split() == first[first.index("range test:") :].split()


@pytest.mark.slow
def test_continued_run_reads_its_bounds_and_ends_the_same(clrx, monkeypatch):
    code, whole = clrx("train", "whole", "bounds=auto", "epochs=2")
    assert code == 0
    finish, ended = phase._finish_epoch, []

    def broken(*arguments):
        finish(*arguments)
        if not ended:
            ended.append(True)
            raise KeyboardInterrupt

    monkeypatch.setattr(phase, "_finish_epoch", broken)
    assert clrx("train", "parts", "bounds=auto", "epochs=2")[0] == 130
    monkeypatch.setattr("clrx.range_test.bounds.find_range", None)
    assert run(["resume", "parts"], figures=False) == 0
    parts = whole.parent / "parts"
    assert weights(parts) == weights(whole)
    assert (parts / "steps.csv").read_bytes() == (whole / "steps.csv").read_bytes()
    assert phases(parts) == ["range_test", "main"]


def test_unusable_range_ends_the_run_with_the_fix(clrx, capsys):
    code, place = clrx("train", "flat", "bounds=auto", *FLAT)
    said = capsys.readouterr().err
    assert code == 1
    assert "the range test found no bounds" in said
    assert "range_test." in said.split("fix:")[1]
    assert read(place / "run.json")["state"] == "failed"
    assert read(place / "run.json")["range_test"]["bounds"] is None


def test_unusable_range_is_shown_with_the_line_that_changes_it(clrx, capsys):
    code, place = clrx("find-lr", "flat", FLAT[0])
    said = capsys.readouterr().out
    assert code == 1
    assert read(place / "run.json")["state"] == "complete"
    words = shlex.split(said.strip().splitlines()[-1])
    assert words[:2] == ["clrx", "find-lr"]
    fixes = read(place / "suggestions.json")["verdict"]["fix"].split()
    assert words[-len(fixes) :] == fixes
    assert len({word.split("=")[0] for word in words[2:]}) == len(words[2:])
    assert "bounds.max_lr" not in said


@pytest.mark.everyday(3)
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["bounds=auto", "policy=constant"], "no policy of the plan reads"),
        (["bounds=atuo"], "did you mean auto"),
        (["bounds=auto", "range_test.rule=minimum"], "did you mean minimum_tenth"),
        (["plan=dlr_cla", "bounds.max_lr=0.1"], "plan.range_test=false"),
        (["bounds.max_lr=auto", "bounds.base_lr=-1"], "bounds.base_lr=-1"),
    ],
)
def test_mistake(clrx, capsys, overrides, said):
    code, place = clrx("train", "mistake", *overrides)
    assert code == 2
    assert said in capsys.readouterr().err
    assert not place.exists()


@pytest.mark.slow
def test_plan_that_begins_with_a_range_test(clrx):
    ramp = ("dataset.size=16", "batch_size=120", "range_test.end=1000", "range_test.repeats=5")
    code, place = clrx("train", "dlr", "plan=dlr_cla", "plan.head_epochs=1", "plan.all_epochs=1", *ramp)
    assert code == 0
    assert phases(place) == ["range_test", "head", "all"]
    assert rates(place)[0] == pytest.approx(read(place / "run.json")["range_test"]["bounds"]["max_lr"])


def test_policy_without_bounds_is_told_its_rate(clrx, capsys):
    assert clrx("find-lr", "range", "policy=cosine")[0] == 0
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert "policy=cosine lr=0." in line
    assert "bounds.max_lr" not in line
