"""Rows that older caches have are copied and not decoded again."""

import numpy as np
from noise_images import damage, open_noise, pixels_of, save_noise


def test_added_images_are_all_that_is_decoded(images):
    open_noise(images)
    more = save_noise(images[0].parent, 7, start=13)  # 13 to 19 are drawn again, equal but newer
    cache = open_noise(more)
    assert cache.notes == ("13 of 20 images were taken from older caches",)
    np.testing.assert_array_equal(cache.array, pixels_of(more))


def test_rows_are_taken_over_from_a_narrower_root_not_a_wider(tmp_path):
    inner = save_noise(tmp_path / "images" / "inner", 3) if (tmp_path / "images").mkdir() is None else []
    open_noise(inner)
    outer = save_noise(tmp_path / "images" / "outer", 2)
    assert open_noise([*inner, *outer]).notes == ("3 of 5 images were taken from older caches",)
    assert open_noise(outer).notes == ()


def test_a_damaged_older_row_is_not_taken_over(images):
    first = open_noise(images)
    damage(first.path / "pixels.npy", 128 + 5 * 144)
    cache = open_noise(images[:10])
    assert cache.notes == ("9 of 10 images were taken from older caches",)
    np.testing.assert_array_equal(cache.array, pixels_of(images[:10]))
