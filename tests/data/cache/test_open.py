"""Opening a cache: right pixels, built once, unreadable images named or dropped."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from noise_images import files_below, open_noise, pixels_of, save_noise, source_of, source_of_array, spoil
from PIL import Image

from clrx.core.errors import UserError
from clrx.data.cache.open import open_cache
from clrx.data.decode.image import decode


def test_rows_are_the_images_in_their_order(images):
    seen = []
    cache = open_noise(images[::-1], progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(cache.array, pixels_of(images[::-1]))
    assert isinstance(cache.array, np.memmap)
    assert not cache.array.flags.writeable
    assert cache.kept.tolist() == list(range(20))
    assert cache.kept.dtype == np.int64
    assert seen[0] == (0, 20)
    assert seen[-1] == (20, 20)
    assert seen == sorted(seen)


def test_opened_again_nothing_is_done(images, cache_folder):
    first, before = open_noise(images), files_below(cache_folder)
    again = open_noise(images, progress=lambda done, total: pytest.fail("decoded again"))
    assert (again.hash, again.path, again.notes) == (first.hash, first.path, ())
    assert files_below(cache_folder) == before
    assert sorted(path.name for path in (cache_folder / "images").iterdir() if path.is_dir()) == [
        first.path.name
    ]


def test_the_hash_is_of_the_pixels(images, tmp_path):
    copies = tmp_path / "copies"
    shutil.copytree(images[0].parent, copies)
    one = open_noise(images)
    assert open_noise(sorted(copies.glob("*.png"))).hash == one.hash
    assert open_noise(images[::-1]).hash != one.hash
    assert open_noise(images[1:]).hash != one.hash
    array = pixels_of(images)[:, 0]
    assert open_cache(source_of_array(array), 12, 1).hash == one.hash


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(9, 12, 12), (9, 12, 12, 1), (9, 12, 12, 3), (9, 28, 20), (300, 6, 6, 3)])
def test_arrays_are_cached_like_files(tmp_path, shape, channels):
    array = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    cache = open_cache(source_of_array(array), 12, channels)
    for row in (0, len(array) // 2, len(array) - 1):
        Image.fromarray(array[row].squeeze()).save(tmp_path / "a.png")
        np.testing.assert_array_equal(cache.array[row], decode(tmp_path / "a.png", 12, channels))
    assert open_cache(source_of_array(array), 12, channels).path == cache.path
    other = array.copy()
    other[-1, -1, -1] ^= 1
    assert open_cache(source_of_array(other), 12, channels).path != cache.path


def test_an_array_that_fits_is_kept_value_by_value():
    array = np.random.default_rng(1).integers(0, 256, (9, 12, 12, 3), np.uint8)
    np.testing.assert_array_equal(
        open_cache(source_of_array(array), 12, 3).array, array.transpose(0, 3, 1, 2)
    )


def test_every_unreadable_image_is_named(tmp_path):
    images = save_noise(tmp_path / "images", 30)
    spoil(images, *range(25))
    with pytest.raises(UserError) as caught:
        open_noise(images)
    text = str(caught.value)
    assert text.startswith("25 of 30 images cannot be read:")
    assert [name in text for name in ("0000.png", "0019.png", "0020.png")] == [True, True, False]
    assert "and 5 more" in text
    listed = Path(text.rpartition("the whole list: ")[2]).read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[1] for line in listed] == [str(path) for path in images[:25]]


@pytest.mark.parametrize("rows", [(0,), (19,), (3, 4, 11), tuple(range(19))])
def test_dropped_images_leave_no_gap(images, rows):
    whole = pixels_of(images)
    spoil(images, *rows)
    cache = open_noise(images, unreadable="drop")
    kept = [row for row in range(20) if row not in rows]
    assert cache.kept.tolist() == kept
    np.testing.assert_array_equal(cache.array, whole[kept])
    assert [name for name, _ in cache.unreadable] == [images[row].name for row in rows]
    assert all("truncated" in reason or "broken" in reason for _, reason in cache.unreadable)
    good = [images[row] for row in kept]
    assert cache.hash == open_noise(good).hash  # the kept rows' hash is theirs wherever they come from


def test_nothing_left_is_an_error_even_when_dropping(images):
    spoil(images, *range(20))
    with pytest.raises(UserError, match="20 of 20 images cannot be read"):
        open_noise(images, unreadable="drop")


def test_mended_images_are_read_again_and_only_those(images):
    spoil(images, 3)
    with pytest.raises(UserError, match="0003"):
        open_noise(images)
    save_noise(images[0].parent, 1, start=3)
    cache = open_noise(images)
    assert cache.notes == ("19 of 20 images were taken from older caches",)
    np.testing.assert_array_equal(cache.array, pixels_of(images))


def test_missing_and_linked_out_files_are_named(images, tmp_path):
    shutil.move(images[1], tmp_path / "outside.png")
    images[1].symlink_to(tmp_path / "outside.png")
    images[2].unlink()
    with pytest.raises(UserError, match=r"(?s)0001.*symbolic link out of.*0002.*no such file"):
        open_noise(images)
    root = str(tmp_path)  # where the root holds both, the link is fine
    cache = open_cache(source_of(images, root=root), 12, 1, "drop", workers=1)
    assert cache.unreadable == [("0002.png", "there is no such file")]


def test_links_out_of_the_root_are_followed_where_that_is_asked_for(images, tmp_path):
    """As DVC, git-annex and snapshots of model hubs lay data out; `dataset.links=follow` makes the root /."""
    store = images[0].parent.rename(tmp_path / "store")
    links = tmp_path / "set"
    links.mkdir()
    for path in sorted(store.iterdir()):
        (links / path.name).symlink_to(path)
    files = sorted(links.iterdir())
    with pytest.raises(UserError, match="symbolic link out of"):
        open_cache(source_of(files, root=str(links)), 12, 1, workers=1)
    cache = open_cache(source_of(files, root="/"), 12, 1, workers=1)
    np.testing.assert_array_equal(cache.array, pixels_of(files))


def test_a_file_that_changes_while_it_is_read_is_no_row(images, cache_folder):
    def rewrite(done, total):
        if done == 0:
            save_noise(images[0].parent, 1, start=19, side=13)

    with pytest.raises(UserError, match=r"(?s)1 of 20 .* could not be read this time.*0019.*changed"):
        open_noise(images, progress=rewrite)
    cache = open_noise(images)  # another listing: the rest is taken over, the old rest is gone
    assert cache.notes == ("19 of 20 images were taken from older caches",)
    assert [one.name for one in (cache_folder / "images").iterdir() if one.is_dir()] == [cache.path.name]


@pytest.mark.parametrize(
    "wrong", [{"unreadable": "skip"}, {"channels": 2}, {"size": 0}, {"workers": 0}, {"files": []}]
)
def test_wrong_arguments(images, wrong):
    more = {"files": images, "size": 12, "channels": 1} | wrong
    with pytest.raises(UserError):
        open_cache(source_of(more.pop("files")), more.pop("size"), more.pop("channels"), **more)
