"""Folder trees, label tables and file names by a grammar of the kinds that real data have, each with its truth.

Whatever is read is right: no image is lost, doubled, or given another label, part or patient. What cannot be read so
is refused, or left out with a note.
"""

import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clrx.core.errors import UserError
from clrx.data.class_folders import class_images
from clrx.data.spelling import plain
from clrx.dataset import csv

NFD = unicodedata.normalize("NFD", "Übergang")
CLASSES = (
    "cat",
    "Dog",
    "No Finding",
    "0",
    "1",
    "10",
    "covid-19",
    "Übergang",
    "HORSE",
    "a b",
    "x(1)",
    "k=v",
    "benign",
)
ODD_CLASSES = ("mask", "images", "test", "valid", "docs", "data", "labels", "Train", "figures")
FILES = (
    "1.png",
    "IM-0115.JPG",
    "x y.jpeg",
    "été.png",
    "img_1.tif",
    "7.0.bmp",
    "a,b.webp",
    "#5.png",
    "0001_L.dcm",
)
PARTS = (
    {"train": "train", "test": "test"},
    {"Train": "train", "Valid": "validation", "Test": "test"},
    {"training_set": "train", "test_set": "test"},
    {"seg_train": "train", "seg_test": "test"},
    {"TrainData": "train", "ValidationData": "validation"},
)
WRAPPERS = ("", "", "data/", "archive/v1/", "images/", "My Set (1)/")
INSIDE = ("", "", "patient7/", "images/", "deep/er/")
ASIDE = (
    "masks/{}",
    "{}_mask",
    "thumbnails/{}",
    ".{}",
    "annotations/{}",
)  # of an image's name: what is none of its class
BESIDE = (
    "README.md",
    "docs/figure.png",
    "__MACOSX/._1.png",
    "labels.csv",
    "{}pred/1.png",
    "rabbit/",
    "horse/1.heic",
)

Truth = tuple[str, str | None]  # class, part


@dataclass
class Tree:
    """Files of a tree: images with their truth, and what is none of them."""

    images: dict[str, Truth] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)  # with a slash at the end: an empty folder


@st.composite
def trees(draw) -> Tree:
    names = draw(st.lists(st.sampled_from(CLASSES), min_size=2, max_size=3, unique_by=plain))
    if draw(st.integers(0, 5)) == 0:
        names.append(draw(st.sampled_from(ODD_CLASSES)))
    parts = draw(st.one_of(st.just({"": None}), st.sampled_from(PARTS)))
    again, wrapper = draw(st.booleans()), draw(st.sampled_from(WRAPPERS))
    tree = Tree()
    for folder, part in parts.items():
        inner = f"{folder}/{folder}/" if folder and again else f"{folder}/" if folder else ""
        for name in names:
            spelt = draw(st.sampled_from([name, name, name.upper(), NFD if name == "Übergang" else name]))
            place = f"{wrapper}{inner}{spelt}/{draw(st.sampled_from(INSIDE))}"
            for file in draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=3, unique=True)):
                tree.images[place + file] = (name, part)
                if draw(st.integers(0, 3)) == 0:
                    tree.others.add(_aside(place, file, draw(st.sampled_from(ASIDE))))
    for beside in draw(st.lists(st.sampled_from(BESIDE), max_size=2, unique=True)):
        tree.others.add(wrapper + beside.format("seg_" if "seg_train" in parts else ""))
    tree.others -= {*tree.images}
    return tree


def _aside(place: str, file: str, form: str) -> str:
    stem, _, ending = file.rpartition(".")
    return place + (form.format(stem) + f".{ending}" if form == "{}_mask" else form.format(file))


def write(root: Path, tree: Tree) -> None:
    for k, name in enumerate([*tree.images, *sorted(tree.others)]):
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(str(k).encode())


@pytest.fixture
def place(tmp_path) -> Iterator[Path]:
    (tmp_path / "set").mkdir()
    yield tmp_path / "set"
    shutil.rmtree(tmp_path, ignore_errors=True)


def check_tree(root: Path, tree: Tree) -> bool:
    """Whether a tree was read, and then rightly; AssertionError for an image lost, doubled or mislabelled."""
    shutil.rmtree(root)
    root.mkdir()
    write(root, tree)
    try:
        found, notes = class_images(root)
    except UserError:
        return False
    paths = [str(Path(one.path).relative_to(root)) for one in found]
    assert len(paths) == len({*paths}), "doubled"
    for path, one in zip(paths, found, strict=True):
        assert path in tree.images, f"{path} is no image of a class"
        label, part = tree.images[path]
        assert (plain(one.label), one.part) == (plain(label), part), path
    lost = tree.images.keys() - {*paths}
    assert not lost, (lost, notes)
    left = [
        name for name in tree.others if not name.endswith("/") and "/." not in name and "__MACOSX" not in name
    ]
    assert notes or not left, left
    return True


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=40, suppress_health_check=QUIET)
@given(tree=trees())
def test_trees(place, tree):
    check_tree(place, tree)


@pytest.mark.slow
def test_two_thousand_trees(place):
    read = []

    @settings(max_examples=2000, suppress_health_check=QUIET)
    @given(tree=trees())
    def run(tree):
        read.append(check_tree(place, tree))

    run()
    assert sum(read) > len(read) / 2  # else this would show little


@dataclass
class Table:
    """A table of images: its bytes, and for each line the file it means, its label and its patient."""

    content: bytes
    files: dict[str, Truth]  # file: label, patient


LABELS = (
    {"sick": ("sick", "Sick", " sick ", "SICK"), "well": ("well", "Well")},
    {"0": ("0", "0.0"), "1": ("1", "1.0")},
)
PATIENTS = (
    {"7": ("7", "7.0"), "8": ("8", "8.0"), "17": ("17",)},
    {"p1": ("p1", "P1"), "é": ("é", "e\u0301")},
)


@st.composite
def tables(draw) -> Table:
    labels, patients = draw(st.sampled_from(LABELS)), draw(st.sampled_from(PATIENTS))
    separator, encoding = (
        draw(st.sampled_from(",;\t|")),
        draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])),
    )
    folders = draw(st.lists(st.sampled_from(["", "im/", "a/b/", "p1/"]), min_size=1, max_size=2, unique=True))
    names = [folder + file for folder in folders for file in draw(st.permutations(FILES))[:3]]
    rows, truth = [], {}
    for k, name in enumerate(names):
        label = [*labels][k % 2] if k < 2 else draw(st.sampled_from([*labels]))
        patient = draw(st.sampled_from([*patients]))
        truth[name] = (label, patient)
        cells = (
            spelling(draw, name),
            draw(st.sampled_from(labels[label])),
            draw(st.sampled_from(patients[patient])),
        )
        rows.append(separator.join(f'"{cell}"' if separator in cell else cell for cell in cells))
    header = separator.join(("path", "label", "patient"))
    text = draw(st.sampled_from(["\n", "\r\n"])).join((header, *rows, ""))
    try:
        return Table(text.encode(encoding), truth)
    except UnicodeEncodeError:  # Windows-1252 has no combining marks
        return Table(text.encode(), truth)


def spelling(draw, name: str) -> str:
    """One way in which a table names a file."""
    ways = [
        name,
        f"./{name}",
        name.replace("/", "\\"),
        unicodedata.normalize("NFD", name),
        name.rpartition(".")[0],
    ]
    return draw(st.sampled_from([*ways, name.upper(), f"  {name} "]))


def check_table(root: Path, table: Table) -> bool:
    shutil.rmtree(root)
    write(root, Tree(dict.fromkeys(table.files, ("", None))))
    (root / "table.csv").write_bytes(table.content)
    try:
        source = csv.load(str(root / "table.csv"), group="patient")
    except UserError:
        return False
    files = [str(Path(path).relative_to(root)) for path in source.files]
    assert sorted(files) == sorted(table.files), "lost or doubled"
    group_of: dict[str, str] = {}
    for row, file in enumerate(files):
        label, patient = table.files[file]
        assert plain(source.classes[source.labels[row]]) == label, file
        assert (
            group_of.setdefault(patient, source.table["group"].iloc[row]) == source.table["group"].iloc[row]
        )
    assert len({*group_of.values()}) == len(group_of), "two patients are one"
    return True


@settings(max_examples=25, suppress_health_check=QUIET)
@given(table=tables())
def test_tables(place, table):
    check_table(place, table)


@pytest.mark.slow
def test_five_hundred_tables(place):
    read = []

    @settings(max_examples=500, suppress_health_check=QUIET)
    @given(table=tables())
    def run(table):
        read.append(check_table(place, table))

    run()
    assert sum(read) > len(read) / 2
