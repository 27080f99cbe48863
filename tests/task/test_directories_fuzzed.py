"""Every command that reads a run, given directories in which one file is not what a run has written.

No traceback, no raw message of a library, no hang, nothing written outside.
"""

import json
import os
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from toy_run import interrupt_at, resume, train

from clrx.cli.main import run as clrx
from clrx.report import make

SECONDS = 10  # that a command may take
VALUES = (None, True, -1, 10**400, float("nan"), "../..", "", [], [1], {}, {"a": None}, "\x1b[2J", "é\udcff")


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> dict[str, Path]:
    """A complete run and one that was interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    words = ("policy=constant", "epochs=2")
    assert train(data, folder / "complete", *words) == 0
    assert train(data, folder / "interrupted", *words, observer=interrupt_at(4)) == 130
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def without_pictures(monkeypatch):
    for name in ("mean_pictures", "curve_pictures", "score_pictures"):
        monkeypatch.setattr(make, name, lambda comparison: [])


def wrong_type(draw: random.Random, file: Path) -> None:
    """Put a value of another type somewhere into a JSON or YAML file, text into a CSV file, noise into others."""
    if file.suffix in (".json", ".yaml"):
        content = (
            json.loads(file.read_text(encoding="utf-8"))
            if file.suffix == ".json"
            else yaml.safe_load(file.read_text(encoding="utf-8"))
        )
        node = content
        while True:
            key = draw.choice([*node] if isinstance(node, dict) else [*range(len(node))])
            if isinstance(node[key], dict | list) and node[key] and draw.random() < 0.7:
                node = node[key]
            else:
                break
        node[key] = draw.choice(VALUES)
        file.write_text(
            json.dumps(content) if file.suffix == ".json" else yaml.safe_dump(content), encoding="utf-8"
        )
    elif file.suffix == ".csv":
        lines = file.read_text(encoding="utf-8").splitlines()
        at = draw.randrange(len(lines))
        cells = lines[at].split(",")
        cells[draw.randrange(len(cells))] = draw.choice(["x", "", "nan", "1e999", '"', "=1+1", "-5"])
        file.write_text("\n".join([*lines[:at], ",".join(cells), *lines[at + 1 :]]) + "\n", encoding="utf-8")
    else:
        content = bytearray(file.read_bytes())
        for _ in range(8):
            content[draw.randrange(len(content))] = draw.randrange(256)
        file.write_bytes(content)


def spoil(draw: random.Random, file: Path, outside: Path) -> str:
    """Do one thing to a file; what it was."""
    kinds = [
        "missing",
        "empty",
        "cut",
        "noise",
        "types",
        "types",
        "types",
        "link",
        "endless",
        "pipe",
        "folder",
        "huge",
    ]
    kind = draw.choice(kinds) if file.exists() and file.stat().st_size else draw.choice(kinds[7:])
    if kind == "types":
        wrong_type(draw, file)
        return kind
    content = file.read_bytes() if file.exists() else b""
    file.unlink(missing_ok=True)
    if kind == "empty":
        file.touch()
    elif kind == "cut":
        file.write_bytes(content[: draw.randrange(len(content))])
    elif kind == "noise":
        file.write_bytes(draw.randbytes(200))
    elif kind == "link":
        file.symlink_to(outside / "target")
    elif kind == "endless":
        file.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "huge":
        with file.open("wb") as opened:
            opened.truncate(1 << 40)
    return kind


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    def late(number, frame):
        raise AssertionError(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def one_case(number: int, whole: dict[str, Path], folder: Path, capsys) -> str:
    """What was wrong with one case; empty where nothing was."""
    draw = random.Random(number)
    name = draw.choice(sorted(whole))
    path, outside = folder / "sweep" / name, folder / "outside"
    outside.mkdir(parents=True)
    (outside / "target").write_text("mine")
    shutil.copytree(whole[name], path)
    files = [one for one in sorted(path.rglob("*")) if one.is_file() and "figures" not in one.parts]
    file = draw.choice(
        [*files, *(path / one for one in ("lock", "train.log", "run.json", "config.yaml", "report"))]
    )
    kind = spoil(draw, file, outside)
    command = draw.choice(["report", "report", "report", "resume", "verify"])
    case = f"case {number}: {command}, {file.relative_to(path)} {kind}"
    try:
        with at_most(SECONDS):
            if command == "resume":
                code = resume(path)
            else:
                code = clrx([command, str(path), *(["steps=2"] if command == "verify" else [])])
    except BaseException as error:
        return f"{case}: {type(error).__name__}: {error}"
    said = capsys.readouterr()
    wrong = [word for word in ("Traceback", "CLRX_DEBUG") if word in said.err]
    wrong += [] if code in (0, 1, 2) else [f"exit code {code}"]
    wrong += [] if [*outside.iterdir()] == [outside / "target"] else ["a file outside"]
    wrong += [] if (outside / "target").read_text() == "mine" else ["written outside"]
    wrong += (
        [] if sorted(one.name for one in folder.iterdir()) == ["outside", "sweep"] else ["beside the sweep"]
    )
    return f"{case}: {wrong} {said.err[-600:]}" if wrong else ""


@pytest.mark.usefixtures("threads", "without_pictures")
@pytest.mark.parametrize("cases", [range(6), pytest.param(range(1000), marks=pytest.mark.slow)])
def test_a_damaged_directory_is_told_in_one_message(cases, whole, tmp_path, capsys, seed):
    found = []
    for number in cases:
        folder = tmp_path / str(number)
        if wrong := one_case(seed * 100_000 + number, whole, folder, capsys):
            found.append(wrong)
        shutil.rmtree(folder)
    assert found == [], "\n".join(found)
