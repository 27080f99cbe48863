"""A disk that is full at any write of a run, or that cannot be written: one message, nothing lost.

CLRX_FAULTS=all fails every operation in turn instead of a sample (and CLRX_FAULTS=2/5 the second fifth of them).
"""

import errno
import os
from pathlib import Path

import pytest
from mixture import TINY
from twins import differing

from clrx.run.read import state_of

ASKED = os.environ.get("CLRX_FAULTS", "")
SAMPLE = 8  # operations, of about 120
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture
def words(images) -> list[str]:
    """A short run that writes everything that a run can write."""
    own = ("model=cnn4", "batch_size=60", "epochs=1", "checkpoint.every='3 steps'", "on_divergence=backoff")
    return ["train", *TINY, f"dataset.root={images[2]}", *own, "cycle_weights=true", "bounds.step_size=0.5"]


def trap(folder: Path, count: Path, at: int = 0, how: str = "on", error: int = errno.ENOSPC) -> dict:
    return {"folder": str(folder), "count": str(count), "at": at, "how": how, "error": error}


def in_run(words: list[str], run: Path) -> list[str]:
    return [*words, f"hydra.run.dir={run}"]


def sample(count: int) -> range:
    if not ASKED:
        return range(1, count + 1, count // min(SAMPLE, count))
    part, _, parts = ASKED.replace("all", "1/1").partition("/")
    return range(int(part), count + 1, int(parts))


def wrong_in(screen: str, code: int, expected: str) -> list[str]:
    """What is wrong with the end of a command on a full disk."""
    found = [] if code == 1 else [f"exit code {code}"]
    found += ["traceback"] if "Traceback" in screen else []
    errors = screen.count("error: ")
    return found + ([] if errors == 1 and expected in screen else [f"{errors} messages: {screen[-600:]}"])


def test_full_at_any_write_the_run_is_continued(tmp_path, forker, words):
    """All operations after it fail too, as on a full disk, or it alone, as where room is made meanwhile."""
    twin, count, wrong = tmp_path / "twin", tmp_path / "count", {}
    assert forker.run(in_run(words, twin), tmp_path / "twin.txt", trap(twin, count)) == 0
    operations = int(count.read_text())
    assert operations > 100
    for at in sample(operations):
        run, screen = tmp_path / f"run{at}", tmp_path / f"{at}.txt"
        code = forker.run(in_run(words, run), screen, trap(run, count, at, ("on", "once")[at % 2]))
        found = wrong_in(screen.read_text(), code, "the disk is full")
        found += [f"state {state_of(run)}"] if state_of(run) not in (None, "running", "failed") else []
        code = forker.run(in_run(words, run), tmp_path / "again.txt")
        found += [f"then exit code {code}"] if code else differing(run, twin)
        if found:
            wrong[at] = found
    assert wrong == {}


def test_full_while_images_are_cached_the_cache_is_whole_or_absent(tmp_path, forker, words, monkeypatch):
    twin, count, wrong = tmp_path / "twin", tmp_path / "count", {}
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    assert forker.run(in_run(words, twin), tmp_path / "twin.txt", trap(tmp_path / "cache", count)) == 0
    for at in sample(int(count.read_text())):
        cache, run, screen = tmp_path / f"cache{at}", tmp_path / f"run{at}", tmp_path / f"{at}.txt"
        monkeypatch.setenv("CLRX_CACHE", str(cache))
        code = forker.run(in_run(words, run), screen, trap(cache, count, at, ("on", "once")[at % 2]))
        found = wrong_in(screen.read_text(), code, "the disk is ")
        code = forker.run(in_run(words, run), tmp_path / "again.txt")
        found += [f"then exit code {code}"] if code else differing(run, twin)
        if found:
            wrong[at] = found
    assert wrong == {}


@pytest.mark.parametrize("at", [1, 2])
def test_an_output_that_cannot_be_written_is_the_users_to_change(tmp_path, forker, words, at):
    """The directory cannot be made, or is there and nothing can be written into it."""
    run, screen = tmp_path / "run", tmp_path / "screen.txt"
    code = forker.run(in_run(words, run), screen, trap(run, tmp_path / "count", at, "on", errno.EROFS))
    said = screen.read_text()
    assert (code, "Traceback" in said, said.count("error: ")) == (2, False, 1)
    assert "the run directory cannot be " in said
    assert f"{run}" in said
    assert not run.exists() or not list(run.iterdir())
