"""Every experiment, made small by `scale`, on images made here in the layout that it reads."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clrx.cli.main import run
from clrx.core.paths import conf_dir
from clrx.data.phantom.draw import phantom_folder
from clrx.dataset.cifar10 import CLASSES

# What makes an experiment small, by the words of its dataset: the images, and a network that CI has time for.
NETWORK = ("dataset.size=32", "model=mobilenet", "model.width=0.25", "model.weights=null", "batch_size=16")
SMALL = {
    "chopade2021": (
        "dataset=phantom",
        "dataset.images=600",
        "dataset.pixels=32",
        "disease=effusion",
        *NETWORK,
    ),
    "chopade2021/one_class": NETWORK,
    "mishra2019": ("model=resnet9", "model.width=4", "model.weights=null", "batch_size=16"),
    "alyafi2019": ("batch_size=16",),
    "smith2017": ("batch_size=10",),
}
LEAST = ("bootstrap.resamples=20", "device=cpu", "threads=1", "workers=1", "scale=0.3")
ARMS = [  # what is rehearsed: the experiment, the words of an arm, the phases that it has to leave
    ("alyafi2019/case1", ("policy=exp_range",), ["main"]),
    ("alyafi2019/case2", ("policy=constant",), ["main"]),
    ("alyafi2019/tuned", ("policy=time_decay", "lr=0.1"), ["main"]),
    ("chopade2021/fibrosis", ("policy=modified_triangular2", "epochs=3"), ["main"]),
    ("chopade2021/one_class", ("dataset.no_finding=60", "dataset.per_disease=2", "epochs=3"), ["main"]),
    ("chopade2021/optimizers", ("optimizer=keras_rmsprop", "epochs=3"), ["main"]),
    ("chopade2021/pneumothorax", ("policy=triangular", "epochs=3"), ["main"]),
    ("chopade2021/table5", ("epochs=3",), ["main"]),
    ("chopade2021/table6", ("epochs=3",), ["main"]),
    ("chopade2021/table7", ("plan=decay_then_clr", "plan.decay_epochs=3", "epochs=4"), ["decay", "clr"]),
    ("mishra2019/cifar10", ("plan=early_stop_restart", "plan.max_epochs=4"), ["first", "second"]),
    ("mishra2019/dermatology", ("plan=dlr_cla", "plan.range_test=false"), ["head", "all"]),
    ("smith2017/table1", ("plan=smith2017_triangular2", "scale=0.03"), ["triangular2", "lower", "lowest"]),
]
RANGE_TESTS = {
    "alyafi2019/range_test": ("dataset.balanced=30",),
    "chopade2021/range_test": ("range_test.epochs=6",),
}


def test_every_experiment_is_rehearsed():
    files = (conf_dir() / "experiment").glob("*/*.yaml")
    names = {f"{file.parent.name}/{file.stem}" for file in files}
    assert {name for name, _, _ in ARMS} | RANGE_TESTS.keys() == names


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A root for the dataset of each paper, in the layout of the real one."""
    place = tmp_path_factory.mktemp("data")
    cache = pytest.MonkeyPatch()
    cache.setenv("CLRX_CACHE", str(place / "cache"))
    cifar = {f"{part}/{name}": 24 if part == "train" else 8 for part in ("train", "test") for name in CLASSES}
    skin = dict.fromkeys(("nv", "mel", "bkl"), 40)
    yield {
        "chopade2021/one_class": phantom_folder(600, 32, 0),
        "alyafi2019": write_patches(place / "patches.npz"),
        "mishra2019/dermatology": write_folders(place / "skin", skin),
        "mishra2019/cifar10": write_folders(place / "cifar", cifar),
        "smith2017": place / "cifar",
    }
    cache.undo()


def write_patches(file: Path) -> Path:
    """Patches of 60 films in the layout of the MIAS patches: those of the last 20 hold a bright dot."""
    draw, groups = np.random.default_rng(0), np.repeat(np.arange(60), 20)
    labels, images = (groups >= 40).astype(int), draw.normal(100, 20, (1200, 16, 16))
    images[labels == 1, 7:9, 7:9] += 80
    np.savez(file, images=images.clip(0, 255).astype(np.uint8), labels=labels, groups=groups)
    return file


def write_folders(root: Path, sizes: dict[str, int]) -> Path:
    """Noisy images of 32 pixels by class, each class of a brightness of its own."""
    draw = np.random.default_rng(0)
    for grey, (name, size) in zip(np.linspace(60, 190, len(sizes)), sizes.items(), strict=True):
        (root / name).mkdir(parents=True)
        for i, image in enumerate(draw.normal(grey, 30, (size, 32, 32, 3)).clip(0, 255).astype(np.uint8)):
            Image.fromarray(image).save(root / name / f"{i:04d}.png")
    return root


def words_for(roots: dict[str, Path], name: str, place: Path) -> list[str]:
    paper = name.split("/")[0]
    root = roots.get(name) or roots.get(paper)
    words = [*([f"dataset.root={root}"] if root else []), f"hydra.run.dir={place}", *LEAST]
    return [f"experiment={name}", *words, *(SMALL.get(name) or SMALL[paper])]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "arm", "phases"), ARMS, ids=[name for name, _, _ in ARMS])
def test_it_rehearses(blank_pictures, roots, tmp_path, monkeypatch, capsys, name, arm, phases):
    monkeypatch.chdir(tmp_path)
    words = [
        word for word in words_for(roots, name, tmp_path / "run") if word.split("=")[0] not in given(arm)
    ]
    assert run(["train", *words, *arm]) == 0
    scale = 0.03 if "scale=0.03" in arm else 0.3
    assert f"SCALED DOWN (scale={scale})" in capsys.readouterr().out
    record, metrics = (
        json.loads((tmp_path / "run" / f"{file}.json").read_text()) for file in ("run", "metrics")
    )
    assert record["scale"] == metrics["scale"] == scale
    assert [phase["name"] for phase in metrics["phases"]] == phases
    with (tmp_path / "run" / "epochs.csv").open() as file:
        assert {row["phase"] for row in csv.DictReader(file)} == set(phases)
    assert metrics["test"]["auroc"]["value"] is not None


def given(arm: tuple[str, ...]) -> set[str]:
    return {word.split("=")[0] for word in arm}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", RANGE_TESTS)
def test_a_range_test_rehearses(blank_pictures, roots, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    words = words_for(roots, name, tmp_path / "run")
    assert run(["find-lr", *words, "repeats=2", *RANGE_TESTS[name]]) in (0, 1)  # 1: no usable valley
    found = json.loads((tmp_path / "run" / "suggestions.json").read_text())
    assert len(found["repeats"]) == 2
    assert found["ramp"]["steps"] >= 20
    images = json.loads((tmp_path / "run" / "run.json").read_text())["images"]
    assert name != "alyafi2019/range_test" or images["train"] == 2 * 9  # 0.3 of 30 of each class
