"""Caches listed and cleared."""

import numpy as np
from noise_images import open_noise, pixels_of

from clrx.data.cache import listing as cache_listing
from clrx.data.cache.list import clear_caches, list_caches


def test_a_cleared_cache_stays_valid_where_it_is_open(images, cache_folder):
    cache = open_noise(images)
    entry = list_caches()[0]
    assert (entry.name, entry.state, entry.images, entry.size, entry.channels) == (
        "toy",
        "finished",
        20,
        12,
        1,
    )
    removed, left = clear_caches()
    assert ([one.path for one in removed], left) == ([cache.path], [])
    assert list((cache_folder / "images").iterdir()) == []
    np.testing.assert_array_equal(cache.array, pixels_of(images))
    assert open_noise(images).hash == cache.hash


def test_clearing_leaves_what_is_being_built(images, cache_folder):
    seen = []

    def clear_once(done, total):
        if not seen:
            seen.append(clear_caches())

    open_noise(images, progress=clear_once)
    (removed, left) = seen[0]
    assert removed == []
    assert [one.state for one in left] == ["unfinished"]


def test_clearing_what_cannot_be_used_keeps_the_rest(images, monkeypatch, cache_folder):
    kept = open_noise(images)
    monkeypatch.setattr(cache_listing, "transform_version", lambda: "0" * 16)
    old = open_noise(images)
    monkeypatch.undo()
    monkeypatch.setenv("CLRX_CACHE", str(cache_folder))
    removed, _ = clear_caches(only="unused")
    assert [one.path for one in removed] == [old.path]
    assert [one.path for one in list_caches()] == [kept.path]
