"""An unfinished cache: what is done is kept, what did not reach the disk is made again."""

import numpy as np
import pytest
from noise_images import open_noise, pixels_of, save_noise

from clrx.data.cache import build as cache_build


def test_a_killed_build_is_gone_on_with_not_begun_again(tmp_path):
    images = save_noise(tmp_path / "images", 60)

    def stop(done, total):
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_noise(images, progress=stop)
    starts = []
    open_noise(images, progress=lambda done, total: starts.append(done))
    assert starts[0] > 20


def test_pixels_lost_in_a_power_cut_are_made_again(images, cache_folder, monkeypatch):
    """The journal reached the disk and some pixels did not: the digests tell."""
    monkeypatch.setattr(cache_build, "close_up", lambda build: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        open_noise(images)
    partial = next((cache_folder / "images").glob("*.partial"))
    with (partial / "pixels.npy").open("r+b") as file:
        file.seek(128 + 3 * 144)
        file.write(bytes(2 * 144))
    with (partial / "journal.txt").open("ab") as file:
        file.write(b'[19, "done", "aaaa')  # and a line was cut short
    monkeypatch.undo()
    monkeypatch.setenv("CLRX_CACHE", str(cache_folder))
    starts = []
    cache = open_noise(images, progress=lambda done, total: starts.append(done))
    assert starts[0] == 18
    np.testing.assert_array_equal(cache.array, pixels_of(images))
