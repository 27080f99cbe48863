"""The contract of every conf/experiment/*/*.yaml: it composes, races what it says, and knows whose numbers it carries;
and each is rehearsed, made small by `scale`, on images made here in the layout that it reads."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from PIL import Image

from clrx.bounds import plan_before, with_auto_bounds
from clrx.check import check_config
from clrx.cli import conf_dir, run
from clrx.compose import register_resolvers
from clrx.dataset.cifar10 import CLASSES
from clrx.phantom import phantom_folder
from clrx.report.grouping import leaves
from clrx.report.published import LESS_IS_BETTER, read
from clrx.run import plain_config

FILES = sorted((conf_dir() / "experiment").glob("*/*.yaml"))
NAMES = [f"{file.parent.name}/{file.stem}" for file in FILES]
TESTED = ("auroc", "average_precision", "accuracy", "precision", "recall", "f1")


def raced(name: str) -> dict[str, list[str]]:
    """Key -> the values that the experiment races."""
    params = OmegaConf.load(conf_dir() / "experiment" / f"{name}.yaml").hydra.sweeper.params
    return {str(key): str(values).split(",") for key, values in params.items()}


@pytest.fixture(scope="module")
def composed():
    """A function that composes `clrx train` with words."""
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield lambda *words: compose("train", list(words), return_hydra_config=True)


def options(cfg) -> dict[str, str]:
    """What `match` of a published number may name: choices, and single keys."""
    choices = {str(key): str(value) for key, value in cfg.hydra.runtime.choices.items()}
    return dict(leaves(plain_config(without_hydra(cfg)))) | choices


def without_hydra(cfg):
    return OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])


def accepted(cfg) -> None:
    cfg = with_auto_bounds(without_hydra(cfg))
    check_config(cfg)
    assert plan_before(cfg)


@pytest.mark.parametrize("name", NAMES)
def test_it_composes_and_its_published_numbers_are_of_what_it_races(composed, name):
    cfg, race = composed(f"experiment={name}"), raced(name)
    accepted(cfg)
    assert "seed" in race
    known = options(cfg)
    for node in OmegaConf.to_container(cfg.published):
        entry = read(node)
        assert entry.metric in LESS_IS_BETTER or 0 <= entry.value <= 1
        base = entry.metric.removeprefix("val_").removeprefix("train_").removesuffix("_at_0.5")
        assert base in (*TESTED, *LESS_IS_BETTER)
        for key, value in entry.match.items():
            assert str(value) in race.get(key, [known.get(key)]), f"{key}: {value} is not raced"


@pytest.mark.parametrize("name", NAMES)
def test_no_number_stands_twice(name):
    """Two entries of one metric for one configuration would be two truths."""
    cfg = OmegaConf.load(conf_dir() / "experiment" / f"{name}.yaml")
    keys = [
        (entry.metric, entry.source, tuple(entry.match.items()))
        for entry in map(read, OmegaConf.to_container(cfg).get("published", ()))
    ]
    assert len(keys) == len(set(keys))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_value_that_is_raced_composes(composed, name):
    for key, values in raced(name).items():
        for value in values:
            accepted(composed(f"experiment={name}", f"{key}={value}"))


def test_table_5_trains_each_disease_as_tables_2_to_4_have_it(composed):
    hernia = composed("experiment=chopade2021/table5", "disease=hernia")
    fibrosis = composed("experiment=chopade2021/table5", "disease=fibrosis")
    assert hernia.optimizer._target_.endswith("KerasAdam")
    assert fibrosis.optimizer._target_.endswith("KerasSGD")
    told = [
        (c.batch_size, c.optimizer.lr, c.decay, c.epochs, c.dataset.no_finding) for c in (hernia, fibrosis)
    ]
    assert told == [(4, 0.01, 0.0001, 30, 250), (32, 0.001, 0.00005, 10, 1700)]


def test_table_7_trains_again_as_table_8_has_it(composed):
    cfg = composed("experiment=chopade2021/table7", "disease=infiltration")
    decay, clr = plan_before(without_hydra(cfg))
    assert (decay.epochs, decay.policy.lr, decay.policy.decay) == (10, 0.01, 0.001)
    assert (clr.epochs, clr.policy.base_lr, clr.policy.max_lr, clr.policy.step_size) == (10, 0.005, 0.02, 2)
    assert type(clr.policy).__name__ == "ModifiedTriangular2"


def test_smiths_plans_have_his_iterations(composed):
    """Table 1: 70,000, 25,000, 25,000, 70,000 and 42,000 iterations, of which 500 are an epoch."""
    plans = raced("smith2017/table1")["plan"]
    cfgs = [without_hydra(composed("experiment=smith2017/table1", f"plan={name}")) for name in plans]
    assert [500 * sum(phase.epochs for phase in plan_before(cfg)) for cfg in cfgs] == [
        *(70_000, 25_000, 25_000, 70_000, 42_000)
    ]


# What makes an experiment small, by the words of its dataset: the images, and a network that CI has time for.
NIH = ("dataset.no_finding=null", "dataset.size=32", "model=mobilenet", "model.width=0.25", "batch_size=16")
SMALL = {
    "chopade2021": (*NIH, "model.weights=null", "disease=effusion"),
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
    assert sorted([*{name for name, _, _ in ARMS}, *RANGE_TESTS]) == NAMES


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A root for the dataset of each paper, in the layout of the real one."""
    place = tmp_path_factory.mktemp("data")
    cache = pytest.MonkeyPatch()
    cache.setenv("CLRX_CACHE", str(place / "cache"))
    cifar = {f"{part}/{name}": 24 if part == "train" else 8 for part in ("train", "test") for name in CLASSES}
    skin = dict.fromkeys(("nv", "mel", "bkl"), 40)
    yield {
        "chopade2021": phantom_folder(600, 32, 0),
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
    root = roots.get(name) or roots[paper]
    return [f"experiment={name}", f"dataset.root={root}", f"hydra.run.dir={place}", *SMALL[paper], *LEAST]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "arm", "phases"), ARMS, ids=[name for name, _, _ in ARMS])
def test_it_rehearses(roots, tmp_path, monkeypatch, capsys, name, arm, phases):
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
def test_a_range_test_rehearses(roots, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    words = words_for(roots, name, tmp_path / "run")
    assert run(["find-lr", *words, "repeats=2", *RANGE_TESTS[name]]) in (0, 1)  # 1: no usable valley
    found = json.loads((tmp_path / "run" / "suggestions.json").read_text())
    assert len(found["repeats"]) == 2
    assert found["ramp"]["steps"] >= 20
