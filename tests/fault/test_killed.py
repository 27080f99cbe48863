"""Killed at any moment and started again by the same command, a run ends as if nothing had happened.

Runs over a mixture of policies, plans and optimizers are killed with SIGKILL at or halfway through any file
operation; with CLRX_RANDOM half of them at random moments. Then their files are compared, byte by byte, with those of
an undisturbed twin. CLRX_KILLER=100 asks for so many runs instead of the sample.
"""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from forker import Forker, fresh
from mixture import configuration
from twins import differing

from clrx.run.read import state_of

RUNS = int(os.environ.get("CLRX_KILLER", "12"))
FIRST = int(os.environ.get("CLRX_KILLER_FIRST", "0"))
FRESH = 25  # of so many runs, one is started as processes of their own
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("number", range(FIRST, FIRST + RUNS))
def test_killed_again_and_again_it_ends_as_its_twin(tmp_path, monkeypatch, forker, images, seed, number):
    words = ["train", *configuration(number, images)]
    monkeypatch.setattr(
        forker, "drawn", number % FRESH == 0
    )  # the end of these is in a user's process, which draws
    run, twin = tmp_path / "run", tmp_path / "twin"
    seconds = undisturbed(forker, words, twin)
    words.append(f"hydra.run.dir={run}")
    chance, kills, count = random.Random(seed + number), [], int((tmp_path / "count").read_text())
    for share in [0.5] * chance.randint(1, 4) + [1.0]:
        at = 0 if seed and chance.random() < 0.5 else chance.randint(1, int(share * count))
        killed = kill_once(forker, words, run, at, chance.uniform(0, share * seconds))
        if killed is None:
            break
        kills.append(killed)
    assert end(forker, words, run, number) == 0, screen(run).read_text()
    with (images[2].parent / "kills.txt").open("a") as file:
        file.write(f"{number} {kills}\n")
    assert state_of(run) == "complete"
    assert differing(run, twin) == [], f"killed at {kills}"


def screen(run: Path) -> Path:
    """Where the output of a run goes."""
    return run.with_suffix(".txt")


def trap(run: Path, at: int = 0) -> dict[str, Any]:
    return {"folder": str(run), "count": str(run.with_name("count")), "how": "kill", "at": at}


def undisturbed(forker: Forker, words: list[str], twin: Path) -> float:
    """The seconds that the whole run takes; its file operations are counted."""
    began = time.monotonic()
    code = forker.run([*words, f"hydra.run.dir={twin}"], screen(twin), trap(twin))
    assert code == 0, screen(twin).read_text()
    return time.monotonic() - began


def kill_once(forker: Forker, words: list[str], run: Path, at: int, seconds: float) -> str | None:
    """Start the run and kill it at file operation `at`, or after so many seconds where that is 0.

    When it was killed, in words; None where it came to its end first.
    """
    child = forker.start(words, screen(run), trap(run, at))
    if not at:
        child.wait(seconds)
        child.kill()
    if child.wait() != -signal.SIGKILL:
        return None
    return f"operation {at}" if at else f"{seconds:.2f} s"


def end(forker: Forker, words: list[str], run: Path, number: int) -> int | None:
    """The exit code of the undisturbed end of a run; of some, in a process of its own."""
    if number % FRESH:
        return forker.run(words, screen(run))
    with fresh(words, screen(run)) as process:
        return process.wait()
