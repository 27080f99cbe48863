"""The range test itself: the ramp, when it stops, what it trains, and that it leaves nothing behind."""

import hashlib
import math
import pickle
import random

import numpy as np
import pytest
import torch
from nodes import composed
from omegaconf import OmegaConf
from toy import write_toy

from clrx.config.load import load, with_auto_bounds
from clrx.config.phases import build_phases
from clrx.config.schema import FindLrConfig
from clrx.core.console import open_screen
from clrx.core.errors import UserError
from clrx.data.open import load_source, open_data
from clrx.range_test.curve import RunningMean
from clrx.range_test.ramp import Ramp, check_range_test, ramp_of
from clrx.range_test.repeats import RangeTest, Watch, run_repeats
from clrx.schedule.progress import Progress
from clrx.training import loop
from clrx.training.setup import make_setup, network_for


def searched(*overrides: str, groups: tuple[str, ...] = ()) -> FindLrConfig:
    """The configuration of find-lr: of groups once, of single keys anew."""
    raw = composed(*groups, task="find_lr")
    for key, value in (override.split("=", 1) for override in overrides):
        OmegaConf.update(raw, key, OmegaConf.create(f"value: {value}").value)
    return load(with_auto_bounds(raw), kind=FindLrConfig)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_toy(tmp_path_factory.mktemp("toy") / "toy.npz")


@pytest.fixture
def prepared(toy, tmp_path, monkeypatch):
    """Makes the RangeTest of these overrides, on the toy data."""
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path))

    def prepare(*overrides: str, groups: tuple[str, ...] = ()) -> RangeTest:
        basics = (
            f"dataset.root={toy}",
            "dataset.size=8",
            "device=cpu",
            "workers=1",
            "steps=20",
            "repeats=2",
        )
        cfg = searched(*basics, *overrides, groups=("dataset=npz", "model=cnn4", "augment=none", *groups))
        source = load_source(cfg.dataset)
        data = open_data(cfg, source)
        setup = make_setup(cfg, data, network_for(cfg, source))
        return RangeTest(cfg, setup, build_phases(cfg)[0], ramp_of(cfg, len(data.train)))

    return prepare


def passes(test: RangeTest):
    with open_screen() as screen:
        return list(run_repeats(test, screen))


def rates(ramp: Ramp, steps: int) -> list[float]:
    return [ramp(Progress(step, step / 10, step / steps)) for step in range(steps)]


@pytest.mark.parametrize(
    ("ramp", "expected"),
    [
        (Ramp("exponential", 1e-7, 1.0, 8), [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]),  # Chopade A6
        (
            Ramp("linear", 0.002, 0.03, 15),
            [0.002 * (i + 1) for i in range(15)],
        ),  # Alyafi III-C: 0.002 to 0.03
    ],
)
def test_ramp_goes_from_end_to_end_and_not_beyond(ramp, expected):
    assert rates(ramp, len(expected)) == pytest.approx(expected)
    assert rates(ramp, len(expected))[-1] == expected[-1]
    assert ramp(Progress(len(expected), 1.0, 1.0)) == expected[-1]
    assert pickle.loads(pickle.dumps(ramp)) == ramp


@pytest.mark.parametrize(
    ("overrides", "steps"),
    [
        (["range_test.steps=77"], 77),
        (["range_test.epochs=5", "batch_size=6"], 200),  # 240 images in 40 batches, 5 times
        (["range_test.epochs=5", "batch_size=6", "accumulate=3"], 70),  # 40 batches are 14 steps of 3
        (["range_test.epochs=0.1"], 20),
    ],
)
def test_steps_are_optimizer_steps(overrides, steps):
    assert ramp_of(searched("batch_size=32", *overrides), images=240).steps == steps


@pytest.mark.parametrize(
    ("losses", "kept", "stopped"),
    [
        ([1.0, 0.9, 0.8], 3, "end"),
        ([1.0, 0.9, math.nan, 0.8], 2, "the loss was not finite"),
        ([1.0, math.inf], 1, "the loss was not finite"),
        ([math.nan], 0, "the loss was not finite"),
        ([1.0, 0.5, 0.5, 100.0, 0.5], 4, "the loss passed its limit"),
        ([1.0, 0.01, 0.01, 0.01, 0.9], 5, "end"),  # ninety times the best, but no higher than it began
    ],
)
def test_stops_at_the_first_bad_loss(losses, kept, stopped):
    watch = Watch(RunningMean(1.0), stop_at=4.0)
    for loss in losses:
        watch.add(loss)
    assert (watch.losses, watch.stopped) == (losses[:kept], stopped)


def state_of_everything(test: RangeTest) -> str:
    network = test.setup.network
    weights = [tensor.numpy().tobytes() for tensor in network.state_dict().values()]
    flags = [(p.requires_grad, p.grad) for p in network.parameters()], network.training
    randomness = (
        torch.get_rng_state().numpy().tobytes(),
        np.random.get_state()[1].tobytes(),  # noqa: NPY002 - the legacy state is what must not move
        random.getstate(),
    )
    return hashlib.sha256(pickle.dumps((weights, flags, randomness))).hexdigest()


@pytest.mark.parametrize(
    ("groups", "overrides"),
    [
        (["augment=flip"], []),
        (["plan=dlr_cla"], []),
        ([], ["range_test.curve=val_auroc", "range_test.end=1e6"]),
    ],
)
def test_leaves_nothing_behind(prepared, groups, overrides):
    test = prepared(*overrides, groups=tuple(groups))
    before = state_of_everything(test)
    assert len(passes(test)) == 2
    assert state_of_everything(test) == before


def test_leaves_nothing_behind_when_broken_off(prepared):
    test = prepared()
    before = state_of_everything(test)
    with open_screen() as screen:
        repeats = run_repeats(test, screen)
        next(repeats)
        repeats.close()
    assert state_of_everything(test) == before


def test_repeats_start_from_the_same_weights_in_other_orders(prepared):
    # at low rates, as training at high ones makes much of the order in which an image is added up
    test = prepared("batch_size=240", "model.dropout=0", "range_test.start=1e-3", "range_test.end=3e-2")
    first, second = (repeat.values["loss"] for repeat in passes(test))
    assert first == pytest.approx(second, rel=1e-4)  # one batch holds all images: no order to differ in
    test = prepared("batch_size=32", "model.dropout=0", "range_test.start=1e-3")
    first, second = (repeat.values["loss"] for repeat in passes(test))
    assert np.abs(first - second).max() > 1e-3
    assert [repeat.values["loss"].tolist() for repeat in passes(test)] == [first.tolist(), second.tolist()]


def test_rates_are_those_of_the_ramp_and_groups_keep_their_ratio(prepared, monkeypatch):
    seen = []

    def noting(optimizer, lr, momentum=None):
        set_rate(optimizer, lr, momentum)
        seen.append({group["section"]: group["lr"] / lr for group in optimizer.param_groups})

    set_rate = loop.set_rate
    monkeypatch.setattr(loop, "set_rate", noting)
    scales = "{early: 0.01, middle: 0.1, head: 1}"
    test = prepared(f"plan.phases.0.rate_scales={scales}", "repeats=1")
    repeat = passes(test)[0]
    assert repeat.lr == pytest.approx(10.0 ** np.linspace(-7, 0, 20))
    assert len(seen) == 20
    assert all(ratio == pytest.approx({"early": 0.01, "middle": 0.1, "head": 1.0}) for ratio in seen)


def test_only_what_the_first_phase_trains_is_moved(prepared, monkeypatch):
    """Mishra 2.2 under conf/plan/dlr_cla.yaml: the head alone, its frozen body at rest."""
    test, asked = prepared("repeats=1", groups=("plan=dlr_cla",)), []
    take = loop._take_step

    def noting(work, *rest):
        step = take(work, *rest)
        asked.append([name for name, p in work.network.named_parameters() if p.requires_grad])
        assert not work.network.body.training
        return step

    monkeypatch.setattr(loop, "_take_step", noting)
    passes(test)
    assert asked == [["head.fc.weight", "head.fc.bias"]] * 20


def test_validation_is_measured_on_one_fixed_subset(prepared):
    test = prepared("range_test.curve=val_accuracy", "range_test.images=32", "range_test.every=4")
    subset = test.subset
    assert len(subset) == 32
    assert set(subset) <= set(test.setup.data.split.validation)
    for repeat in passes(test):
        measured = np.flatnonzero(np.isfinite(repeat.values["val_accuracy"]))
        assert measured.tolist() == [0, 4, 8, 12, 16]
        share = repeat.values["val_accuracy"][measured] * 32
        assert share == pytest.approx(np.round(share))  # of 32 images each


def test_validation_subset_is_balanced_where_training_is(prepared):
    """Alyafi III-C: accuracy on unbalanced images would measure how rare the rare class is."""
    chosen = ("range_test.curve=val_accuracy", "range_test.images=20", "dataset.balanced=30")
    test = prepared(*chosen)
    labels = test.setup.data.source.labels
    assert np.bincount(labels[test.setup.data.train]).tolist() == [30, 30]
    assert np.bincount(labels[test.subset]).tolist() == [10, 10]
    assert set(test.subset) <= set(test.setup.data.split.validation)
    test = prepared(*chosen, "range_test.images=1000")
    assert np.bincount(test.setup.data.source.labels[test.subset]).tolist() == [
        30,
        30,
    ]  # all 60 of validation


def test_a_ramp_that_does_not_rise_is_refused():
    with pytest.raises(UserError, match="not above its start"):
        check_range_test(searched("range_test.end=1e-8"))


def test_validation_curve_needs_validation_images():
    with pytest.raises(UserError, match="needs validation images"):
        check_range_test(searched("range_test.curve=val_loss", "split.validation=0"))


def test_train_and_find_lr_share_their_defaults():
    assert searched().range_test == load(composed()).range_test
