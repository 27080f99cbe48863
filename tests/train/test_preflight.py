"""Every value of conf/train.yaml that no run can use is refused by its name, before data is read."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from clrx.cli.main import conf_dir
from clrx.config.compose import register_resolvers
from clrx.config.flatten import NODES
from clrx.config.phases import build_plan
from clrx.core.errors import UserError
from clrx.train.preflight import CHOICES, FLAGS, NUMBERS, check_config, check_data, warn_about_policies


@pytest.fixture(scope="module")
def default():
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", ["dataset=chestxray14"])


@pytest.fixture
def process():
    """The number of threads belongs to the process: give it back."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def changed(default, key, value):
    cfg = default.copy()
    OmegaConf.update(cfg, key, value, force_add=False)
    return cfg


def test_the_defaults_are_accepted(default, process):
    check_config(default)
    assert not torch.are_deterministic_algorithms_enabled()


NAN, INF = float("nan"), float("inf")
REFUSED = [
    *((key, 3, f"{key}=3 takes the place of its keys") for key in NODES),
    ("bounds", None, "bounds=None takes the place of its keys"),
    ("precision", "fp16", "precision=fp16 is unknown"),
    ("sampling", "balanced", "sampling=balanced is unknown"),
    ("selection", "val", "selection=val is unknown"),
    ("on_divergence", "back", "on_divergence=back is unknown"),
    ("logger", "wandb", "logger=wandb is unknown"),
    ("logger", None, "logger=None is unknown"),
    *((key, value, f"{key}={value} is neither") for key in FLAGS for value in ("yes", 1, None)),
    *((key, None, f"{key} is None") for key in NUMBERS),
    *((key, "many", f"{key} is 'many'") for key in NUMBERS),
    *((key, True, f"{key} is True") for key in NUMBERS),
    *((key, NAN, f"{key} is nan") for key in NUMBERS),
    ("seed", -1, "seed is -1"),
    ("seed", 0.5, "seed is 0.5"),
    ("epochs", 0, "epochs is 0"),
    ("epochs", 2.0, "epochs is 2.0"),
    ("batch_size", 0, "batch_size is 0"),
    ("accumulate", 0, "accumulate is 0"),
    ("lr", 0, "lr is 0"),
    ("lr", -0.1, "lr is -0.1"),
    ("lr", INF, "lr is inf"),
    ("momentum", 1.0, "momentum is 1.0"),
    ("momentum", -0.1, "momentum is -0.1"),
    ("weight_decay", -1e-4, "weight_decay is -0.0001"),
    ("bootstrap.resamples", 0, "bootstrap.resamples is 0"),
    ("bootstrap.level", 1.0, "bootstrap.level is 1.0"),
    ("bootstrap.level", 95, "bootstrap.level is 95"),
    ("backoff_factor", 1.0, "backoff_factor is 1.0"),
    ("backoff_factor", 0, "backoff_factor is 0"),
    ("max_backoffs", -1, "max_backoffs is -1"),
    ("grad_clip", 0, "grad_clip is 0"),
    ("grad_clip", NAN, "grad_clip is nan"),
    ("ema", 1.0, "ema is 1.0"),
    ("ema", 0, "ema is 0"),
    ("ema", "on", "ema is 'on'"),
    ("threads", 0, "threads is 0"),
    ("workers", 1.5, "workers is 1.5"),
    ("memory_budget", "8GB", "memory_budget is '8GB'"),
    ("loss.class_weights", "auto", "loss.class_weights=auto is unknown"),
    ("loss.label_smoothing", 1.0, "loss.label_smoothing is 1.0"),
    ("loss.focal_gamma", -2, "loss.focal_gamma is -2"),
    ("selection_metric", "auc", "selection_metric=auc is no recorded metric"),
    ("selection_metric", None, "selection_metric=None is no recorded metric"),
    ("early_stopping.metric", "los", "early_stopping.metric=los is no recorded metric"),
    ("checkpoint.every", "1 hour", "checkpoint.every=1 hour is no interval"),
    ("device", "tpu", "device=tpu is"),
    ("device", "cuda:99", "device=cuda:99, but this machine has"),
]


@pytest.mark.parametrize(("key", "value", "what"), REFUSED)
def test_a_value_is_refused_with_its_key(default, process, key, value, what):
    with pytest.raises(UserError) as caught:
        check_config(changed(default, key, value))
    assert what in caught.value.what
    assert caught.value.allowed


ACCEPTED = [
    # the other loggers need packages that may not be here: tests/test_track.py
    *((key, word) for key, words in CHOICES.items() for word in words if key != "logger" or word == "none"),
    ("momentum", 0),
    ("weight_decay", 0),
    ("grad_clip", 1),
    ("ema", 0.999),
    ("lr", 1),
    ("memory_budget", 0),
    ("selection_metric", "f1"),
    ("early_stopping.metric", "loss"),
    ("early_stopping.metric", "train_loss"),
    ("device", "cpu"),
    ("max_backoffs", 0),
    ("checkpoint.every", "5 steps"),
]


@pytest.mark.parametrize(("key", "value"), ACCEPTED)
def test_a_value_is_accepted(default, process, key, value):
    check_config(changed(default, key, value))


def test_the_nearest_metric_is_named(default):
    with pytest.raises(UserError) as caught:
        check_config(changed(default, "selection_metric", "aurok"))
    assert "did you mean auroc" in caught.value.fix
    assert "val_" not in caught.value.allowed


def test_a_phase_stops_by_a_recorded_metric_too(default):
    cfg = default.copy()
    phase = {"name": "a", "epochs": 1, "policy": {}, "early_stopping": {"metric": "acuracy"}}
    cfg.plan = OmegaConf.create({"phases": [{"name": "b"}, phase]})
    with pytest.raises(UserError, match=r"plan\.phases\.1\.early_stopping\.metric=acuracy"):
        check_config(cfg)


def test_threads_and_determinism_are_set(default, process, monkeypatch):
    asked, mode = [], "are_deterministic_algorithms_enabled"
    monkeypatch.setattr(
        torch, "use_deterministic_algorithms", asked.append
    )  # the real one imports a compiler
    check_config(changed(changed(default, "threads", 1), "deterministic", True))
    assert torch.get_num_threads() == 1
    monkeypatch.setattr(torch, mode, lambda: True)
    check_config(default)
    assert asked == [True, False]


def data(images):
    split = SimpleNamespace(
        validation=np.arange(2), test=np.arange(3), hash="0" * 64, notes=("patients leak",)
    )
    source = SimpleNamespace(name="phantom", notes=("two images are missing",))
    return SimpleNamespace(train=np.arange(images), split=split, source=source)


def test_a_batch_larger_than_the_training_set_is_refused(caplog):
    with pytest.raises(UserError, match="batch_size=9 is larger than the training set of 8 images") as caught:
        check_data(SimpleNamespace(batch_size=9), data(8))
    assert caught.value.allowed == "1 to 8"


def test_what_the_data_has_to_say_is_logged(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("clrx"), "propagate", True)
    with caplog.at_level(logging.INFO, logger="clrx"):
        check_data(SimpleNamespace(batch_size=8), data(8))
    assert caplog.messages[:2] == ["two images are missing", "patients leak"]
    assert "8 images for training, 2 for validation, 3 for test (split 000000000000)" in caplog.messages[2]


@pytest.mark.parametrize(("epochs", "warned"), [(4, False), (5, True), (8, False)])
def test_an_unfinished_cycle_is_said(default, caplog, monkeypatch, epochs, warned):
    monkeypatch.setattr(logging.getLogger("clrx"), "propagate", True)
    cfg = changed(changed(default, "epochs", epochs), "bounds.step_size", 2)
    with caplog.at_level(logging.WARNING, logger="clrx"):
        warn_about_policies(build_plan(cfg), steps_per_epoch=50)
    assert (len(caplog.messages) > 0) is warned
    assert all("unfinished" in message and message.startswith("main: ") for message in caplog.messages)
