"""One tiny trained run that all tests of its use share: images as files, patients in their names."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clrx.cli.main import run

TINY = (
    *("dataset=csv", "dataset.color=false", "dataset.size=16", "dataset.group=patient", "model=cnn4"),
    *("dataset.positive=sick", "epochs=1", "batch_size=16", "threads=1", "workers=1", "device=cpu"),
    *("bootstrap.resamples=20", "cycle_weights=true", "bounds.step_size=0.5", "policy=triangular"),
)


def draw(folder: Path, patients: int, seed: int, contrast: float = 45.0, images: int = 2) -> Path:
    """Write grey 20 x 20 images, brighter in the centre where sick, and table.csv; the path of the table."""
    rng, lines = np.random.default_rng(seed), ["path,label,patient,sex,age"]
    (folder / "images").mkdir(parents=True)
    for number in range(patients):
        label, sex = ("sick" if number % 2 else "well"), "FM"[number // 2 % 2]
        for k in range(images):
            pixels = rng.normal(110, 30, (20, 20))
            pixels[5:15, 5:15] += contrast * (label == "sick")
            name = f"images/{folder.name}_{number:03d}_{k}.png"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name)
            lines.append(f"{name},{label},{folder.name}{number:03d},{sex},{20 + number}")
    table = folder / "table.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def train(table: Path, path: Path, *words: str) -> Path:
    """A run of one epoch, without pictures."""
    assert run(["train", *TINY, f"dataset.root={table}", f"hydra.run.dir={path}", *words], figures=False) == 0
    return path


@pytest.fixture(scope="session")
def used(tmp_path_factory):
    """A folder with `home` (images and table of 40 patients), `away` (12 other patients) and `run`, trained on home."""
    folder, threads = tmp_path_factory.mktemp("used"), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CLRX_CACHE", str(folder / "cache"))
        draw(folder / "away", 12, seed=1)
        train(draw(folder / "home", 40, seed=0), folder / "run")
        torch.set_num_threads(threads)
        yield folder
    torch.set_num_threads(threads)


@pytest.fixture
def command(used, capsys):
    """Run a command line in the folder: (exit code, stdout, stderr)."""

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return call
