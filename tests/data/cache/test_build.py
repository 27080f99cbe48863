"""Building a cache: once, whatever is killed, broken, full or done twice at a time."""

import errno
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from noise_images import cut, files_below, open_noise, pixels_of, save_noise, source_of, spoil

from clrx.core.errors import RunError, UserError
from clrx.data.cache.open import open_cache


@pytest.mark.parametrize(
    ("name", "harm"), [("pixels.npy", cut), ("digests.npy", lambda path, _: path.unlink())]
)
def test_a_damaged_cache_is_built_anew_and_says_so(images, name, harm):
    first = open_noise(images)
    harm(first.path / name, 2000)
    cache = open_noise(images)
    assert len(cache.notes) == 1
    assert "was damaged" in cache.notes[0]
    np.testing.assert_array_equal(cache.array, pixels_of(images))
    assert open_noise(images).notes == ()


def full(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("place", "stub"),
    [
        ("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})),
        ("os.posix_fallocate", full),
        ("clrx.data.cache.partial._record", full),
        ("clrx.data.cache.build.complete", full),
    ],
)
def test_a_full_disk_names_the_bytes_and_leaves_nothing(images, cache_folder, monkeypatch, place, stub):
    monkeypatch.setattr(place, stub)
    with pytest.raises(RunError, match=r"8,128 bytes are needed"):  # 128 + 20 * (144 + 256)
        open_noise(images)
    assert [path for path in (cache_folder / "images").iterdir() if path.suffix != ".lock"] == []
    monkeypatch.undo()


def test_a_cache_folder_that_cannot_be_written_is_the_users_to_change(images, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="CLRX_CACHE"):
        open_noise(images, cache_dir=tmp_path / "file" / "cache")


def test_threads_that_build_the_same_cache_build_it_once(images):
    found, reports = [], []
    threads = [
        threading.Thread(
            target=lambda: found.append(open_noise(images, progress=lambda *at: reports.append(at)))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({cache.hash for cache in found}) == 1
    assert len(found) == 4
    assert (
        reports.count((0, 20)) <= 2
    )  # one build reports its start twice: before older rows, before decoding
    np.testing.assert_array_equal(found[0].array, pixels_of(images))


WATCHED = ("os.rename", "os.remove", "os.truncate", "os.chmod", "os.mkdir", "open")


pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def build_in_another_process(images: list[Path], cache: Path, at: tuple[str, int] = ("", 0)):
    """Start a build that kills itself at its n-th step of a kind: `file` opened, moved or cut, or `progress`.

    The steps of `file` are the same every time; those of `progress` depend on how images fall into batches.
    """
    context = multiprocessing.get_context("fork")  # which spares the imports
    steps = {kind: context.Value("i", 0) for kind in ("file", "progress")}

    def tick(kind):
        steps[kind].value += 1
        if (kind, steps[kind].value) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def build():
        sys.addaudithook(lambda name, args: name in WATCHED and str(cache) in str(args[0]) and tick("file"))
        source = source_of(images)
        open_cache(source, 12, 1, "drop", cache, workers=2, progress=lambda *_: tick("progress"))

    process = context.Process(target=build)
    process.start()
    return process, steps


def killed_at(images: list[Path], cache: Path, kind: str = "", at: int = 0) -> dict[str, int]:
    """The number of steps of such a build, once it has ended."""
    process, steps = build_in_another_process(images, cache, (kind, at))
    process.join()
    counts = {name: count.value for name, count in steps.items()}
    assert process.exitcode == (-signal.SIGKILL if counts.get(kind) == at else 0)
    return counts


def finished(images: list[Path], cache: Path, **more) -> dict[str, bytes]:
    """The files of the cache when another build has been run over it; an empty lock file may be left."""
    open_noise(images, unreadable="drop", cache_dir=cache, **more)
    return files_below(cache)


def test_killed_then_finished_is_byte_equal(tmp_path):
    images = save_noise(tmp_path / "images", 60)
    spoil(images, 7, 30)
    steps = killed_at(images, tmp_path / "undisturbed")
    expected = files_below(tmp_path / "undisturbed")
    for kind, at in (("progress", 5), ("file", steps["file"] - 28), ("file", steps["file"] - 14)):
        cache = tmp_path / f"killed {kind} {at}"
        killed_at(images, cache, kind, at)
        assert files_below(cache) != expected
        assert finished(images, cache) == expected


@pytest.mark.slow
def test_killed_at_each_step_then_finished_is_byte_equal(tmp_path):
    images = save_noise(tmp_path / "images", 12)
    spoil(images, 7)
    steps = killed_at(images, tmp_path / "undisturbed")
    expected = files_below(tmp_path / "undisturbed")
    for kind, count in steps.items():
        for at in range(1, count + 1):
            killed_at(images, tmp_path / f"killed {kind} {at}", kind, at)
            assert finished(images, tmp_path / f"killed {kind} {at}") == expected


@pytest.mark.slow
def test_killed_at_20_moments_then_finished_is_byte_equal(tmp_path):
    images = save_noise(tmp_path / "images", 300, side=256)
    spoil(images, 7, 100)
    start = time.perf_counter()
    killed_at(images, tmp_path / "undisturbed")
    seconds, expected = time.perf_counter() - start, files_below(tmp_path / "undisturbed")
    for moment in range(20):
        process, _ = build_in_another_process(images, tmp_path / f"killed {moment}")
        process.join(seconds * (moment + 0.5) / 20)
        process.kill()
        process.join()
        assert finished(images, tmp_path / f"killed {moment}") == expected


def test_two_processes_at_once_make_one_cache(tmp_path):
    images = save_noise(tmp_path / "images", 40)
    both = [build_in_another_process(images, tmp_path / "cache") for _ in range(2)]
    for process, _ in both:
        process.join()
        assert process.exitcode == 0
    assert len([path for path in (tmp_path / "cache" / "images").iterdir() if path.is_dir()]) == 1
    np.testing.assert_array_equal(open_noise(images).array, pixels_of(images))
