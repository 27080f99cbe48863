"""The key of a cache: another for other images, another transform or another version of the code."""

import os

import numpy as np
import pytest
from noise_images import open_noise, save_noise, source_of, source_of_array

from clrx.core.errors import UserError
from clrx.data.cache import listing as cache_listing
from clrx.data.cache.list import list_caches
from clrx.data.cache.listing import folder_name, list_images
from clrx.data.cache.open import open_cache

CHANGES = [
    ("size", lambda images: {"size": 8}),
    ("channels", lambda images: {"channels": 3}),
    ("order", lambda images: {"files": images[::-1]}),
    ("content", lambda images: (save_noise(images[0].parent, 1, side=13), {})[1]),
    ("time", lambda images: (os.utime(images[0], (1, 1)), {})[1]),
    ("root", lambda images: {"root": str(images[0].parents[1])}),
]


@pytest.mark.parametrize(("what", "change"), CHANGES, ids=[row[0] for row in CHANGES])
def test_anything_else_is_another_cache(images, what, change):
    first = list_images(source_of(images), 12, 1)
    assert folder_name(list_images(source_of(images), 12, 1)) == folder_name(first)
    more = {"files": images, "size": 12, "channels": 1} | change(images)
    size, channels = more.pop("size"), more.pop("channels")
    assert folder_name(list_images(source_of(**more), size, channels)) != folder_name(first)


def test_other_code_never_uses_this_cache(images, monkeypatch, cache_folder):
    first = open_noise(images)
    monkeypatch.setattr(cache_listing, "transform_version", lambda: "0" * 16)
    second = open_noise(images)
    assert second.path != first.path
    assert second.notes == ()  # nor were its rows taken over
    monkeypatch.undo()
    monkeypatch.setenv("CLRX_CACHE", str(cache_folder))
    assert {one.path: one.state for one in list_caches()} == {
        first.path: "finished",
        second.path: "other version",
    }


@pytest.mark.parametrize("version", ["clrx.data.cache.listing.PIXELS_VERSION", "PIL.__version__"])
def test_another_version_of_the_decoding_or_of_pillow_is_another_cache(images, monkeypatch, version):
    first = list_images(source_of(images), 12, 1)
    monkeypatch.setattr(version, "0")
    assert folder_name(list_images(source_of(images), 12, 1)) != folder_name(first)


@pytest.mark.parametrize("array", [np.zeros((3, 4, 4), np.float32), np.zeros((3, 4, 4, 2), np.uint8)])
def test_wrong_arrays(array):
    with pytest.raises(UserError, match="uint8 of shape"):
        open_cache(source_of_array(array), 4, 1)
