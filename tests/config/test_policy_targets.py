"""Policies from configuration nodes: values, warm-up, momentum, and what goes wrong."""

import pytest
from omegaconf import OmegaConf

from clrx.config.phases import build_momentum, build_policy
from clrx.config.sections import Warmup as WarmupConfig
from clrx.config.target import read_target
from clrx.core.errors import UserError
from clrx.policy.momentum import InverseMomentum
from clrx.policy.triangular import Triangular
from clrx.schedule.progress import progress_at
from clrx.schedule.warmup import Warmup

CONFIG = """
bounds: {base_lr: 0.1, max_lr: 0.4, step_size: 2}
warmup: {epochs: 0, start_factor: 0.1}
policy:
  _target_: clrx.policy.triangular.Triangular
  base_lr: ${bounds.base_lr}
  max_lr: ${bounds.max_lr}
  step_size: ${bounds.step_size}
momentum_policy:
  _target_: clrx.policy.momentum.InverseMomentum
  base_momentum: 0.8
  max_momentum: 0.9
  shape:
    _target_: clrx.policy.triangular.Triangular
    base_lr: 0
    max_lr: 1
    step_size: ${bounds.step_size}
"""


def config(**changes):
    cfg = OmegaConf.create(CONFIG)
    for key, value in changes.items():
        OmegaConf.update(cfg, key.replace("__", "."), value, force_add=True)
    return cfg


def make_policy(cfg):
    plain = OmegaConf.to_container(cfg, resolve=True)
    return build_policy(read_target(plain["policy"], "policy"), WarmupConfig(**plain["warmup"]))


def make_momentum_policy(cfg):
    plain = OmegaConf.to_container(cfg, resolve=True)
    momentum = read_target(plain["momentum_policy"], "momentum_policy")
    return build_momentum(momentum, WarmupConfig(**plain["warmup"]))


def test_policy_reads_the_bounds():
    cfg = config()
    assert make_policy(cfg) == Triangular(0.1, 0.4, 2)


def test_warm_up_stands_before_rate_and_momentum():
    """While the rate warms up momentum stays at its start; afterwards they move against each other."""
    cfg = config(warmup__epochs=2)
    policy = make_policy(cfg)
    momentum = make_momentum_policy(cfg)
    assert policy == Warmup(Triangular(0.1, 0.4, 2), 2, 0.1)
    times = [progress_at(10 * epoch, 10, 100) for epoch in (0, 1, 2, 4, 6)]
    expected = [(0.01, 0.9), (0.055, 0.9), (0.1, 0.9), (0.4, 0.8), (0.1, 0.9)]
    assert [(policy(now), momentum(now)) for now in times] == [pytest.approx(pair) for pair in expected]


def test_momentum_moves_only_when_asked():
    assert make_momentum_policy(config(momentum_policy=None)) is None
    assert make_momentum_policy(config(momentum_policy={"_target_": None})) is None
    assert make_momentum_policy(config()) == InverseMomentum(0.8, 0.9, Triangular(0, 1, 2))


@pytest.mark.parametrize(
    ("changes", "where", "said"),
    [
        ({"bounds__max_lr": 0.05}, "bounds.max_lr", "bounds.max_lr is 0.05"),
        ({"bounds__base_lr": -1}, "bounds.base_lr", "bounds.base_lr is -1"),
        ({"bounds__step_size": 0}, "bounds.step_size", "bounds.step_size is 0"),
        ({"bounds__max_lr": float("nan")}, "bounds.max_lr", "nan"),
        ({"bounds__max_lr": "fast"}, "bounds.max_lr", "'fast'"),
        ({"policy__gamma": 1}, "policy", "gamma"),
    ],
)
def test_mistake_is_named_by_its_key(changes, where, said):
    cfg = config(**changes)
    with pytest.raises(UserError) as caught:
        make_policy(cfg)
    assert caught.value.where == where
    assert said in caught.value.what


def test_mistake_in_momentum_is_named_by_its_key():
    cfg = config(momentum_policy__max_momentum=1.5)
    with pytest.raises(UserError) as caught:
        make_momentum_policy(cfg)
    assert caught.value.where == "momentum_policy.max_momentum"
