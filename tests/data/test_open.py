"""From the configuration to images, labels and split: what its keys do to the data."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from nodes import configured
from PIL import Image

from clrx.core.errors import UserError
from clrx.data.open import load_source, open_data, size_of


@pytest.fixture(autouse=True)
def in_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folders(tmp_path):
    """Two classes below train/ and test/: every image of test is one of train under another name."""
    for label in ("cat", "dog"):
        for k in range(12):
            file = tmp_path / "set/train" / label / f"{k}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(
                np.random.default_rng(k + 99 * (label == "dog")).integers(0, 256, (9, 9), np.uint8)
            ).save(file)
        (tmp_path / "set/test" / label).mkdir(parents=True)
        for k in range(3):
            shutil.copy(tmp_path / f"set/train/{label}/{k}.png", tmp_path / f"set/test/{label}/other{k}.png")
    return tmp_path / "set"


def opened(root, *words):
    cfg = configured("dataset=image_folder", f"dataset.root={root}", "dataset.size=9", "workers=1", *words)
    return open_data(cfg, load_source(cfg.dataset))


def test_identical_images_across_parts(folders):
    kept = opened(folders)
    assert len(kept.split.train) + len(kept.split.validation) == 24
    assert "are identical to images of a later part of the split" in kept.split.notes[-1]
    dropped = opened(folders, "dataset.duplicates=drop")
    assert len(dropped.split.train) + len(dropped.split.validation) == 18
    assert dropped.split.test.tolist() == kept.split.test.tolist()
    assert set(dropped.train) == set(dropped.split.train)
    with pytest.raises(UserError, match=r"dataset.duplicates=drop, or keep"):
        opened(folders, "dataset.duplicates=error")


def test_links_that_leave_the_root(folders, tmp_path):
    linked = tmp_path / "linked"
    for file in folders.rglob("*.png"):
        link = linked / file.relative_to(folders)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    with pytest.raises(UserError, match="a symbolic link out of"):
        opened(linked)
    found = opened(linked, "dataset.links=follow")
    np.testing.assert_array_equal(found.cache.array, opened(folders).cache.array)


@pytest.mark.parametrize(
    ("shape", "words", "side"), [((9, 9), (), 9), ((9, 12, 3), (), 12), ((9, 9), ("dataset.size=8",), 8)]
)
def test_an_array_keeps_its_size_unless_another_is_asked_for(tmp_path, shape, words, side):
    """A _224 file of MedMNIST was trained on at 28 pixels."""
    parts = {f"{part}_images": np.zeros((6, *shape), np.uint8) for part in ("train", "val", "test")}
    np.savez(
        tmp_path / "set_224.npz",
        **parts,
        **{f"{part}_labels": np.arange(6) % 2 for part in ("train", "val", "test")},
    )
    cfg = configured("dataset=npz", f"dataset.root={tmp_path / 'set_224.npz'}", *words)
    source = load_source(cfg.dataset)
    assert size_of(cfg.dataset, source) == side
    assert open_data(cfg, source).cache.array.shape[2:] == (side, side)


def test_files_need_a_size(folders):
    cfg = configured("dataset=image_folder", f"dataset.root={folders}", "dataset.size=null")
    with pytest.raises(UserError, match="takes the size of an array's images"):
        size_of(cfg.dataset, load_source(cfg.dataset))


def test_an_array_of_images_too_small_names_the_key(folders):
    cfg = configured("dataset=image_folder", f"dataset.root={folders}", "dataset.size=null")
    source = replace(load_source(cfg.dataset), files=None, array=np.zeros((30, 4, 4), np.uint8))
    with pytest.raises(UserError, match="have 4 pixels a side"):
        size_of(cfg.dataset, source)
