"""A user's own table of images."""

import tarfile

import pytest

from clrx.core.errors import UserError
from clrx.data.split import make_split
from clrx.dataset import csv

TABLE = """path,label,patient,part,age
a/1.png,sick,p1,train,40
a/2.png,well,p1,train,41
b/3.png,sick,p2,val,50
b/4.png,well,p2,Validation,51
c/5.png,sick,p3,test,60
c/6.png,well,p3,test,61
"""


@pytest.fixture
def file(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/3.png", "b/4.png", "c/5.png", "c/6.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "mine.csv").write_text(TABLE)
    return tmp_path / "mine.csv"


def refusal(*args, **keys) -> str:
    with pytest.raises(UserError) as error:
        csv.load(*args, **keys)
    return str(error.value)


def test_group_split_and_further_columns(file):
    source = csv.load(str(file), group="patient", split_column="part", positive="sick")
    assert (source.task, source.classes, source.channels) == ("binary", ("well", "sick"), 3)
    assert source.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert source.table["group"].tolist() == ["p1", "p1", "p2", "p2", "p3", "p3"]
    assert source.table["age"].tolist() == ["40", "41", "50", "51", "60", "61"]
    assert source.files[0] == str(file.parent / "a/1.png")
    split = make_split(source, "given")
    assert [rows.tolist() for rows in (split.train, split.validation, split.test)] == [[0, 1], [2, 3], [4, 5]]


def test_defaults(file):
    source = csv.load(str(file), color=False)
    assert source.table["group"].tolist() == source.table["image"].tolist()
    assert "split" not in source.table
    assert (source.classes, source.channels) == (("sick", "well"), 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(",", " , "),
        lambda text: text.replace("a/1.png", '"a/1.png"'),
    ],
)
def test_ways_to_write_the_same_table(file, change):
    expected = csv.load(str(file), group="patient")
    file.write_bytes(change(TABLE).encode())
    found = csv.load(str(file), group="patient")
    assert found.table.equals(expected.table)
    assert found.files == expected.files


def test_paths_from_elsewhere(file, tmp_path):
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as tar:
        for name in "abc":
            tar.add(tmp_path / name, name)
    other = tmp_path / "elsewhere.csv"
    other.write_text(TABLE.replace("a/1.png", str(tmp_path / "a/1.png")))
    assert csv.load(str(other), images=str(tmp_path)).files[0] == str(tmp_path / "a/1.png")
    source = csv.load(str(file), images=str(tmp_path / "images.tar.gz"))
    assert source.files[0].endswith("a/1.png")
    assert str(tmp_path / "a") not in source.files[0]


@pytest.fixture(autouse=True)
def in_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("text", "keys", "said"),
    [
        (TABLE, {"path": "file"}, "no column 'file' (dataset.path)"),
        (TABLE, {"label": "labels"}, "did you mean label?"),
        (TABLE, {"group": "pateint"}, "no column 'pateint' (dataset.group)"),
        (TABLE, {"split_column": "split"}, "no column 'split' (dataset.split_column)"),
        (TABLE, {"split_column": "patient"}, "'p1' under 'patient' is no split"),
        (TABLE, {"positive": "ill"}, "dataset.positive=ill, but the classes are sick, well"),
        (TABLE, {"missing": "skip"}, "error | drop | keep"),
        (TABLE.replace("sick,p2", ",p2"), {}, "line 4 has an empty cell under 'label'"),
        (TABLE.replace("p2,val", ",val"), {"group": "patient"}, "line 4 has an empty cell under 'patient'"),
        (TABLE.replace("b/4", "b/3"), {}, "line 5 has a 'path' that an earlier line has too"),
        (TABLE.replace("b/3.png,sick,p2,val,50", "b/3.png"), {}, "line 4 has an empty cell under 'label'"),
        (TABLE.replace("40", "40,extra"), {}, "cannot be read as CSV"),
        (TABLE.replace("sick", "well"), {}, "there is only one class"),
        (TABLE.splitlines()[0], {}, "has no rows"),
        ("", {}, "cannot be read as CSV"),
        (TABLE.replace(",", ";"), {}, "no column 'path'"),
        (TABLE.encode("utf-16"), {}, "cannot be read as CSV"),
    ],
)
def test_mistakes(file, text, keys, said):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert said in refusal(str(file), **keys)


def test_roots_that_are_none(file, tmp_path):
    assert "dataset.root is not set" in refusal(None)
    assert "is no file" in refusal(str(tmp_path))
    assert "there is no such file" in refusal(str(tmp_path / "other.csv"))


def test_missing_files(file, tmp_path):
    (tmp_path / "b/3.png").unlink()
    said = refusal(str(file))
    assert "1 of the 6 images that mine.csv names are not there, e.g. b/3.png" in said
    assert "dataset.missing=drop" in said
    source = csv.load(str(file), missing="drop", group="patient")
    assert len(source) == len(source.files) == len(source.labels) == 5
    assert source.notes == ("1 of the 6 images that mine.csv names are not there; they are left out",)
    kept = csv.load(str(file), missing="keep")
    assert (len(kept), kept.files[2]) == (6, "")
    assert "6 of the 6" in refusal(str(file), images=str(tmp_path / "a"), missing="drop")
