"""Images in class folders: what is an image, which folder is its class, what the split folders say."""

import os
from pathlib import Path

import numpy as np
import pytest

from clrx.core.errors import UserError
from clrx.data.classes import in_order, indices
from clrx.data.image_folders import class_images, folder_source, given_file, given_folder, image_files


def make(folder, *names):
    for name in names:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"not read here")
    return folder


def refusal(call, *args, **keys) -> str:
    with pytest.raises(UserError) as error:
        call(*args, **keys)
    return str(error.value)


@pytest.mark.parametrize(
    ("names", "expected"),  # per image, sorted by path: its name, class and part
    [
        (["cat/1.png", "dog/2.JPG"], [("cat/1.png", "cat", None), ("dog/2.JPG", "dog", None)]),
        (["cat/a/1.png", "dog/b/c/1.pgm"], [("cat/a/1.png", "cat", None), ("dog/b/c/1.pgm", "dog", None)]),
        (
            ["Train/cat/1.png", "val/cat/1.png", "valid/dog/1.png", "TEST/dog/1.png"],
            [
                ("TEST/dog/1.png", "dog", "test"),
                ("Train/cat/1.png", "cat", "train"),
                ("val/cat/1.png", "cat", "validation"),
                ("valid/dog/1.png", "dog", "validation"),
            ],
        ),
        # archives often wrap what they have in a folder
        (["set/v1/cat/1.png", "set/v1/dog/1.png"], [("cat/1.png", "cat", None), ("dog/1.png", "dog", None)]),
        (
            ["set/train/cat/1.png", "set/test/dog/1.png", "__MACOSX/train/cat/._1.png"],
            [("test/dog/1.png", "dog", "test"), ("train/cat/1.png", "cat", "train")],
        ),
        (
            ["train/cat/1.png", "train/dog/1.png"],
            [("train/cat/1.png", "cat", "train"), ("train/dog/1.png", "dog", "train")],
        ),
        (
            ["cat/été 1.png", "cat/notes.txt", "cat/.hidden.png", ".git/x/1.png", "dog/1.dcm"],
            [("cat/été 1.png", "cat", None), ("dog/1.dcm", "dog", None)],
        ),
    ],
)
def test_a_tree(tmp_path, names, expected):
    found = class_images(make(tmp_path, *names))
    assert [(image.name, image.label, image.part) for image in found] == expected
    assert all(Path(image.path).is_file() and image.path.endswith(image.name) for image in found)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["cat/notes.txt"], "there are no images"),
        (["1.png", "cat/2.png"], "1.png lies in no class folder"),
        (["train/1.png", "test/cat/2.png"], "train/1.png lies in no class folder"),
        (["train/cat/1.png", "extra/cat/2.png"], "1 others do not: extra/cat/2.png"),
    ],
)
def test_a_tree_that_is_none(tmp_path, names, said):
    assert said in refusal(class_images, make(tmp_path, *names))


def test_linked_folders_are_followed_once(tmp_path):
    make(tmp_path / "there", "1.png")
    make(tmp_path / "tree/dog", "2.png")
    (tmp_path / "tree/cat").symlink_to(tmp_path / "there")
    (tmp_path / "tree/cat/back").symlink_to(tmp_path / "tree")
    assert [image.name for image in class_images(tmp_path / "tree")] == ["cat/1.png", "dog/2.png"]


def test_a_closed_folder_is_refused(tmp_path, monkeypatch):
    make(tmp_path, "cat/1.png", "dog/1.png")
    scan = os.scandir

    def closed(place):
        if str(place).endswith("dog"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", closed)
    said = refusal(image_files, tmp_path)
    assert "a folder cannot be read: Permission denied" in said
    assert str(tmp_path / "dog") in said


def test_a_source_of_a_tree(tmp_path):
    folder = make(tmp_path, "train/10/1.png", "train/9/1.png", "test/10/1.png", "test/9/2.png")
    source = folder_source("mine", folder, class_images(folder), channels=3)
    assert (source.classes, source.task, source.channels, source.root) == (
        ("9", "10"),
        "binary",
        3,
        str(folder),
    )
    assert source.table["split"].tolist() == ["test", "test", "train", "train"]
    assert source.labels.tolist() == [1, 0, 1, 0]
    assert source.table["group"].tolist() == source.table["image"].tolist()
    only = make(tmp_path / "one", "cat/1.png")
    assert "there is only one class" in refusal(folder_source, "mine", only, class_images(only), channels=1)


@pytest.mark.parametrize(
    ("names", "positive", "expected"),
    [
        (["b", "a", "b"], None, ("a", "b")),
        (["cancer", "healthy"], "cancer", ("healthy", "cancer")),
        (["cancer", "healthy"], "healthy", ("cancer", "healthy")),
        (["10", "9", "1"], None, ("1", "9", "10")),
        (["10", "x"], None, ("10", "x")),
        (["0", "1"], 0, ("1", "0")),  # as the command line gives it
    ],
)
def test_the_order_of_classes(names, positive, expected):
    assert in_order(names, positive) == expected
    assert indices(names, expected).tolist() == [expected.index(name) for name in names]
    assert indices(names, expected).dtype == np.int64


@pytest.mark.parametrize(
    ("names", "positive", "said"),
    [
        (["cancer", "healthy"], "cancr", "did you mean cancer?"),
        (["a", "b", "c"], "a", "one of two classes"),
    ],
)
def test_a_positive_class_that_is_none(names, positive, said):
    assert said in refusal(in_order, names, positive)


def test_a_root_of_the_wrong_kind(tmp_path):
    (tmp_path / "file.csv").touch()
    assert "dataset.root is not set" in refusal(given_folder, None, "a folder")
    assert "there is no such file" in refusal(given_folder, str(tmp_path / "absent"), "a folder")
    assert "file.csv is a file" in refusal(given_folder, str(tmp_path / "file.csv"), "a folder")
    assert "is no file" in refusal(given_file, str(tmp_path), "a CSV file")
