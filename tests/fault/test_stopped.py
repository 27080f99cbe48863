"""Asked to stop at any moment, a command writes its state and ends with its code; started again it goes on.

Moments are drawn over the whole of a run: drawing and caching of the images, training, validation, the final
evaluation with its bootstrap, the figures. benchmarks/stop.py measures how long the end takes.
"""

import random
import signal
import time
from pathlib import Path

import pytest
from forker import Child
from mixture import TINY
from twins import differing

from clrx.run.read import state_of

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
LIMIT = 60  # s; far above the 5 s that are promised on a machine of one's own
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


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


def stop(child: Child, number: int, times: int, seconds: float) -> int | None:
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
def test_stopped_at_random_moments_a_run_ends_as_its_twin(tmp_path, forker, words, monkeypatch, times):
    twin, chance, stops = tmp_path / "twin", random.Random(times), 0
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    assert forker.run(["--version"], tmp_path / "version.txt") == 0  # the imports are no part of a run's time
    began = time.monotonic()
    assert forker.run(["train", *words, f"hydra.run.dir={twin}"], tmp_path / "twin.txt") == 0
    whole = time.monotonic() - began
    for attempt in range(4):
        run, code = tmp_path / f"run{attempt}", None
        monkeypatch.setenv("CLRX_CACHE", str(tmp_path / f"cache{attempt}"))
        while code != 0:
            number, screen = chance.choice(list(CODES)), tmp_path / f"{attempt} {stops}.txt"
            child = forker.start(["train", *words, f"hydra.run.dir={run}"], screen)
            code = stop(child, number, times, chance.uniform(0, whole))
            if code != 0:
                stops += 1
                check_stopped(run, number, code, screen.read_text())
        assert differing(run, twin) == []
        assert list((tmp_path / f"cache{attempt}" / "images").glob("*.partial")) == []
        if stops >= 3:
            return
    pytest.fail(f"stopped {stops} times only")


@pytest.mark.parametrize("number", CODES)
def test_a_range_test_that_is_stopped_begins_again(tmp_path, forker, words, number):
    run, chance = tmp_path / "run", random.Random(0)
    command = ["find-lr", *words, "range_test.steps=200", f"hydra.run.dir={run}"]
    child = forker.start(command, tmp_path / "screen.txt")
    while state_of(run) != "running":
        assert child.wait(0.05) is None
    code = stop(child, number, 1, chance.uniform(0, 0.5))
    check_stopped(run, number, code, (tmp_path / "screen.txt").read_text())
    assert state_of(run) == "interrupted"
    assert forker.run(command, tmp_path / "again.txt") in (0, 1), "1: no usable verdict"
    assert state_of(run) == "complete"
