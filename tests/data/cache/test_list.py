"""Caches listed and cleared."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from noise_images import open_noise, pixels_of, source_of_array

from clrx.data.cache import listing as cache_listing
from clrx.data.cache.list import clear_caches, list_caches
from clrx.data.cache.open import open_cache


def open_to_all(folder: Path) -> None:
    """pytest's folders are their maker's alone."""
    for path in (folder, *folder.parents):
        if path.is_relative_to(Path(tempfile.gettempdir()) / "pytest-of-root"):
            path.chmod(0o755)


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
    assert [path.suffix for path in (cache_folder / "images").iterdir()] == [".lock"]
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


def test_clearing_removes_nothing_that_clrx_has_not_made(images, cache_folder, tmp_path):
    """`cache=clear` emptied unpacked/ in whatever folder CLRX_CACHE named, also through links."""
    cache = open_noise(images)
    mine, outside = cache_folder / "unpacked" / "thesis", tmp_path / "outside"
    for folder in (
        mine,
        outside,
        cache_folder / "unpacked" / f"data-{'0' * 16}",
        cache_folder / "images" / "x",
    ):
        folder.mkdir(parents=True)
        (folder / "only copy.txt").write_text("years of work")
    (outside / ".clrx.json").write_text('{"archive": "x.zip"}')
    (cache_folder / "unpacked" / f"link-{'0' * 16}").symlink_to(outside)
    (cache_folder / "images" / f"9px-1ch-{'0' * 24}").symlink_to(outside)
    before = sorted(tmp_path.rglob("only copy.txt"))
    removed, left = clear_caches()
    assert ([one.path for one in removed], left) == ([cache.path], [])
    assert sorted(tmp_path.rglob("only copy.txt")) == before


def as_another_user(group: int, act: Callable[[], object]) -> str:
    """What comes of a call by a user with the id 1234, in a process of its own: "done", or the error."""
    ours, theirs = os.pipe()
    if (pid := os.fork()) == 0:
        said = "done"
        try:
            os.setgroups([group])
            os.setgid(group)
            os.setuid(1234)
            os.umask(0o077)
            act()
        except BaseException as error:
            said = str(error)
        os.write(theirs, said.encode())
        os._exit(0)
    os.close(theirs)
    os.waitpid(pid, 0)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    return said


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
def test_a_cache_is_continued_and_cleared_by_the_group_that_shares_it(cache_folder, tmp_path):
    """Files of 0644 and folders of 0755 were their maker's alone, in a folder of the group too."""
    (cache_folder / "images").mkdir(parents=True)
    (cache_folder / "images").chmod(0o2770)
    os.chown(cache_folder / "images", -1, 4321)
    open_to_all(tmp_path)
    source = source_of_array(np.random.default_rng(0).integers(0, 256, (600, 12, 12), np.uint8))

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_cache(source, 12, 1, progress=stop)
    before = []
    assert (
        as_another_user(4321, lambda: open_cache(source, 12, 1, progress=lambda *at: before.append(at)))
        == "done"
    )
    assert [one.state for one in list_caches()] == ["finished"]
    assert as_another_user(4321, clear_caches) == "done"
    assert list_caches() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
def test_a_cache_of_another_user_is_named(images, cache_folder, tmp_path):
    open_noise(images)
    open_to_all(tmp_path)
    for mode in (0o700, 0o755):
        (cache_folder / "images").chmod(mode)
        said = as_another_user(4321, clear_caches if mode == 0o755 else lambda: open_noise(images))
        assert "belongs to root" in said
        assert "set CLRX_CACHE to a folder that can be written" in said
