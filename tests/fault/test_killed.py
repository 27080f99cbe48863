"""Killed at any moment and started again by the same command, a run ends as if nothing had happened.

Runs over a mixture of policies, plans and optimizers are killed with SIGKILL: at moments drawn over their whole
length, and at or halfway through a file operation drawn among all. Then their files are compared, byte by byte,
with those of an undisturbed twin. CLRX_KILLER=100 asks for so many runs instead of the sample.
"""

import os
import random
import time
from pathlib import Path

import pytest
from forker import Forker, fresh, until
from mixture import configuration, toys
from twins import differing

from clrx.run import state_of

RUNS = int(os.environ.get("CLRX_KILLER", "12"))
FIRST = int(os.environ.get("CLRX_KILLER_FIRST", "0"))
FRESH = 25  # of so many runs, one is started as processes of their own
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def forker():
    server = Forker()
    yield server
    server.close()


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return toys(tmp_path_factory.mktemp("toys"))


@pytest.fixture(autouse=True)
def cache(images, monkeypatch):
    monkeypatch.setenv("CLRX_CACHE", str(images[2].parent / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)


def operations(folder: Path) -> int:
    return int((folder / "count").read_text())


@pytest.mark.parametrize("number", range(FIRST, FIRST + RUNS))
def test_killed_again_and_again_it_ends_as_its_twin(tmp_path, forker, images, number, record_property):
    words = ["train", *configuration(number, images)]
    run, twin = tmp_path / "run", tmp_path / "twin"
    trap = {"folder": str(twin), "count": str(tmp_path / "count")}
    began = time.monotonic()
    undisturbed = forker.run([*words, f"hydra.run.dir={twin}"], tmp_path / "twin.txt", trap)
    seconds = time.monotonic() - began
    assert undisturbed == 0, (tmp_path / "twin.txt").read_text()
    chance, kills = random.Random(number), []
    words.append(f"hydra.run.dir={run}")
    for _ in range(chance.randint(2, 5)):
        trap = {"folder": str(run), "count": str(tmp_path / "count"), "how": "kill", "at": 0}
        if chance.random() < 0.5:
            trap["at"] = chance.randint(1, operations(tmp_path))
        child = forker.start(words, tmp_path / "run.txt", trap)
        after = None if trap["at"] else until(chance.uniform(0, seconds), child)
        if after is not None:
            child.kill()
        if child.wait() == -9:
            kills.append(trap["at"] or f"{after:.2f} s")
    assert end(forker, words, tmp_path / "run.txt", number) == 0, (tmp_path / "run.txt").read_text()
    with (images[2].parent / "kills.txt").open("a") as file:
        file.write(f"{number} {kills}\n")
    assert state_of(run) == "complete"
    assert differing(run, twin) == [], f"killed at {kills}"


def end(forker: Forker, words: list[str], screen: Path, number: int) -> int | None:
    """The undisturbed end of a run; of some, in a process of its own."""
    if number % FRESH:
        return forker.run(words, screen)
    with fresh(words, screen) as process:
        return process.wait()
