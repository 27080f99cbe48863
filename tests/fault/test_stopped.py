"""Asked to stop at any moment, a command writes its state and ends with its code; started again it goes on.

The signals come at file operations spread over the whole of a run: drawing and caching of the images, training,
validation, the final evaluation, the figures; with CLRX_RANDOM at random moments, also between them.
benchmarks/stop.py measures how long the end takes.
"""

import random
import signal
import time
from pathlib import Path

import pytest
from forker import Child, Forker
from mixture import TINY
from twins import differing

from clrx.run.read import state_of

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
LIMIT = 600  # s, after which a command has not heard; benchmarks/stop.py says how long it takes
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(autouse=True)
def drawn(forker, monkeypatch) -> None:
    """Signals come while pictures are drawn too."""
    monkeypatch.setattr(forker, "drawn", True)


@pytest.fixture
def words() -> list[str]:
    tiny = [word for word in TINY if not word.startswith(("dataset", "bootstrap"))]
    images = (
        "dataset=phantom",
        "dataset.images=200",
        "dataset.size=32",
        "dataset.pixels=32",
        "disease=infiltration",
    )
    return [*tiny, *images, "model=cnn4", "batch_size=8", "epochs=3", "bootstrap.resamples=300"]


def stop_at_operation(
    forker: Forker, command: list[str], screen: Path, number: int, times: int, at: int
) -> int | None:
    """The exit code of a command that is sent the signal by its `at`-th file operation, and again by the next."""
    folder = screen.parent
    trap = {"folder": str(folder), "count": str(folder.with_suffix(".count")), "at": at, "times": times}
    child = forker.start(command, screen, trap | {"how": signal.Signals(number).name})
    code = child.wait(LIMIT)
    return 128 - code if code is not None and code < 0 else code  # as a shell tells it


def stop_after(child: Child, number: int, times: int, seconds: float) -> int | None:
    """The exit code of a command that is sent the signal so many times after so many seconds; 0 if it ended before."""
    if child.wait(seconds) is not None:
        return child.code
    for _ in range(times):
        child.signal(number)
        time.sleep(0.02)
    code = child.wait(LIMIT)
    return 128 - code if code is not None and code < 0 else code  # as a shell tells it


def check_stopped(run: Path, number: int, code: int, said: str) -> None:
    """What every stop leaves: its code, one line, and the state, where the run had come so far as to have one."""
    assert code == CODES[number]
    assert "Traceback" not in said
    assert said.count("interrupted") <= 1
    assert state_of(run) in (None, "interrupted", "complete")


@pytest.mark.parametrize("times", [1, 2])
def test_stopped_again_and_again_a_run_ends_as_its_twin(tmp_path, forker, words, monkeypatch, seed, times):
    """Four runs, each stopped until it comes to its end, and started again with the same command."""
    chance, stops = random.Random(seed + times), 0
    whole, count = undisturbed(tmp_path, forker, words, monkeypatch)
    for attempt in range(4):
        folder, code = tmp_path / f"attempt{attempt}", None
        folder.mkdir()
        monkeypatch.setenv("CLRX_CACHE", str(folder / "cache"))
        command = ["train", *words, f"hydra.run.dir={folder / 'run'}"]
        while code != 0:
            number, screen = chance.choice(list(CODES)), folder / f"{stops}.txt"
            if seed:
                code = stop_after(forker.start(command, screen), number, times, chance.uniform(0, whole))
            else:
                at = chance.randint(1, count)
                code = stop_at_operation(forker, command, screen, number, times, at)
            if code != 0:
                stops += 1
                check_stopped(folder / "run", number, code, screen.read_text())
        assert differing(folder / "run", tmp_path / "twin" / "run") == []
        assert list((folder / "cache" / "clrx" / "images").glob("*.partial")) == []
        if stops >= 3:
            return
    pytest.fail(f"stopped {stops} times only")


def undisturbed(tmp_path: Path, forker: Forker, words: list[str], monkeypatch) -> tuple[float, int]:
    """The seconds and the file operations of the whole run, in the folder `twin`."""
    folder = tmp_path / "twin"
    folder.mkdir()
    monkeypatch.setenv("CLRX_CACHE", str(folder / "cache"))
    assert forker.run(["--version"], folder / "version.txt") == 0  # the imports are no part of a run's time
    trap = {"folder": str(folder), "count": str(tmp_path / "twin.count")}
    began = time.monotonic()
    assert forker.run(["train", *words, f"hydra.run.dir={folder / 'run'}"], folder / "twin.txt", trap) == 0
    return time.monotonic() - began, int((tmp_path / "twin.count").read_text())


@pytest.mark.parametrize("number", CODES)
def test_a_range_test_that_is_stopped_begins_again(tmp_path, forker, words, seed, number):
    """It is stopped as soon as its record is there, or, with CLRX_RANDOM, up to half a second later."""
    run = tmp_path / "run"
    command = ["find-lr", *words, "range_test.steps=200", f"hydra.run.dir={run}"]
    child = forker.start(command, tmp_path / "screen.txt")
    while state_of(run) != "running":
        assert child.wait(0.05) is None
    code = stop_after(child, number, 1, random.Random(seed).uniform(0, 0.5) if seed else 0)
    check_stopped(run, number, code, (tmp_path / "screen.txt").read_text())
    assert state_of(run) == "interrupted"
    assert forker.run(command, tmp_path / "again.txt") in (0, 1), "1: no usable verdict"
    assert state_of(run) == "complete"
