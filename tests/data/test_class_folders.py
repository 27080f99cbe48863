"""Images in class folders: which folder is a class, what the split folders say, what is left out and what refused."""

from pathlib import Path

import pytest
from named_files import make, refusal

from clrx.data.class_folders import class_images, folder_source


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
    found, _ = class_images(make(tmp_path, *names))
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
    assert [image.name for image in class_images(tmp_path / "tree")[0]] == ["cat/1.png", "dog/2.png"]


def test_a_source_of_a_tree(tmp_path):
    folder = make(tmp_path, "train/10/1.png", "train/9/1.png", "test/10/1.png", "test/9/2.png")
    source = folder_source("mine", folder, class_images(folder)[0], channels=3)
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
    assert "there is only one class" in refusal(
        folder_source, "mine", only, class_images(only)[0], channels=1
    )


def names_of(folder, *names, classes=None) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """The images of each class, by part where there are parts, and the notes."""
    found, notes = class_images(make(folder, *names), classes)
    labels = sorted({(image.part or "", image.label) for image in found})
    return {
        f"{part} {label}".strip(): [one.name for one in found if (one.part or "", one.label) == (part, label)]
        for part, label in labels
    }, notes


READ = [  # (what, files, images of each class, begin of each note)
    (
        "Kaggle cat-and-dog",
        [
            f"{part}/{part}/{label}s/1.jpg"
            for part in ("training_set", "test_set")
            for label in ("cat", "dog")
        ],
        {
            "test cats": ["test_set/test_set/cats/1.jpg"],
            "test dogs": ["test_set/test_set/dogs/1.jpg"],
            "train cats": ["training_set/training_set/cats/1.jpg"],
            "train dogs": ["training_set/training_set/dogs/1.jpg"],
        },
        [],
    ),
    (
        "Intel scenes",
        ["seg_train/seg_train/sea/1.jpg", "seg_test/seg_test/sea/1.jpg", "seg_pred/seg_pred/1.jpg"],
        {"test sea": ["seg_test/seg_test/sea/1.jpg"], "train sea": ["seg_train/seg_train/sea/1.jpg"]},
        ["seg_pred/ is left out: 1 images without classes"],
    ),
    (
        "docs beside images",
        ["images/cat/1.png", "images/dog/1.png", "docs/figure1.png"],
        {"cat": ["cat/1.png"], "dog": ["dog/1.png"]},
        ["docs/ beside images/ is left out: 1 images"],
    ),
    (
        "one data folder and a README",
        ["data/cat/1.png", "data/dog/1.png", "README.txt", "notes/a.md"],
        {"cat": ["cat/1.png"], "dog": ["dog/1.png"]},
        ["files that are not read as images: 1 .txt, 1 .md"],
    ),
    (
        "COVID-19 Radiography",
        [f"{label}/{kind}/1.png" for label in ("COVID", "Normal") for kind in ("images", "masks")],
        {"COVID": ["COVID/images/1.png"], "Normal": ["Normal/images/1.png"]},
        ["COVID/masks/ is left out: 1 images", "Normal/masks/ is left out: 1 images"],
    ),
    (
        "BUSI",
        ["benign/1.png", "benign/1_mask.png", "normal/1.png", "normal/1_mask.png", "normal/1_mask_1.png"],
        {"benign": ["benign/1.png"], "normal": ["normal/1.png"]},
        [
            "1 images made from others",
            "2 images made from others beside them are left out, e.g. normal/1_mask.png",
        ],
    ),
    (
        "thumbnails",
        ["cat/1.jpg", "cat/thumbnails/1.jpg", "dog/1.jpg"],
        {"cat": ["cat/1.jpg"], "dog": ["dog/1.jpg"]},
        ["cat/thumbnails/ is left out: 1 images"],
    ),
    (
        "malaria: the set once more in itself",
        [
            f"{inner}{label}/1.png"
            for inner in ("", "cell_images/")
            for label in ("Parasitized", "Uninfected")
        ],
        {"Parasitized": ["Parasitized/1.png"], "Uninfected": ["Uninfected/1.png"]},
        ["cell_images/ is left out: a copy of the folders beside it"],
    ),
    (
        "face masks are classes",
        ["mask/1.jpg", "no_mask/1.jpg"],
        {"mask": ["mask/1.jpg"], "no_mask": ["no_mask/1.jpg"]},
        [],
    ),
    (
        "half of a class in a format that is not read",
        ["cat/1.jpg", "dog/1.jpg", "dog/2.avif", "dog/3.avif", "dog/4"],
        {"cat": ["cat/1.jpg"], "dog": ["dog/1.jpg"]},
        ["files that are not read as images: 2 .avif, 1 without an ending"],
    ),
]


@pytest.mark.parametrize(("what", "files", "expected", "notes"), READ, ids=[row[0] for row in READ])
def test_what_the_names_say_without_doubt(tmp_path, what, files, expected, notes):
    found, said = names_of(tmp_path, *files)
    assert found == expected
    assert len(said) == len(notes)
    assert all(one.startswith(begin) for one, begin in zip(said, notes, strict=True)), said


REFUSED = [  # (what, files, classes, what is said)
    ("a class of one other format", ["cat/1.jpg", "dog/1.jpg", "horse/1.heic"], None, "horse (1 .heic)"),
    ("a class without an ending", ["cat/1.jpg", "dog/1.jpg", "horse/1"], None, "horse (1 without an ending)"),
    (
        "only files that are not read",
        ["cat/1.heic", "dog/2.heic"],
        None,
        "there are no images (only 2 .heic)",
    ),
    ("masks among classes", ["cat/1.png", "dog/1.png", "masks/1.png"], None, "dataset.classes=[cat,dog]"),
    ("images to predict", ["cat/1.png", "dog/1.png", "seg_pred/1.png"], None, "is seg_pred a class?"),
    ("images and masks, no classes", ["images/1.png", "masks/1.png"], None, "is images, masks a class?"),
    ("images beside classes", ["cat/1.png", "dog/1.png", "images/1.png"], None, "is images a class?"),
    (
        "another set in itself",
        ["a/1.png", "b/1.png", "set/a/1.png", "set/b/2.png"],
        None,
        "set/ holds a, b, as the folder it lies in does, and other images",
    ),
    (
        "a class that is not there",
        ["cat/1.png", "dog/1.png"],
        ["cat", "dgo"],
        "dgo (there is no such folder)",
    ),
]


@pytest.mark.parametrize(("what", "files", "classes", "said"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_could_be_read_in_two_ways_is_refused(tmp_path, what, files, classes, said):
    assert said in refusal(class_images, make(tmp_path, *files), classes)


def test_an_empty_class_folder_is_refused(tmp_path):
    make(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "rabbit").mkdir()
    said = refusal(class_images, tmp_path)
    assert "no image is read of rabbit (empty)" in said
    assert "dataset.classes=[cat,dog]" in said
    found, _ = class_images(tmp_path, ["cat", "dog"])
    assert len(found) == 2


def test_classes_that_are_named_are_classes_whatever_they_are_called(tmp_path):
    files = ["car/1.png", "train/1.png", "masks/1.png", "other/1.png"]
    found, notes = names_of(tmp_path, *files, classes=["Car", "train", "masks"])
    assert found == {"car": ["car/1.png"], "masks": ["masks/1.png"], "train": ["train/1.png"]}
    assert notes == ("other/ is left out: dataset.classes does not name it",)


def test_class_names_in_several_spellings_are_one_class(tmp_path):
    folder = make(tmp_path, "train/NORMAL/1.png", "train/sick/1.png", "test/normal/2.png", "test/Sick/2.png")
    source = folder_source("mine", folder, class_images(folder)[0], channels=1)
    assert (source.classes, source.labels.tolist()) == (("NORMAL", "Sick"), [1, 0, 0, 1])
    assert source.notes[0].startswith(
        "class names in several spellings are taken as one: 'NORMAL' and 'normal'"
    )
