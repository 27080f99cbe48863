"""Images to cache, and a cache folder of each test's own."""

from pathlib import Path

import pytest
from noise_images import save_noise, source_of

from clrx.data.cache.open import Cache, open_cache


@pytest.fixture
def images(tmp_path) -> list[Path]:
    return save_noise(tmp_path / "images", 20)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Cache:
    """A cache that tests copy and do not change."""
    folder = tmp_path_factory.mktemp("built")
    return open_cache(
        source_of(save_noise(folder / "images", 20)), 12, 1, cache_dir=folder / "cache", workers=1
    )


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "clrx"
