"""The image cache: right pixels, built once, whatever is killed, added, broken or done twice at a time."""

import errno
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from clrx.core.errors import RunError, UserError
from clrx.core.lock import locked
from clrx.data.cache import build as cache_build
from clrx.data.cache import listing as cache_listing
from clrx.data.cache.files import Damaged, open_complete
from clrx.data.cache.list import clear_caches, list_caches
from clrx.data.cache.listing import folder_name, list_images
from clrx.data.cache.open import Cache, open_cache
from clrx.data.decode import pool as decode_pool
from clrx.data.decode.image import decode
from clrx.data.decode.pool import Job, decode_all
from clrx.data.source import Source


def source_of(files, **more) -> Source:
    files = tuple(str(path) for path in files)
    table = pd.DataFrame({"image": [Path(path).name for path in files], "group": "g"})
    return Source("toy", "binary", ("a", "b"), table, np.zeros(len(files), np.int64), files=files, **more)


def source_of_array(array) -> Source:
    table = pd.DataFrame({"image": [str(row) for row in range(len(array))], "group": "g"})
    return Source("toy", "binary", ("a", "b"), table, np.zeros(len(array), np.int64), array=array)


def draw(folder: Path, count: int, start: int = 0, side: int = 12) -> list[Path]:
    """Noise images, PNG of side x side, each another."""
    folder.mkdir(exist_ok=True)
    for row in range(start, start + count):
        pixels = np.random.default_rng(row).integers(0, 256, (side, side), np.uint8)
        Image.fromarray(pixels).save(folder / f"{row:04}.png", compress_level=1)
    return sorted(folder.glob("*.png"))


def pixels_of(files) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path))[None] for path in files])


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a cache folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def images(tmp_path) -> list[Path]:
    return draw(tmp_path / "images", 20)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Cache:
    """A cache that tests copy and do not change."""
    folder = tmp_path_factory.mktemp("built")
    return open_cache(source_of(draw(folder / "images", 20)), 12, 1, cache_dir=folder / "cache", workers=1)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def opened(files, size=12, channels=1, **more) -> Cache:
    return open_cache(source_of(files), size, channels, workers=1, **more)


def test_rows_are_the_images_in_their_order(images):
    seen = []
    cache = opened(images[::-1], progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(cache.array, pixels_of(images[::-1]))
    assert isinstance(cache.array, np.memmap)
    assert not cache.array.flags.writeable
    assert cache.kept.tolist() == list(range(20))
    assert cache.kept.dtype == np.int64
    assert seen[0] == (0, 20)
    assert seen[-1] == (20, 20)
    assert seen == sorted(seen)


def test_opened_again_nothing_is_done(images, cache_folder):
    first, before = opened(images), tree(cache_folder)
    again = opened(images, progress=lambda done, total: pytest.fail("decoded again"))
    assert (again.hash, again.path, again.notes) == (first.hash, first.path, ())
    assert tree(cache_folder) == before
    assert sorted(path.name for path in (cache_folder / "images").iterdir()) == [first.path.name]


def test_a_second_opening_takes_under_50_ms(images):
    opened(images)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        opened(images)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def test_the_hash_is_of_the_pixels(images, tmp_path):
    copies = tmp_path / "copies"
    shutil.copytree(images[0].parent, copies)
    one = opened(images)
    assert opened(sorted(copies.glob("*.png"))).hash == one.hash
    assert opened(images[::-1]).hash != one.hash
    assert opened(images[1:]).hash != one.hash
    array = pixels_of(images)[:, 0]
    assert open_cache(source_of_array(array), 12, 1).hash == one.hash


CHANGES = [
    ("size", lambda images: {"size": 8}),
    ("channels", lambda images: {"channels": 3}),
    ("order", lambda images: {"files": images[::-1]}),
    ("content", lambda images: (draw(images[0].parent, 1, side=13), {})[1]),
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
    first = opened(images)
    monkeypatch.setattr(cache_listing, "transform_version", lambda: "0" * 16)
    second = opened(images)
    assert second.path != first.path
    assert second.notes == ()  # nor were its rows taken over
    monkeypatch.undo()
    monkeypatch.setenv("CLRX_CACHE", str(cache_folder))
    assert {one.path: one.state for one in list_caches()} == {
        first.path: "finished",
        second.path: "other version",
    }


def test_the_code_version_follows_the_code_that_decodes(tmp_path, monkeypatch):
    decode = tmp_path / "decode"
    decode.mkdir()
    for name in cache_listing.CODE:
        shutil.copy(Path(cache_listing.__file__).parents[1] / "decode" / name, decode)
    version = cache_listing.transform_version.__wrapped__
    before = version()
    monkeypatch.setattr(cache_listing, "__file__", str(tmp_path / "cache" / "listing.py"))
    assert version() == before
    for name in cache_listing.CODE:
        text = (decode / name).read_text()
        (decode / name).write_text(text + "\n")
        assert version() != before
        (decode / name).write_text(text)
    monkeypatch.setattr("PIL.__version__", "0")
    assert version() != before


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(9, 12, 12), (9, 12, 12, 1), (9, 12, 12, 3), (9, 28, 20), (300, 6, 6, 3)])
def test_arrays_are_cached_like_files(tmp_path, shape, channels):
    array = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    cache = open_cache(source_of_array(array), 12, channels)
    for row in (0, len(array) // 2, len(array) - 1):
        Image.fromarray(array[row].squeeze()).save(tmp_path / "a.png")
        np.testing.assert_array_equal(cache.array[row], decode(tmp_path / "a.png", 12, channels))
    assert open_cache(source_of_array(array), 12, channels).path == cache.path
    other = array.copy()
    other[-1, -1, -1] ^= 1
    assert open_cache(source_of_array(other), 12, channels).path != cache.path


def test_an_array_that_fits_is_kept_value_by_value():
    array = np.random.default_rng(1).integers(0, 256, (9, 12, 12, 3), np.uint8)
    np.testing.assert_array_equal(
        open_cache(source_of_array(array), 12, 3).array, array.transpose(0, 3, 1, 2)
    )


# --- unreadable images


def spoil(images: list[Path], *rows: int) -> None:
    for row in rows:
        images[row].write_bytes(images[row].read_bytes()[:60])


def test_every_unreadable_image_is_named(tmp_path):
    images = draw(tmp_path / "images", 30)
    spoil(images, *range(25))
    with pytest.raises(UserError) as caught:
        opened(images)
    text = str(caught.value)
    assert text.startswith("25 of 30 images cannot be read:")
    assert [name in text for name in ("0000.png", "0019.png", "0020.png")] == [True, True, False]
    assert "and 5 more" in text
    listed = Path(text.rpartition("the whole list: ")[2]).read_text().splitlines()
    assert [line.split(",")[1] for line in listed] == [str(path) for path in images[:25]]


@pytest.mark.parametrize("rows", [(0,), (19,), (3, 4, 11), tuple(range(19))])
def test_dropped_images_leave_no_gap(images, rows):
    whole = pixels_of(images)
    spoil(images, *rows)
    cache = opened(images, unreadable="drop")
    kept = [row for row in range(20) if row not in rows]
    assert cache.kept.tolist() == kept
    np.testing.assert_array_equal(cache.array, whole[kept])
    assert [name for name, _ in cache.unreadable] == [images[row].name for row in rows]
    assert all("truncated" in reason or "broken" in reason for _, reason in cache.unreadable)
    good = [images[row] for row in kept]
    assert cache.hash == opened(good).hash  # the kept rows' hash is theirs wherever they come from


def test_nothing_left_is_an_error_even_when_dropping(images):
    spoil(images, *range(20))
    with pytest.raises(UserError, match="20 of 20 images cannot be read"):
        opened(images, unreadable="drop")


def test_mended_images_are_read_again_and_only_those(images):
    spoil(images, 3)
    with pytest.raises(UserError, match="0003"):
        opened(images)
    draw(images[0].parent, 1, start=3)
    cache = opened(images)
    assert cache.notes == ("19 of 20 images were taken from older caches",)
    np.testing.assert_array_equal(cache.array, pixels_of(images))


def test_missing_and_linked_out_files_are_named(images, tmp_path):
    shutil.move(images[1], tmp_path / "outside.png")
    images[1].symlink_to(tmp_path / "outside.png")
    images[2].unlink()
    with pytest.raises(UserError, match=r"(?s)0001.*symbolic link out of.*0002.*no such file"):
        opened(images)
    root = str(tmp_path)  # where the root holds both, the link is fine
    cache = open_cache(source_of(images, root=root), 12, 1, "drop", workers=1)
    assert cache.unreadable == [("0002.png", "there is no such file")]


def test_a_file_that_changes_while_it_is_read_is_no_row(images, cache_folder):
    def rewrite(done, total):
        if done == 0:
            draw(images[0].parent, 1, start=19, side=13)

    with pytest.raises(UserError, match=r"(?s)1 of 20 .* could not be read this time.*0019.*changed"):
        opened(images, progress=rewrite)
    cache = opened(images)  # another listing: the rest is taken over, the old rest is gone
    assert cache.notes == ("19 of 20 images were taken from older caches",)
    assert [one.name for one in (cache_folder / "images").iterdir()] == [cache.path.name]


# --- what is done is kept


def test_added_images_are_all_that_is_decoded(images):
    opened(images)
    more = draw(images[0].parent, 7, start=13)  # 13 to 19 are drawn again, equal but newer
    cache = opened(more)
    assert cache.notes == ("13 of 20 images were taken from older caches",)
    np.testing.assert_array_equal(cache.array, pixels_of(more))


def test_rows_are_taken_over_from_a_narrower_root_not_a_wider(tmp_path):
    inner = draw(tmp_path / "images" / "inner", 3) if (tmp_path / "images").mkdir() is None else []
    opened(inner)
    outer = draw(tmp_path / "images" / "outer", 2)
    assert opened([*inner, *outer]).notes == ("3 of 5 images were taken from older caches",)
    assert opened(outer).notes == ()


def test_a_damaged_older_row_is_not_taken_over(images):
    first = opened(images)
    damage(first.path / "pixels.npy", 128 + 5 * 144)
    cache = opened(images[:10])
    assert cache.notes == ("9 of 10 images were taken from older caches",)
    np.testing.assert_array_equal(cache.array, pixels_of(images[:10]))


def damage(path: Path, place: int) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[place] ^= 255
    path.write_bytes(data)


def cut(path: Path, place: int) -> None:
    path.chmod(0o644)
    os.truncate(path, place)


DAMAGE = [
    ("pixels.npy", cut, 2000),
    ("pixels.npy", damage, 128 + 7),  # a row that is looked at
    ("pixels.npy", damage, 70),  # the header
    ("digests.npy", damage, 200),
    ("complete.json", damage, 20),
    ("complete.json", cut, 50),
    ("complete.json", cut, 0),
    ("listing.json", damage, 20),
    ("unreadable.csv", lambda path, place: (path.chmod(0o644), path.write_text("1,x,y\n")), 0),
    ("digests.npy", lambda path, place: path.unlink(), 0),
]


@pytest.mark.parametrize(("name", "harm", "place"), DAMAGE)
def test_a_damaged_cache_is_noticed(images, built, tmp_path, name, harm, place):
    shutil.copytree(built.path, tmp_path / "copy")
    listing = list_images(source_of(images), 12, 1)
    open_complete(tmp_path / "copy", listing)
    harm(tmp_path / "copy" / name, place)
    with pytest.raises((Damaged, FileNotFoundError)):
        open_complete(tmp_path / "copy", listing)


@pytest.mark.parametrize(
    ("name", "harm"), [("pixels.npy", cut), ("digests.npy", lambda path, _: path.unlink())]
)
def test_a_damaged_cache_is_built_anew_and_says_so(images, name, harm):
    first = opened(images)
    harm(first.path / name, 2000)
    cache = opened(images)
    assert len(cache.notes) == 1
    assert "was damaged" in cache.notes[0]
    np.testing.assert_array_equal(cache.array, pixels_of(images))
    assert opened(images).notes == ()


# --- a full disk, a folder that cannot be written


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
        opened(images)
    assert list((cache_folder / "images").iterdir()) == []
    monkeypatch.undo()


def test_a_worker_that_meets_a_full_disk_says_so(images):
    facts = images[0].stat()
    job = Job(0, str(images[0]), facts.st_size, facts.st_mtime_ns)
    with Path("/dev/full").open("r+b", buffering=0) as disk:
        settings = [disk.fileno(), 128, 12, 1, str(images[0].parent)]
        assert list(decode_all([job], 1, settings, 1, (disk.fileno(),))) == [[(0, "disk", str(errno.ENOSPC))]]


def test_a_cache_folder_that_cannot_be_written_is_the_users_to_change(images, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="CLRX_CACHE"):
        opened(images, cache_dir=tmp_path / "file" / "cache")


@pytest.mark.parametrize(
    "wrong", [{"unreadable": "skip"}, {"channels": 2}, {"size": 0}, {"workers": 0}, {"files": []}]
)
def test_wrong_arguments(images, wrong):
    more = {"files": images, "size": 12, "channels": 1} | wrong
    with pytest.raises(UserError):
        open_cache(source_of(more.pop("files")), more.pop("size"), more.pop("channels"), **more)


@pytest.mark.parametrize("array", [np.zeros((3, 4, 4), np.float32), np.zeros((3, 4, 4, 2), np.uint8)])
def test_wrong_arrays(array):
    with pytest.raises(UserError, match="uint8 of shape"):
        open_cache(source_of_array(array), 4, 1)


# --- decoders that die

STUB = """
import json, os, sys
for line in sys.stdin:
    jobs = json.loads(line)
    if any("bad" in job[1] for job in jobs):
        {death}
    print(json.dumps([[job[0], "done", "00"] for job in jobs]), flush=True)
"""


def run_stub(monkeypatch, death: str) -> list[tuple]:
    monkeypatch.setattr(decode_pool, "RUN", [sys.executable, "-c", STUB.format(death=death)])
    jobs = [Job(row, "bad" if row in (40, 97) else "good", 1, 1) for row in range(200)]
    answers = [one for batch in decode_all(jobs, len(jobs), [], 2, ()) for one in batch]
    assert sorted(one.row for one in answers) == list(range(200))
    return [tuple(one) for one in answers if one.kind != "done"]


def test_an_image_that_crashes_the_decoder_is_found(monkeypatch):
    reason = "it crashes the decoder (signal 11)"
    bad = run_stub(monkeypatch, "os.kill(os.getpid(), 11)")
    assert sorted(bad) == [(40, "unreadable", reason), (97, "unreadable", reason)]


@pytest.mark.parametrize(
    ("death", "reason"),
    [
        ("os.kill(os.getpid(), 9)", r"from outside \(signal 9\)"),
        ("sys.exit('no Pillow')", "code 1.*no Pillow"),
    ],
)
def test_decoders_ended_from_outside_or_broken_end_the_build(monkeypatch, death, reason):
    with pytest.raises(RunError, match=reason):
        run_stub(monkeypatch, death)


def test_decoders_load_neither_torch_nor_numpy():
    code = "import sys, clrx.data.decode.worker; print([m for m in ('torch', 'numpy', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- lists and clearing


def test_a_cleared_cache_stays_valid_where_it_is_open(images, cache_folder):
    cache = opened(images)
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
    assert opened(images).hash == cache.hash


def test_clearing_leaves_what_is_being_built(images, cache_folder):
    seen = []

    def clear_once(done, total):
        if not seen:
            seen.append(clear_caches())

    opened(images, progress=clear_once)
    (removed, left) = seen[0]
    assert removed == []
    assert [one.state for one in left] == ["unfinished"]


def test_clearing_what_cannot_be_used_keeps_the_rest(images, monkeypatch, cache_folder):
    kept = opened(images)
    monkeypatch.setattr(cache_listing, "transform_version", lambda: "0" * 16)
    old = opened(images)
    monkeypatch.undo()
    monkeypatch.setenv("CLRX_CACHE", str(cache_folder))
    removed, _ = clear_caches(only="unused")
    assert [one.path for one in removed] == [old.path]
    assert [one.path for one in list_caches()] == [kept.path]


# --- several at once


def test_threads_that_build_the_same_cache_build_it_once(images):
    found, reports = [], []
    threads = [
        threading.Thread(target=lambda: found.append(opened(images, progress=lambda *at: reports.append(at))))
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


def test_a_lock_ends_with_its_process(tmp_path):
    code = f"""
        from pathlib import Path; from clrx.core.lock import locked
        with locked(Path({str(tmp_path / "x.lock")!r})):
            print("held", flush=True); input()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with locked(tmp_path / "x.lock", wait=False) as lock:
            assert lock is None
        process.kill()
        process.wait()
        with locked(tmp_path / "x.lock", wait=False) as lock:
            assert lock is not None
    assert not (tmp_path / "x.lock").exists()


# --- killed at any moment

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
    opened(images, unreadable="drop", cache_dir=cache, **more)
    return {name: data for name, data in tree(cache).items() if not name.endswith(".lock")}


def test_killed_then_finished_is_byte_equal(tmp_path):
    images = draw(tmp_path / "images", 60)
    spoil(images, 7, 30)
    steps = killed_at(images, tmp_path / "undisturbed")
    expected = tree(tmp_path / "undisturbed")
    for kind, at in (("progress", 5), ("file", steps["file"] - 28), ("file", steps["file"] - 14)):
        cache = tmp_path / f"killed {kind} {at}"
        killed_at(images, cache, kind, at)
        assert tree(cache) != expected
        assert finished(images, cache) == expected


@pytest.mark.slow
def test_killed_at_each_step_then_finished_is_byte_equal(tmp_path):
    images = draw(tmp_path / "images", 12)
    spoil(images, 7)
    steps = killed_at(images, tmp_path / "undisturbed")
    expected = tree(tmp_path / "undisturbed")
    for kind, count in steps.items():
        for at in range(1, count + 1):
            killed_at(images, tmp_path / f"killed {kind} {at}", kind, at)
            assert finished(images, tmp_path / f"killed {kind} {at}") == expected


@pytest.mark.slow
def test_killed_at_20_random_moments_then_finished_is_byte_equal(tmp_path):
    images = draw(tmp_path / "images", 300, side=256)
    spoil(images, 7, 100)
    start = time.perf_counter()
    killed_at(images, tmp_path / "undisturbed")
    seconds, expected = time.perf_counter() - start, tree(tmp_path / "undisturbed")
    killed, moments = 0, random.Random(0)
    while killed < 20:
        process, _ = build_in_another_process(images, tmp_path / f"killed {killed}")
        time.sleep(moments.uniform(0, seconds))
        process.kill()
        process.join()
        assert finished(images, tmp_path / f"killed {killed}") == expected
        killed += process.exitcode == -signal.SIGKILL


def test_two_processes_at_once_make_one_cache(tmp_path):
    images = draw(tmp_path / "images", 40)
    both = [build_in_another_process(images, tmp_path / "cache") for _ in range(2)]
    for process, _ in both:
        process.join()
        assert process.exitcode == 0
    assert len(list((tmp_path / "cache" / "images").iterdir())) == 1
    np.testing.assert_array_equal(opened(images).array, pixels_of(images))


def test_a_killed_build_is_gone_on_with_not_begun_again(tmp_path):
    images = draw(tmp_path / "images", 60)

    def stop(done, total):
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(images, progress=stop)
    starts = []
    opened(images, progress=lambda done, total: starts.append(done))
    assert starts[0] > 20


def test_pixels_lost_in_a_power_cut_are_made_again(images, cache_folder, monkeypatch):
    """The journal reached the disk and some pixels did not: the digests tell."""
    monkeypatch.setattr(cache_build, "close_up", lambda build: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        opened(images)
    partial = next((cache_folder / "images").glob("*.partial"))
    with (partial / "pixels.npy").open("r+b") as file:
        file.seek(128 + 3 * 144)
        file.write(bytes(2 * 144))
    with (partial / "journal.txt").open("ab") as file:
        file.write(b'[19, "done", "aaaa')  # and a line was cut short
    monkeypatch.undo()
    monkeypatch.setenv("CLRX_CACHE", str(cache_folder))
    starts = []
    cache = opened(images, progress=lambda done, total: starts.append(done))
    assert starts[0] == 18
    np.testing.assert_array_equal(cache.array, pixels_of(images))
