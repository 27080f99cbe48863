"""Where caches are, by the environment."""

import stat

import pytest

from clrx.core.errors import UserError
from clrx.core.paths import cache_dir, share

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


def nobody(*_):
    raise KeyError("uid not found")


def test_without_a_home_the_variable_to_set_is_named(monkeypatch):
    """A container's user has neither HOME nor an entry in the list of users: RuntimeError."""
    for name in ("CLRX_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    with pytest.raises(UserError, match="there is no home directory") as caught:
        cache_dir()
    assert "CLRX_CACHE" in caught.value.fix
    monkeypatch.setenv("CLRX_CACHE", "/data")
    assert str(cache_dir()) == "/data/clrx"


def test_a_file_in_a_folder_that_a_group_shares_is_shared(tmp_path):
    tmp_path.chmod(0o2770)
    (tmp_path / "file").touch(0o600)
    (tmp_path / "folder").mkdir(0o700)
    for name in ("file", "folder"):
        share(tmp_path / name)
    assert [stat.filemode((tmp_path / name).stat().st_mode) for name in ("file", "folder")] == [
        "-rw-rw----",
        "drwxrws---",
    ]
    tmp_path.chmod(0o755)
    (tmp_path / "own").touch(0o600)
    share(tmp_path / "own")
    assert stat.filemode((tmp_path / "own").stat().st_mode) == "-rw-------"
