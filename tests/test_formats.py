"""docs/formats.md against the files of real runs: every file, column and key is documented, and none that is absent."""

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from blank import leave_pictures_blank
from toy import write_toy

from clrx.cli.main import run
from clrx.metrics.predictions import write_predictions

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "formats.md").read_text()
SECTIONS = dict(part.split("\n", 1) for part in PAGE.split("\n## ")[1:])
TINY = (
    *(
        "dataset=npz",
        "dataset.size=8",
        "model=cnn4",
        "model.dropout=0",
        "workers=1",
        "threads=1",
        "epochs=2",
    ),
    *("bootstrap.resamples=20", "bounds.step_size=0.5", "range_test.steps=60", "range_test.repeats=3"),
)


def first_cells(table: str) -> list[str]:
    """The names in the first column of a Markdown table."""
    return re.findall(r"(?m)^\| `([^`]+)` ", table)


def documented_files(section: str) -> dict[str, str]:
    """{file: when it is there} of a section's first table; names in capitals stand for any."""
    return dict(re.findall(r"(?m)^\| `([^`]+)` \| ([^|]+) \|", SECTIONS[section].partition("\n### ")[0]))


def documented(section: str, file: str) -> list[str]:
    """Columns or keys of a file."""
    found = re.search(rf"(?ms)^### [^\n]*`{re.escape(file)}`[^\n]*$(.*?)(?=^###? |\Z)", SECTIONS[section])
    assert found, f"{section}: {file}"
    return first_cells(found[1])


def covers(name: str, actual: str) -> bool:
    """Whether a documented name is that of an actual file or column: capitals stand for any text."""
    pattern = re.sub(r"(?<![A-Za-z])(NAME|N|CLASS|METRIC|POLICY)(?![A-Za-z])", "\0", name)
    pattern = re.escape(pattern).replace("\0", "[^/]+") + (".*" if name.endswith("/") else "")
    return re.fullmatch(pattern, actual) is not None


def check(names: Iterable[str], actual: Iterable[str], where: str, optional: Iterable[str] = ()) -> None:
    """Each actual name is among the documented ones, and each of these is there, unless it is optional."""
    names, actual = list(names), list(actual)
    for one in actual:
        assert any(covers(name, one) for name in names), f"{where}: {one} is not documented"
    for name in set(names) - set(optional):
        assert any(covers(name, one) for one in actual), f"{where}: {name} is documented and absent"


def check_files(section: str, folder: Path, conditions: Iterable[str] = ()) -> None:
    """The files of a folder against those of a section; of those for a condition, where it is among `conditions`."""
    found = documented_files(section)
    absent = [name for name, when in found.items() if when.strip() not in ("always", *conditions)]
    actual = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    check(found, actual, section, absent)


def check_columns(section: str, path: Path, optional: Iterable[str] = ()) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    check(documented(section, path.name), header, path.name, optional)


def check_keys(section: str, path: Path, optional: Iterable[str] = ()) -> None:
    check(documented(section, path.name), json.loads(path.read_text(encoding="utf-8")), path.name, optional)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Directories of two runs of one data set, the second with a range test, and of a report on both."""
    folder = tmp_path_factory.mktemp("formats")
    words = [*TINY, f"dataset.root={write_toy(folder / 'toy.npz')}"]
    with pytest.MonkeyPatch.context() as patch:
        leave_pictures_blank(patch)
        patch.chdir(folder)
        patch.setenv("CLRX_CACHE", str(folder / "cache"))
        for name, own in (("one", ["cycle_weights=true"]), ("two", ["bounds=auto", "seed=1"])):
            assert run(["train", *words, *own, f"hydra.run.dir={folder / 'runs' / name}"]) == 0
        assert run(["report", str(folder / "runs"), f"out={folder / 'report'}"]) == 0
        assert run(["policy", "policy=sgdr", "epochs=2", f"hydra.run.dir={folder / 'policy'}"]) == 0
    return folder


@pytest.mark.slow
def test_the_files_of_a_run(runs):
    section, when = "A training run", ["at the end", "at the end, with a validation set"]
    one, two = runs / "runs" / "one", runs / "runs" / "two"
    check_files(section, one, [*when, "with `cycle_weights=true`", "after the second checkpoint"])
    check_files(section, two, [*when, "with `bounds=auto`"])
    check_keys(section, one / "run.json", ["range_test", "divergences", "extensions"])
    check_keys(section, two / "run.json", ["divergences", "extensions"])
    check_keys(section, one / "metrics.json")
    for name in ("steps.csv", "epochs.csv"):
        check_columns(section, one / name)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_the_columns_of_predictions(tmp_path, task):
    path, names = tmp_path / "predictions.csv", ["a", "b"]
    scores = np.full((3,) if task == "binary" else (3, 2), 0.5)
    labels = np.zeros((3, 2) if task == "multilabel" else (3,), int)
    write_predictions(path, task, names, ("1", "2", "3"), ("x", "x", "y"), labels, scores)
    absent = {
        "binary": ("predicted", "label_CLASS", "score_CLASS"),
        "multiclass": ("score", "label_CLASS"),
        "multilabel": ("label", "score", "predicted"),
    }
    check_columns("A training run", path, absent[task])


@pytest.mark.slow
def test_the_files_of_a_range_test(runs):
    folder = runs / "runs" / "two" / "find_lr"
    check_files("A range test", folder, ["at the end"])
    for name in ("curves.csv", "mean_curves.csv"):
        check_columns("A range test", folder / name)
    check_keys("A range test", folder / "suggestions.json")
    extra = set(json.loads((folder / "run.json").read_text())) - set(documented("A training run", "run.json"))
    assert extra == {"kind"}


@pytest.mark.slow
def test_the_files_of_a_report(runs):
    check_files("A report", runs / "report")
    for name in ("comparison.csv", "runs.csv"):
        check_columns("A report", runs / "report" / name)


@pytest.mark.slow
def test_the_files_of_a_policy(runs):
    check_files("A policy", runs / "policy")
    check_columns("A policy", runs / "policy" / "policy.csv")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_files_of_a_sweep_and_of_a_dataset(runs, monkeypatch, blank_pictures):
    monkeypatch.chdir(runs)
    monkeypatch.setenv("CLRX_CACHE", str(runs / "cache"))
    words = [*TINY, f"dataset.root={runs / 'toy.npz'}"]
    assert run(["sweep", *words, "policy=constant", "seed=0", f"hydra.sweep.dir={runs / 'sweep'}"]) == 0
    assert run(["data", *words, f"hydra.run.dir={runs / 'data'}"]) == 0
    check_files("A dataset", runs / "data")
    (one,) = (record.parent for record in (runs / "sweep").glob("*/run.json"))
    check_files("A training run", one, ["in a sweep"])
    for path in one.rglob("*"):
        if path.is_file():
            path.unlink()
    check_files("A sweep", runs / "sweep", ["at the end"])
