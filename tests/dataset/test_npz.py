"""The MedMNIST layout: tasks from labels, the file's split, and download through the package."""

import sys
from types import ModuleType

import numpy as np
import pytest

from clrx.core.errors import UserError
from clrx.data.split import make_split
from clrx.dataset import npz

SIZES = {"train": 6, "val": 3, "test": 3}


def write(path, shape=(8, 8), labels=None, **changes):
    """Images of grey 0 to 11 in order; labels 0, 1, 2, 0, ... as MedMNIST has them, (N, 1) uint8."""
    values = np.arange(12, dtype=np.uint8)
    labels = (values % 3)[:, None] if labels is None else np.asarray(labels)
    arrays, start = {}, 0
    for part, size in SIZES.items():
        rows = slice(start, start + size)
        arrays[f"{part}_images"] = values[rows].reshape(-1, *[1] * len(shape)) * np.ones(shape, np.uint8)
        arrays[f"{part}_labels"] = labels[rows]
        start += size
    np.savez(path, **{key: array for key, array in {**arrays, **changes}.items() if array is not None})
    return str(path)


def refusal(*args, **keys) -> str:
    with pytest.raises(UserError) as error:
        npz.load(*args, **keys)
    return str(error.value)


def test_the_split_and_order_of_the_file(tmp_path):
    source = npz.load(write(tmp_path / "mine.npz"))
    assert (source.name, source.task, source.classes) == ("mine", "multiclass", ("0", "1", "2"))
    assert source.array[:, 0, 0].tolist() == list(range(12))
    assert source.labels.tolist() == [0, 1, 2] * 4
    split = make_split(source, "given")
    found = [rows.tolist() for rows in (split.train, split.validation, split.test)]
    assert found == [list(range(6)), [6, 7, 8], [9, 10, 11]]


@pytest.mark.parametrize(
    ("shape", "labels", "expected"),  # task, classes, channels
    [
        ((8, 8, 3), None, ("multiclass", ("0", "1", "2"), 3)),
        ((8, 8, 1), None, ("multiclass", ("0", "1", "2"), 1)),
        ((8, 8), np.arange(12) % 2, ("binary", ("0", "1"), 1)),
        ((8, 8), np.eye(12, 4, dtype=np.uint8), ("multilabel", ("0", "1", "2", "3"), 1)),
        ((8, 8), np.eye(12, 4), ("multilabel", ("0", "1", "2", "3"), 1)),
    ],
)
def test_tasks(tmp_path, shape, labels, expected):
    source = npz.load(write(tmp_path / "mine.npz", shape, labels))
    assert (source.task, source.classes, source.channels) == expected
    assert source.labels.dtype == (np.uint8 if source.task == "multilabel" else np.int64)


@pytest.mark.parametrize(
    ("labels", "classes", "notes"),
    [
        (np.eye(3)[np.arange(12) % 3], ("0", "1", "2"), ("the labels are one-hot: read as 3 classes",)),
        (np.arange(12) % 3 + 1, ("1", "2", "3"), ("the labels are 1, 2, 3: one class each",)),
        (np.arange(12) % 3 * 2, ("0", "2", "4"), ("the labels are 0, 2, 4: one class each",)),
        ((np.arange(12) % 3).astype(np.float32), ("0", "1", "2"), ()),
    ],
)
def test_other_ways_to_number_classes(tmp_path, labels, classes, notes):
    source = npz.load(write(tmp_path / "mine.npz", labels=labels))
    assert (source.task, source.classes, source.labels.tolist()) == ("multiclass", classes, [0, 1, 2] * 4)
    assert [note.startswith(begin) for note, begin in zip(source.notes, notes, strict=True)] == [True] * len(
        notes
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"val_images": None}, "lacks val_images"),
        (
            {"train_labels": np.zeros((5, 1), int), "val_labels": np.zeros((4, 1), int)},
            "train: 6 images, but 5 labels",
        ),
        ({"val_images": np.zeros((3, 9, 9), np.uint8)}, "images of different shapes: (8, 8), (9, 9), (8, 8)"),
        ({"val_images": np.zeros((3, 8, 8))}, "float64"),
        ({"val_labels": np.zeros((3, 2), int)}, "different numbers of labels"),
        ({"labels": np.full((12, 1), -1)}, "no class numbers: int64 -1"),
        ({"labels": np.full((12, 1), 0.5)}, "no class numbers: float64 0.5"),
        ({"labels": np.full((12, 1), 10**9)}, "no class numbers"),
        ({"labels": np.full((12, 2), 2)}, "not of 0 and 1"),
        ({"labels": np.zeros((12, 1), int)}, "there is only one class"),
    ],
)
def test_files_that_are_none(tmp_path, changes, said):
    assert said in refusal(write(tmp_path / "mine.npz", **changes))


def test_roots_that_are_none(tmp_path):
    assert "dataset.root is not set" in refusal()
    assert "is a folder" in refusal(str(tmp_path))


@pytest.fixture
def medmnist(tmp_path, monkeypatch):
    """A stand-in for the package (its own tests are its own): INFO and a class that writes its file."""
    module = ModuleType("medmnist")
    labels = {"0": "benign", "1": "keratosis", "2": "melanoma"}
    module.INFO = {"dermamnist": {"python_class": "DermaMNIST", "label": labels}}

    class DermaMNIST:
        def __init__(self, split, download, root):
            if (tmp_path / "offline").exists():
                raise RuntimeError("Something went wrong when downloading!\nmore")
            write(f"{root}/dermamnist.npz")

    module.DermaMNIST = DermaMNIST
    monkeypatch.setitem(sys.modules, "medmnist", module)
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    return module


def test_a_set_by_name_is_downloaded_with_the_names_of_its_classes(medmnist, tmp_path):
    source = npz.load(name="dermamnist")
    assert source.classes == ("benign", "keratosis", "melanoma")
    assert (tmp_path / "cache/clrx/medmnist/dermamnist.npz").is_file()
    assert npz.load(write(tmp_path / "dermamnist_64.npz")).classes == source.classes
    assert "did you mean dermamnist?" in refusal(name="dermanist")


def test_no_download_and_no_package(medmnist, tmp_path, monkeypatch):
    (tmp_path / "offline").touch()
    said = refusal(name="dermamnist")
    assert "dermamnist could not be downloaded: Something went wrong when downloading!" in said
    assert "dataset.root=FILE.npz" in said
    monkeypatch.setitem(sys.modules, "medmnist", None)
    assert "pip install 'clrx[medmnist]'" in refusal(name="dermamnist")


def test_a_real_set(shared_data):
    source = npz.load(str(shared_data / "medmnist" / "pneumoniamnist.npz"))
    assert (source.task, source.array.shape) == ("binary", (5030, 28, 28))
    split = make_split(source, "given")
    assert [len(rows) for rows in (split.train, split.validation, split.test)] == [
        3882,
        524,
        624,
    ]  # 3,882: data notes


def test_labels_and_images_of_other_kinds_are_refused(tmp_path):
    empty = write(
        tmp_path / "empty.npz", val_images=np.zeros((0, 8, 8), np.uint8), val_labels=np.zeros((0, 1), int)
    )
    assert "val_labels are empty" in refusal(empty)
    dates = write(tmp_path / "dates.npz", train_labels=np.zeros(6, "M8[D]"))
    assert "train_labels are datetime64[D]" in refusal(dates)
