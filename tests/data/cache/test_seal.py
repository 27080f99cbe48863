"""Pixels that change after a cache was finished are noticed: at the next opening, or at once."""

import os
import shutil

import numpy as np
import pytest
from noise_images import open_noise, pixels_of

from clrx.core.errors import RunError
from clrx.data.cache.files import HEADER, is_sealed
from clrx.data.feed import open_feed


def test_rows_that_were_changed_are_noticed_wherever_they_lie(images):
    """Eight rows were looked at: 52 of 60 could be zeroed, and the run trained on them."""
    cache = open_noise(images)
    assert is_sealed(cache.path)
    pixels = cache.path / "pixels.npy"
    pixels.chmod(0o644)
    with pixels.open("r+b") as file:
        file.seek(HEADER + 1 * 144)
        file.write(bytes(144))
    assert not is_sealed(cache.path)
    again = open_noise(images)
    assert "row 1 " in again.notes[0]
    assert "built anew" in again.notes[0]
    np.testing.assert_array_equal(again.array, pixels_of(images))


def test_a_copied_cache_is_looked_through_once(images):
    cache = open_noise(images)
    copy = cache.path.with_name("copy")
    shutil.copytree(cache.path, copy)
    shutil.rmtree(cache.path)
    copy.rename(cache.path)
    assert not is_sealed(cache.path)
    assert open_noise(images).notes == ()
    assert is_sealed(cache.path)


def test_a_cache_that_is_cut_under_a_run_ends_it_with_a_message(images):
    """Reading what was mapped and is gone killed the process (SIGBUS, code 135)."""
    cache = open_noise(images)
    (cache.path / "pixels.npy").chmod(0o644)
    os.truncate(cache.path / "pixels.npy", HEADER + 10)
    for index in (5, slice(0, 8), np.array([3, 9])):
        with pytest.raises(RunError, match="cut to 138 of its"):
            cache.array[index]
    feed = open_feed(cache.array, np.zeros(20, np.int64), "cpu")
    with pytest.raises(RunError, match="cut to 138 of its"):
        next(feed.stream([np.arange(4)]))
