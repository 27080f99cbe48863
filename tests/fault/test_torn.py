"""A checkpoint that is torn, flipped or hostile: the one before it is used, or the run says why it cannot go on.

Nothing that a checkpoint or a weights file holds is ever run.
"""

import pickle
import random
import shutil
from pathlib import Path

import pytest
import torch
from mixture import TINY
from twins import differing

from clrx.run.read import state_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class Hostile:
    """Its pickle asks for code to be run when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture(scope="module")
def words(images) -> list[str]:
    own = (
        "model=cnn4",
        "batch_size=60",
        "epochs=3",
        "checkpoint.every='3 steps'",
        "optimizer=adam",
        "ema=0.9",
    )
    return ["train", *TINY, f"dataset.root={images[2]}", *own]


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory, forker, words) -> tuple[Path, Path]:
    """(a run killed in its third epoch, with two checkpoints; its undisturbed twin)."""
    folder = tmp_path_factory.mktemp("broken")
    run, twin, count = folder / "run", folder / "twin", folder / "count"
    watch = {"folder": str(twin), "count": str(count)}
    assert forker.run([*words, f"hydra.run.dir={twin}"], folder / "twin.txt", watch) == 0
    trap = {"folder": str(run), "count": str(count), "how": "kill", "at": int(count.read_text()) // 2}
    assert forker.run([*words, f"hydra.run.dir={run}"], folder / "run.txt", trap) == -9
    assert {path.name for path in (run / "checkpoint").glob("[lp]*.ckpt")} == {"latest.ckpt", "previous.ckpt"}
    return run, twin


@pytest.fixture
def again(tmp_path, forker, words, broken_off):
    """Spoils a copy of the broken run's checkpoints and gives the same command; (run, exit code, what it said)."""

    def start(spoil):
        run, screen = tmp_path / "run", tmp_path / "screen.txt"
        shutil.copytree(broken_off[0], run)
        spoil(run / "checkpoint")
        code = forker.run([*words, f"hydra.run.dir={run}"], screen)
        return run, code, screen.read_text()

    return start


def cut(share: float):
    return lambda content: content[: int(share * len(content))]


def flipped(seed: int):
    """One bit, anywhere."""

    def flip(content: bytes) -> bytes:
        at, bit = random.Random(seed).randrange(len(content)), random.Random(seed).randrange(8)
        return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]

    return flip


def pickled(content: bytes) -> bytes:
    """What torch.save writes of a state with a hostile object in it; `content` is no longer there."""
    return pickle.dumps({"network": Hostile(Path("ran"))})


DAMAGE = {
    "empty": cut(0),
    "within its checksum": lambda content: content[:30],
    "in its header": lambda content: content[:200],
    "half": cut(0.5),
    "all but a byte": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "zeros": lambda content: bytes(len(content)),
    "a pickle": pickled,
    **{f"bit {seed}": flipped(seed) for seed in range(4)},
}


@pytest.mark.parametrize("how", DAMAGE)
def test_the_checkpoint_before_is_used_and_the_run_ends_as_its_twin(again, broken_off, how):
    def spoil(folder: Path) -> None:
        latest = folder / "latest.ckpt"
        latest.write_bytes(DAMAGE[how](latest.read_bytes()))

    run, code, said = again(spoil)
    assert (code, state_of(run)) == (0, "complete")
    assert said.count("the one before is used") == 1
    assert differing(run, broken_off[1]) == []
    assert not Path("ran").exists()


@pytest.mark.parametrize("how", ["half", "a pickle"])
def test_with_both_spoilt_the_run_says_so_and_changes_nothing(again, how):
    def spoil(folder: Path) -> None:
        for file in folder.iterdir():
            file.write_bytes(DAMAGE[how](file.read_bytes()))

    run, code, said = again(spoil)
    assert (code, state_of(run), "Traceback" in said) == (1, "failed", False)
    assert said.count("error: ") == 1
    assert "no whole checkpoint is left (latest.ckpt, previous.ckpt)" in said
    assert f"{run / 'checkpoint'}" in said
    assert (run / "steps.csv").read_bytes().count(b"\n") > 4, "the records stay"
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("name", "zipped"),
    [
        ("evil.pt", True),
        ("evil.pth", False),
        ("evil.ckpt", True),
        ("evil.safetensors", True),
        ("evil.pkl", False),
    ],
)
def test_hostile_weights_are_refused_by_name_and_run_nothing(tmp_path, forker, words, name, zipped):
    evil, run, screen = tmp_path / name, tmp_path / "run", tmp_path / "screen.txt"
    torch.save({"state_dict": Hostile(tmp_path / "ran")}, evil, _use_new_zipfile_serialization=zipped)
    code = forker.run([*words, f"hydra.run.dir={run}", f"model.weights={evil}"], screen)
    said = screen.read_text()
    assert (code, "Traceback" in said, said.count("error: ")) == (2, False, 1)
    assert name in said.splitlines()[0]
    assert not (tmp_path / "ran").exists()
    assert not run.exists()
