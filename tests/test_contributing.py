"""The examples of README and CONTRIBUTING: their files are written to an empty folder, and their commands run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clrx.cli.main import run
from clrx.run.read import state_of

ROOT = Path(__file__).resolve().parents[1]
QUICK = ("dataset.images=200", "dataset.size=32", "model=cnn4", "epochs=1", "bootstrap.resamples=20")


def examples(page: str, sections: tuple[str, ...]) -> tuple[dict[str, str], list[list[str]]]:
    """({path: text} of the files that sections of a page show under their names, the words of its commands)."""
    text = (ROOT / page).read_text()
    text = "".join(part for part in text.split("\n## ") if part.startswith(sections))
    files = re.findall(r"(?ms)`(mine/[^`]+)`\n\n```\w+\n(.*?)^```", text)
    commands = "".join(re.findall(r"(?ms)^```bash\n(.*?)^```", text)).splitlines()
    return dict(files), [shlex.split(line)[1:] for line in commands if line.startswith("clrx ")]


@pytest.mark.parametrize(
    ("page", "sections"),
    [("README.md", ("Your own policy",)), ("CONTRIBUTING.md", ("A policy", "A dataset", "A model"))],
)
def test_what_is_added_in_a_folder_of_ones_own_works(
    page, sections, tmp_path, monkeypatch, common_cache, blank_pictures
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLRX_CACHE", str(common_cache))
    files, commands = examples(page, sections)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert commands
    for number, words in enumerate(commands):
        quick = QUICK if words[0] == "train" and "dataset=stripes" not in words else ()
        assert run([*words, *quick, f"hydra.run.dir={tmp_path / str(number)}"]) == 0, words
        if words[0] == "train":
            assert state_of(tmp_path / str(number)) == "complete"


def change(section: str) -> str:
    """The change to the code that a section of CONTRIBUTING.md shows."""
    parts = (ROOT / "CONTRIBUTING.md").read_text().split("\n## ")
    (found,) = (re.search(r"(?ms)^```diff\n(.*?)^```", part) for part in parts if part.startswith(section))
    return found[1]


def apply(section: str, folder: Path, *options: str) -> None:
    command = ["git", "apply", "-p0", *options, "-"]
    done = subprocess.run(command, input=change(section), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("section", ["A loss", "A metric"])
def test_a_change_that_is_shown_fits_the_code(section):
    apply(section, ROOT, "--check")


@pytest.mark.slow
@pytest.mark.parametrize(("section", "shown"), [("A loss", "poly: 1"), ("A metric", '"npv": {')])
def test_what_is_added_to_clrx_itself_works(section, shown, tmp_path):
    """The change is applied to a copy of the package, whose command then runs."""
    for folder in ("clrx", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    apply(section, tmp_path)
    (words,) = examples("CONTRIBUTING.md", (section,))[1]
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "CLRX_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "clrx", *words, f"hydra.run.dir={tmp_path / 'run'}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    records = [(tmp_path / "run" / name).read_text() for name in ("config.yaml", "metrics.json")]
    assert any(shown in record for record in records)
