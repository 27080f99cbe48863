"""Where caches are, by the environment."""

import pytest

from clrx.core.paths import cache_dir

PLACES = [
    ({"CLRX_CACHE": "/data/clrx", "XDG_CACHE_HOME": "/xdg"}, "/data/clrx"),
    ({"CLRX_CACHE": "", "XDG_CACHE_HOME": "/xdg"}, "/xdg/clrx"),
    ({"XDG_CACHE_HOME": ""}, "/home/me/.cache/clrx"),
    ({}, "/home/me/.cache/clrx"),
    ({"CLRX_CACHE": "~/here"}, "/home/me/here/clrx"),
    ({"CLRX_CACHE": "relative"}, "relative/clrx"),
    ({"CLRX_CACHE": "/data"}, "/data/clrx"),
]


@pytest.mark.parametrize(("environment", "place"), PLACES)
def test_the_cache(monkeypatch, tmp_path, environment, place):
    for name in ("CLRX_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert cache_dir() == tmp_path / place  # an absolute place stands for itself
    assert not (tmp_path / "relative").exists()
