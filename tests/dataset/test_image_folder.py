"""A user's folders and archives of images by class."""

import shutil

import numpy as np
import pytest
from PIL import Image

from clrx.core.errors import UserError
from clrx.data.cache.open import open_cache
from clrx.data.split import make_split
from clrx.dataset import image_folder

PARTS = ("train", "val", "test")


@pytest.fixture(autouse=True)
def in_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def split_tree(tmp_path):
    """3 images of each class in each part; the grey value is the class."""
    for part in PARTS:
        for value, label in ((10, "healthy"), (200, "cancer")):
            folder = tmp_path / "mine" / part / label
            folder.mkdir(parents=True)
            for number in range(3):
                Image.new("L", (20, 10), value).save(folder / f"{number}.png")
    return tmp_path / "mine"


def test_the_split_of_the_folders_is_kept(split_tree):
    source = image_folder.load(str(split_tree), positive="cancer", color=False)
    split = make_split(source, "given")
    for part, rows in zip(PARTS, (split.train, split.validation, split.test), strict=True):
        assert {name.partition("/")[0] for name in source.table["image"].iloc[rows]} == {part}
    cache = open_cache(source, 8, source.channels, workers=1)
    assert cache.array.shape == (18, 1, 8, 8)
    assert (cache.array[:, 0, 0, 0] == np.where(source.labels == 1, 200, 10)).all()


@pytest.mark.parametrize("kind", ["zip", "gztar", "xztar"])
def test_an_archive_is_as_good_as_a_folder(split_tree, kind):
    folder = image_folder.load(str(split_tree))
    archive = shutil.make_archive(str(split_tree.parent / "packed"), kind, split_tree.parent, "mine")
    source = image_folder.load(archive)
    assert source.table.equals(folder.table)
    assert source.labels.tolist() == folder.labels.tolist()
    assert make_split(source, "given").hash == make_split(folder, "given").hash


def test_one_tree_is_split_by_seed(split_tree):
    source = image_folder.load(str(split_tree / "train"))
    assert "split" not in source.table
    assert (source.channels, source.classes) == (3, ("healthy", "cancer"))
    with pytest.raises(UserError, match="names no given split"):
        make_split(source, "given")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"root": None}, "dataset.root is not set"),
        ({"positive": "cancr"}, "did you mean cancer"),
        ({"root": "absent"}, "there is no such file or folder"),
    ],
)
def test_mistakes(split_tree, keys, said):
    with pytest.raises(UserError, match=said):
        image_folder.load(**{"root": str(split_tree), **keys})


def test_patients_in_names(tmp_path):
    names = [f"{label}/person{p}_{k}.png" for p in range(8) for k in range(2) for label in ("sick", "well")]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    source = image_folder.load(str(tmp_path))
    assert source.likely.pattern == r"person\d+"
    assert len({*source.likely.of_row}) == 8
    assert source.table["group"].nunique() == 32
    single = image_folder.load(str(tmp_path), group="none")
    assert (single.likely, single.table["group"].nunique(), single.notes) == (None, 32, ())
    grouped = image_folder.load(str(tmp_path), group="^[^_]+")  # of the path below the class folder
    assert (grouped.likely, grouped.table["group"].nunique()) == (None, 8)
    assert grouped.notes == ("8 groups by dataset.group=^[^_]+",)
