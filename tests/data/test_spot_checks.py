"""Identical images in several parts, images with hardly any contrast: counted, said, left out or refused."""

from hashlib import blake2b

import numpy as np
import pytest
from PIL import Image
from sources import a_source

from clrx.core.errors import UserError
from clrx.data.cache.open import open_cache
from clrx.data.source import Source
from clrx.data.split import make_split
from clrx.data.spot_checks import pixel_notes, settle_duplicates

PARTS = ["train"] * 6 + ["validation"] * 3 + ["test"] * 3


def digests_of(contents: str) -> np.ndarray:
    """A digest for each letter; equal letters are equal images."""
    rows = [blake2b(letter.encode(), digest_size=16).digest() for letter in contents]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 16)


def settled(contents: str, how: str):
    labels = np.array([0, 1] * 6)
    labels[9] = 0
    source = a_source([f"g{k}" for k in range(12)], labels, PARTS)
    split = make_split(source, "given")
    return split, settle_duplicates(source, split, digests_of(contents), how)


def test_no_image_twice_changes_nothing():
    for how in ("keep", "drop", "error"):
        split, found = settled("abcdefghijkl", how)
        assert found is split


def test_images_that_are_twice_within_a_part_are_no_leak():
    split, found = settled("aabbcc" + "dde" + "ffg", "error")
    assert found is split


def test_they_are_counted_and_said():
    split, found = settled(
        "abcdef" + "agh" + "bhl", "keep"
    )  # 0 is 6 in validation, 1 is 9 in test, 7 is 10 in test
    assert [list(rows) for rows in (found.train, found.validation)] == [
        list(split.train),
        list(split.validation),
    ]
    assert found.hash == split.hash
    (note,) = found.notes
    assert note.startswith(
        "2 images of train and 1 images of validation are identical to images of a later part"
    )
    assert "i0 is i6" in note
    assert "(1 have another label there)" in note


def test_they_are_left_out_of_the_earlier_part():
    split, found = settled("abcdef" + "agh" + "bhl", "drop")
    assert found.train.tolist() == [2, 3, 4, 5]
    assert found.validation.tolist() == [6, 7]
    assert found.test.tolist() == split.test.tolist()
    assert found.hash != split.hash
    again, same = settled("abcdef" + "agh" + "bhl", "drop")
    assert (same.hash, again.hash) == (found.hash, split.hash)


def test_a_class_that_would_be_lost_is_refused():
    with pytest.raises(UserError, match="no image of class yes in train"):
        settled("abcdef" + "ghi" + "bdf", "drop")  # 1, 3 and 5 are all that train has of class 1


def test_they_are_refused():
    with pytest.raises(UserError, match=r"1 images of train are identical .* i0 is i9"):
        settled("abcdef" + "ghi" + "akl", "error")


def test_equal_files_under_other_names(tmp_path):
    """From files to the note: the digests are those of the cache."""
    for part, count in (("train", 6), ("test", 4)):
        for k in range(count):
            pixels = np.random.default_rng(k).integers(0, 256, (12, 12), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{part}{k}.png")
    files = sorted(tmp_path.glob("*.png"))
    table = a_source(
        [path.name for path in files], [0, 1] * 5, [path.name.rstrip("0123456789.png") for path in files]
    )
    table.table["split"] = [path.name[:5].rstrip("0123456789") for path in files]
    source = Source(**{**vars(table), "files": tuple(map(str, files))})
    cache = open_cache(source, 12, 1, cache_dir=tmp_path / "cache", workers=1)
    split = settle_duplicates(source, make_split(source, "given", 0.0, 0.2), cache.digests, "drop")
    assert len(split.train) == 2
    assert split.notes[-1].startswith("4 images of train are identical to images of a later part")


def sixteen_bits(tmp_path, high: int) -> tuple[Source, np.ndarray]:
    Image.fromarray(np.linspace(0, high, 256).reshape(16, 16).astype(np.uint16)).save(tmp_path / "a.png")
    source = a_source(["g"], [0], classes=("only",))
    source = Source(**{**vars(source), "files": (str(tmp_path / "a.png"),)})
    return source, open_cache(source, 16, 1, cache_dir=tmp_path / "cache", workers=1).array


def test_less_than_a_quarter_of_16_bits_is_said(tmp_path):
    (note,) = pixel_notes(*sixteen_bits(tmp_path, 5000))
    assert note.startswith(
        "1 of 1 images looked at use less than a quarter of the range of their 16 bits, e.g. i0, 0 to 19"
    )


@pytest.mark.parametrize("high", [17_000, 65_535])
def test_a_quarter_is_enough(tmp_path, high):
    assert pixel_notes(*sixteen_bits(tmp_path, high)) == ()


def test_an_8_bit_file_may_be_dim(tmp_path):
    source, _ = sixteen_bits(tmp_path, 65_535)
    Image.new("L", (16, 16), 7).save(tmp_path / "a.png")
    dim = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16) // 8
    assert pixel_notes(source, dim) == ()
    (tmp_path / "a.png").unlink()
    assert pixel_notes(source, dim) == ()


def test_another_size_than_in_the_array_is_said():
    source = Source(**{**vars(a_source("ab", [0, 1])), "array": np.zeros((2, 224, 200), np.uint8)})
    (note,) = pixel_notes(source, np.zeros((2, 1, 28, 28), np.uint8))
    assert note == "images of 200 x 224 pixels are resized to 28 x 28 (dataset.size)"
    assert pixel_notes(source, np.zeros((2, 1, 224, 200), np.uint8)) == ()
