"""A user's own table of images."""

import tarfile
from pathlib import Path

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
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", "|"),
        lambda text: text.encode("utf-16"),
    ],
)
def test_ways_to_write_the_same_table(file, change):
    expected = csv.load(str(file), group="patient")
    text = change(TABLE)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
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
        (TABLE.encode("utf-16-le"), {}, "cannot be read as CSV"),
    ],
)
def test_mistakes(file, text, keys, said):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert said in refusal(str(file), **keys)


def test_roots_that_are_none(file, tmp_path):
    assert "dataset.root is not set" in refusal(None)
    assert "is a folder" in refusal(str(tmp_path))
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


# --- how real tables name images, classes and patients


def table_of(folder, text: str, *files: str):
    """A CSV file and the (empty) images that it names."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "table.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder / "table.csv")


def test_identifiers_of_two_exports_are_one(tmp_path):
    """Patient 7 is 7 and 7.0, label 1 is 1 and 1.0: as text they are 4 classes, and patients on both sides."""
    pairs = [(k // 2 % 2, k // 2) for k in range(8)]  # label, patient
    rows = [f"{k}.png,{pair[0]},{pair[1]}" for k, pair in enumerate(pairs)]
    rows[1::2] = [f"{k}.png,{float(pair[0])},{float(pair[1])}" for k, pair in enumerate(pairs)][1::2]
    text = "\n".join(["path,label,patient", *rows])
    source = csv.load(table_of(tmp_path, text, *(f"{k}.png" for k in range(8))), group="patient")
    assert (source.classes, source.labels.tolist()) == (("0", "1"), [0, 0, 1, 1] * 2)
    assert source.table["group"].tolist() == ["0", "0", "1", "1", "2", "2", "3", "3"]
    assert [note.partition(" in several")[0] for note in source.notes] == ["groups", "class names"]


def test_one_file_in_two_spellings_is_refused(tmp_path):
    file = table_of(tmp_path, "path,label,split\nim/0.png,a,train\n./im/0.png,b,test\n", "im/0.png")
    assert "line 3 has an image that an earlier line names too, in another spelling" in refusal(file)


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["0a1", "0b2"], ["train_images/0a1.png", "train_images/0b2.png"]),  # APTOS 2019
        (["x/1.JPG", "x/2.jpg"], ["x/1.jpg", "x/2.JPG"]),
        (["x\\1.png", "x\\2.png"], ["x/1.png", "x/2.png"]),
        (["1.png", "2.png"], ["x/1.png", "y/2.png"]),
    ],
)
def test_names_that_differ_from_the_files(tmp_path, names, files):
    text = "path,label\n" + "".join(f"{name},{label}\n" for name, label in zip(names, "ab", strict=True))
    source = csv.load(table_of(tmp_path, text, *files))
    assert source.files == tuple(str(tmp_path / name) for name in files)
    assert source.table["image"].tolist() == names


def test_an_id_of_two_different_images_is_refused(tmp_path):
    file = table_of(tmp_path, "path,label\n1,a\n2,b\n", "x/1.png", "y/1.png", "2.png")
    assert "1 images are there more than once with different bytes, e.g. 1.png" in refusal(file)


def test_an_encoding_of_windows(tmp_path):
    text = "path;label;patient\r\n1.png;gesund;Müller\r\n2.png;krank;Jörg\r\n".encode("cp1252")
    source = csv.load(table_of(tmp_path, text, "1.png", "2.png"), group="patient")
    assert source.table["group"].tolist() == ["Müller", "Jörg"]
    assert source.notes == ("table.csv is not in UTF-8: it is read as Windows-1252",)


def test_columns_whose_names_are_numbers(tmp_path):
    file = table_of(tmp_path, "0,1\n1.png,a\n2.png,b\n", "1.png", "2.png")
    assert csv.load(file, path=0, label=1).classes == ("a", "b")


CHEXPERT = """Path,Sex,Edema,Effusion
CheXpert-small/train/patient00001/study1/view1_frontal.jpg,F,1.0,1.0
CheXpert-small/train/patient00001/study2/view1_frontal.jpg,F,,0.0
CheXpert-small/train/patient00002/study1/view1_frontal.jpg,M,-1.0,1.0
CheXpert-small/train/patient00003/study1/view1_frontal.jpg,M,0.0,-1.0
"""


@pytest.fixture
def chexpert(tmp_path):
    """The table lies in the folder that its paths begin with, as it unpacks."""
    names = [line.partition(",")[0] for line in CHEXPERT.splitlines()[1:]]
    table_of(tmp_path, "", *names)
    (tmp_path / "CheXpert-small/train.csv").write_text(CHEXPERT)
    return str(tmp_path / "CheXpert-small/train.csv")


@pytest.mark.parametrize(
    ("uncertain", "classes", "labels"),
    [
        ("drop", ("0", "1"), [1, 0, 0]),
        ("zero", ("0", "1"), [1, 0, 0, 0]),
        ("one", ("0", "1"), [1, 0, 1, 0]),
        ("keep", ("-1", "0", "1"), [2, 1, 0, 1]),
    ],
)
def test_uncertain_labels_of_one_column(chexpert, uncertain, classes, labels):
    source = csv.load(chexpert, path="Path", label="Edema", uncertain=uncertain)
    assert (source.classes, source.labels.tolist()) == (classes, labels)
    patients = ["patient00001", "patient00001", "patient00002", "patient00003"]
    assert source.table["group"].tolist() == (
        patients if uncertain != "drop" else patients[:2] + patients[3:]
    )
    assert all(Path(path).is_file() for path in source.files)
    assert "1 blanks under 'Edema' are taken as 0, not mentioned" in source.notes
    assert f"1 uncertain labels (-1) under 'Edema': {uncertain}" in source.notes
    assert "grouped by the patient that each path names" in source.notes


@pytest.mark.parametrize(
    ("uncertain", "labels"),
    [
        ("drop", [[1, 1], [0, 0]]),
        ("zero", [[1, 1], [0, 0], [0, 1], [0, 0]]),
        ("one", [[1, 1], [0, 0], [1, 1], [0, 1]]),
    ],
)
def test_uncertain_labels_of_several_columns(chexpert, uncertain, labels):
    source = csv.load(chexpert, path="Path", label=["Edema", "Effusion"], uncertain=uncertain)
    assert (source.task, source.classes, source.labels.tolist()) == (
        "multilabel",
        ("Edema", "Effusion"),
        labels,
    )


def test_uncertain_labels_that_nothing_settles_are_refused(chexpert):
    said = refusal(chexpert, path="Path", label="Edema")
    assert "line 3 has an empty cell under 'Edema'" in said
    assert "dataset.uncertain=drop|zero|one|keep" in said
    assert "line 5 has -1 under 'Effusion', beside 0 and 1" in refusal(
        chexpert, path="Path", label="Effusion"
    )
    several = {"path": "Path", "label": ["Edema", "Effusion"]}
    assert "drop | zero | one" in refusal(chexpert, **several, uncertain="keep")
    assert "drop | zero | one | keep | null" in refusal(chexpert, **several, uncertain="ignore")


@pytest.mark.parametrize("values", [("-1", "1"), ("-1", "1.0"), ("0", "1"), ("no", "yes")])
def test_two_classes_are_two_classes_whatever_they_are_called(tmp_path, values):
    text = "path,label\n" + "".join(f"{k}.png,{values[k % 2]}\n" for k in range(4))
    source = csv.load(table_of(tmp_path, text, *(f"{k}.png" for k in range(4))))
    assert (source.classes, source.labels.tolist()) == (values, [0, 1, 0, 1])


def test_columns_that_exclude_each_other_are_classes(tmp_path):
    text = "path,MEL,NV,BCC\n1.png,1.0,0.0,0.0\n2.png,0.0,0.0,1.0\n3.png,0,1,0\n"
    source = csv.load(table_of(tmp_path, text, "1.png", "2.png", "3.png"), label=["MEL", "NV", "BCC"])
    assert (source.task, source.classes, source.labels.tolist()) == (
        "multiclass",
        ("MEL", "NV", "BCC"),
        [0, 2, 1],
    )
    assert "exclude each other" in source.notes[0]


def test_a_column_that_holds_no_labels_of_0_and_1_is_refused(tmp_path):
    file = table_of(tmp_path, "path,a,b\n1.png,1,0\n2.png,0,2\n", "1.png", "2.png")
    assert "line 3 has a 'b' that is neither 0 nor 1" in refusal(file, label=["a", "b"])
    assert "no column 'c' (dataset.label)" in refusal(file, label=["a", "c"])


def test_patients_in_paths(tmp_path):
    names = [f"a/{p:08d}_{k:03d}.png" for p in range(6) for k in range(2)]
    (tmp_path / "a").mkdir()
    for name in names:
        (tmp_path / name).touch()
    lines = [f"{name},{'sick' if k % 4 < 2 else 'well'}" for k, name in enumerate(names)]
    (tmp_path / "t.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    found = csv.load(str(tmp_path / "t.csv"))
    assert len({*found.likely.of_row}) == 6
    again = csv.load(str(tmp_path / "t.csv"), group=found.likely.pattern)
    assert (again.likely, again.table["group"].nunique()) == (None, 6)
    assert csv.load(str(tmp_path / "t.csv"), group="none").likely is None
    assert "no column 'pateint'" in refusal(str(tmp_path / "t.csv"), group="pateint")
