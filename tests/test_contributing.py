"""The examples of README and CONTRIBUTING: their files are written to an empty folder, and their commands run."""

import re
import shlex
from pathlib import Path

import pytest

from clrx.cli.main import run
from clrx.run.read import state_of

ROOT = Path(__file__).resolve().parents[1]
QUICK = ("dataset.images=200", "dataset.size=32", "model=cnn4", "epochs=1", "bootstrap.resamples=20")


def examples(page: str) -> tuple[dict[str, str], list[list[str]]]:
    """({path: text} of the files that a page shows under their names, the words of its commands)."""
    text = (ROOT / page).read_text()
    files = re.findall(r"(?ms)`(mine/[^`]+)`\n\n```\w+\n(.*?)^```", text)
    commands = "".join(re.findall(r"(?ms)^```bash\n(.*?)^```", text)).splitlines()
    return dict(files), [shlex.split(line)[1:] for line in commands if line.startswith("clrx ")]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_what_is_added_in_a_folder_of_ones_own_works(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    files, commands = examples(page)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert commands
    for number, words in enumerate(commands):
        quick = QUICK if words[0] == "train" and "dataset=stripes" not in words else ()
        assert run([*words, *quick, f"hydra.run.dir={tmp_path / str(number)}"]) == 0, words
        if words[0] == "train":
            assert state_of(tmp_path / str(number)) == "complete"
