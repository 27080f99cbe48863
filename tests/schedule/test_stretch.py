"""A scaled run is the whole one made smaller: as many cycles at the same rates, classes in proportion, groups whole."""

from itertools import pairwise

import numpy as np
import pytest
from nodes import configured
from PIL import Image
from plans import PHASE, config, phases_of
from sources import a_source

from clrx.data.open import load_source, open_data
from clrx.data.split import make_split
from clrx.data.stratify import sample
from clrx.data.subsample import subsample
from clrx.policy.cosine import Cosine
from clrx.policy.exp_range import ExpRange
from clrx.policy.exponential import Exponential
from clrx.policy.sgdr import SGDR
from clrx.policy.step import StepDecay
from clrx.policy.time_decay import TimeDecay
from clrx.policy.triangular import Triangular
from clrx.policy.triangular2 import Triangular2
from clrx.range_test.ramp import ramp_of
from clrx.schedule.progress import cycle_ends
from clrx.schedule.stretch import scaled_epochs, scaled_mark, stretched
from clrx.schedule.warmup import behind_warmup
from clrx.schedule.warnings import trace

POLICIES = {  # each with 12 epochs of 90 steps in mind
    "triangular": Triangular(base_lr=0.1, max_lr=1.0, step_size=2),
    "triangular2": Triangular2(base_lr=0.1, max_lr=1.0, step_size=2),
    "sgdr": SGDR(base_lr=0.0, max_lr=1.0, T_0=4, T_mult=2),
    "step": StepDecay(lr=1.0, gamma=0.1, drop_every=4),
    "exponential": Exponential(lr=1.0, gamma=0.8),
    "cosine": Cosine(lr=1.0, min_lr=0.0),
    "time_decay": TimeDecay(lr=1.0, decay=0.01),
    "exp_range": ExpRange(base_lr=0.1, max_lr=1.0, step_size=2, gamma=0.999),
}
NODES = {
    "triangular": {"_target_": "clrx.policy.triangular.Triangular"}
    | {"base_lr": 0.1, "max_lr": 1.0, "step_size": 2},
    "cosine": {"_target_": "clrx.policy.cosine.Cosine", "lr": 1.0, "min_lr": 0.0},
}


def plan(policy: dict, scale: float, epochs: int = 12, **changed):
    return phases_of(config(PHASE | {"policy": policy, "epochs": epochs}, scale=scale, **changed))[0]


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("warmup", [0, 2])
def test_a_policy_keeps_its_shape(name, warmup):
    """A third of 12 epochs and a third of 90 steps in each: the rate at every part of the run is the whole run's."""
    whole = behind_warmup(POLICIES[name], warmup, 0.1)
    third = stretched(whole, 12, 1 / 3)
    every_ninth = trace(whole, 12, 90).lr[::9]
    np.testing.assert_allclose(trace(third, 4, 30).lr, every_ninth, rtol=1e-9)
    assert cycle_ends(third, 4) == pytest.approx([end / 3 for end in cycle_ends(whole, 12)])


def test_epochs_are_whole_and_policies_follow_what_came_of_them():
    """0.1 of 12 epochs is 1, a twelfth; three cycles of 4 epochs are three of a third."""
    assert [scaled_epochs(12, scale) for scale in (0.1, 0.01, 0.5, 1)] == [1, 1, 6, 12]
    small = stretched(POLICIES["triangular"], 12, 0.1)
    assert cycle_ends(small, 1) == pytest.approx((1 / 3, 2 / 3, 1.0))
    assert stretched(POLICIES["triangular"], 12, 1) is POLICIES["triangular"]


@pytest.mark.parametrize(
    ("policy", "scale", "patience"),
    [("cosine", 0.5, 3), ("cosine", 0.01, 1), ("cosine", 1, 6), ("triangular", 0.5, 6)],
)
def test_patience_in_epochs_shrinks_and_in_cycles_stays(policy, scale, patience):
    stopping = {"patience": 6, "metric": "auto", "min_delta": 0.0}
    assert plan(NODES[policy], scale, early_stopping=stopping).stopping.patience == patience


def test_the_momentum_policy_keeps_in_step():
    momentum = {
        "_target_": "clrx.policy.triangular.Triangular",
        "base_lr": 0.85,
        "max_lr": 0.95,
        "step_size": 2,
    }
    node = PHASE | {"policy": NODES["triangular"], "epochs": 12, "momentum_policy": momentum}
    phase = phases_of(config(node, scale=0.25))[0]
    assert trace(phase.momentum_policy, 3, 40).lr.max() == pytest.approx(0.95)


def test_a_range_test_in_epochs_shrinks_and_one_in_steps_stays():
    words = ("batch_size=10", "scale=0.5", "range_test.steps=100")
    assert (
        ramp_of(configured(*words, "range_test.epochs=4"), 300).steps == 2 * 30
    )  # of images that are half already
    assert ramp_of(configured(*words), 300).steps == 100


def test_the_mark():
    assert scaled_mark(0.1) == "SCALED DOWN (scale=0.1)"
    assert scaled_mark(1.0) == scaled_mark(None) == ""


def patients(sizes, positive) -> tuple:
    """A source of groups of these sizes, the first ones with the disease, and its split."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    source = a_source([f"p{g}" for g in groups], groups < positive)
    return source, make_split(source, validation=0.2, test=0.2)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_each_part_keeps_whole_groups_of_each_class_in_proportion(share):
    source, split = patients([1 + i % 4 for i in range(400)], positive=100)
    small, left = subsample(source, split, "group", share, seed=3)
    assert sum(map(len, (left.train, left.validation, left.test))) == len(small)
    sizes = source.table["group"].value_counts()
    for name in ("train", "validation", "test"):
        rows, kept = getattr(split, name), getattr(left, name)
        table = small.table.iloc[kept]
        assert set(table["image"]) <= set(source.table["image"].iloc[rows])
        counts = table["group"].value_counts()
        assert counts.to_dict() == sizes[counts.index].to_dict()
        for label in (0, 1):
            wanted = share * (source.labels[rows] == label).sum()
            found = (small.labels[kept] == label).sum()
            assert max(4, wanted - 4) <= found <= max(4 + 3, wanted + 4)  # groups of 1 to 4 images


def test_smaller_shares_lie_in_larger_ones_and_the_hash_tells_them_apart():
    source, split = patients([2] * 300, positive=60)
    found = [subsample(source, split, "group", share, seed=0) for share in (0.1, 0.3, 0.8)]
    names = [set(small.table["image"]) for small, _ in found]
    assert all(less < more for less, more in pairwise(names))
    assert len({split.hash, *(left.hash for _, left in found)}) == 4
    assert found[0][1].notes[-1] == f"scale=0.1: {len(names[0])} of 600 images are used"


def test_a_split_by_image_is_thinned_by_image():
    source = a_source(["one"] * 200, np.arange(200) % 2)
    split = make_split(source, by="image", validation=0.2, test=0.2)
    assert len(subsample(source, split, "image", 0.1, seed=0)[0]) == 28  # 12 + 8 + 8: four of each class


def test_the_order_of_the_rows_plays_no_part():
    ids, labels = np.array([f"p{i // 3}" for i in range(90)]), np.arange(90) // 3 % 2
    turned = np.random.default_rng(0).permutation(90)
    kept = sample(ids, labels, 0.3, 4, seed=1)
    np.testing.assert_array_equal(sample(ids[turned], labels[turned], 0.3, 4, seed=1), kept[turned])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """200 grey images of 8 pixels in each of two classes."""
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path / "cache"))
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(200):
            Image.new("L", (8, 8), i).save(tmp_path / "images" / name / f"{name}{i}.png")
    return tmp_path / "images"


def opened(folder, *words):
    about = ["dataset=image_folder", f"dataset.root={folder}", "dataset.size=8", "dataset.unreadable=drop"]
    cfg = configured(*about, "dataset.split=group", "workers=1", *words)
    return open_data(cfg, load_source(cfg.dataset))


def test_only_what_is_left_is_decoded_and_parts_stay_what_they_are(folder):
    whole, small = opened(folder), opened(folder, "scale=0.1")
    assert small.cache.array.shape[0] == len(small.source) == 28 + 8 + 8  # four of a class where 0.1 is two
    for name in ("train", "validation", "test"):
        assert images(small, name) <= images(whole, name)


def images(data, part):
    return set(data.source.table["image"].iloc[getattr(data.split, part)])


def test_an_unreadable_image_moves_no_other(folder):
    before = opened(folder, "scale=0.1")
    broken = sorted(images(before, "train"))[0]
    next(folder.rglob(broken.split("/")[-1])).write_bytes(b"no image")
    after = opened(folder, "scale=0.1")
    assert images(after, "train") == images(before, "train") - {broken}
    assert images(after, "test") == images(before, "test")
    assert after.split.hash != before.split.hash


def test_a_balanced_training_set_shrinks_too(folder):
    data = opened(folder, "scale=0.25", "dataset.balanced=100")
    assert np.bincount(data.source.labels[data.train]).tolist() == [25, 25]
    assert len(opened(folder, "scale=0.25", "dataset.balanced=140").train) == 2 * 35
