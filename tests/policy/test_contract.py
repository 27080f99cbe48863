"""What holds for every policy that has a YAML, and for every file in clrx/policy."""

import ast
import pickle
import random
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from clrx.config.target import build, read_target
from clrx.schedule.progress import cycle_ends, progress_at
from clrx.schedule.warnings import trace

ROOT = Path(__file__).parents[2]
POLICIES = sorted(path.stem for path in (ROOT / "conf/policy").glob("*.yaml"))
MOMENTA = sorted(path.stem for path in (ROOT / "conf/momentum_policy").glob("*.yaml"))
FILES = sorted((ROOT / "clrx/policy").glob("*.py"))
OTHERS = {"__init__", "momentum"}  # momentum: reached through conf/momentum_policy


def compose(group: str, name: str, base_lr: float = 0.01, max_lr: float = 0.04, step_size: float = 2):
    """The part of train.yaml that a policy reads, with one policy in it."""
    around = {
        "lr": max_lr,
        "decay": 0.001,
        "epochs": 12,
        "bounds": {"base_lr": base_lr, "max_lr": max_lr, "step_size": step_size},
    }
    return OmegaConf.create({**around, group: OmegaConf.load(ROOT / "conf" / group / f"{name}.yaml")})


def built(group: str, name: str, **bounds: float):
    target = read_target(OmegaConf.to_container(compose(group, name, **bounds)[group], resolve=True), group)
    return target and build(target)


def policy_named(name: str, **bounds: float):
    return built("policy", name, **bounds)


def test_issue_names_are_there():
    assert {*POLICIES} >= {
        *("constant", "step", "exponential", "time_decay", "triangular", "triangular2"),
        *("modified_triangular2", "exp_range", "one_cycle", "cosine", "sgdr"),
        *("multi_step", "polynomial", "wsd", "rex", "inverse_sqrt", "power"),
    }


@pytest.mark.parametrize("name", POLICIES)
def test_yaml_and_file_have_one_name_and_the_same_keys(name):
    cfg, policy = compose("policy", name), policy_named(name)
    assert cfg.policy._target_.split(".")[:-1] == ["clrx", "policy", name]
    assert [str(key) for key in cfg.policy if key != "_target_"] == [field.name for field in fields(policy)]


def test_every_file_has_its_yaml():
    assert {path.stem for path in FILES} - OTHERS == set(POLICIES)


@pytest.mark.parametrize("name", POLICIES)
def test_frozen_hashable_and_picklable(name):
    policy = policy_named(name)
    assert is_dataclass(policy)
    with pytest.raises(FrozenInstanceError):
        setattr(policy, fields(policy)[0].name, 1.0)
    again = pickle.loads(pickle.dumps(policy))
    assert again == policy
    assert hash(again) == hash(policy)
    now = progress_at(37, 10, 120)
    assert again(now) == policy(now)


@pytest.mark.parametrize("name", POLICIES)
def test_resume_is_only_a_step_number(name):
    """Asked in any order, twice, or after being pickled in the middle, a policy gives the same rates."""
    policy = policy_named(name)
    straight = [policy(progress_at(step, 10, 120)) for step in range(120)]
    order = list(range(120))
    random.Random(0).shuffle(order)
    shuffled = {step: policy(progress_at(step, 10, 120)) for step in order}
    resumed = pickle.loads(pickle.dumps(policy))
    assert [shuffled[step] for step in range(120)] == straight
    assert [resumed(progress_at(step, 10, 120)) for step in range(61, 120)] == straight[61:]


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=40)
@given(
    base_lr=st.floats(0, 0.1),
    height=st.floats(0, 10),
    step_size=st.floats(0.05, 50),
    steps_per_epoch=st.integers(1, 500),
    epochs=st.integers(1, 50),
    share=st.floats(0, 1.5),
)
def test_rate_is_a_float_within_its_bounds(name, base_lr, height, step_size, steps_per_epoch, epochs, share):
    """Also at the first step, at the last one, and past the end of the run."""
    top, total = base_lr + height, epochs * steps_per_epoch
    policy = policy_named(name, base_lr=base_lr, max_lr=top, step_size=step_size)
    for step in (0, total - 1, round(share * total)):
        rate = policy(progress_at(step, steps_per_epoch, total))
        assert type(rate) is float
        assert 0 <= rate <= top * (1 + 1e-12)


@pytest.mark.parametrize("name", POLICIES)
def test_cycle_ends_are_where_the_rate_is_lowest(name):
    """The last step before an end has the lowest rate of the steps around it; ends are sorted, in the run."""
    policy = policy_named(name)
    ends = cycle_ends(policy, 12)
    assert list(ends) == sorted(set(ends))
    assert all(0 < end <= 12 for end in ends)
    lr = trace(policy, 12, 100).lr
    for end in ends:
        last = round(100 * end) - 1
        assert lr[last] < lr[last - 20]
        assert last + 20 >= len(lr) or lr[last] < lr[last + 20]


@pytest.mark.parametrize("name", MOMENTA)
def test_momentum_stays_within_its_bounds(name):
    policy = built("momentum_policy", name)
    if name == "none":
        assert policy is None
        return
    momentum = trace(policy, 12, 100).lr
    assert momentum.min() == pytest.approx(0.85)
    assert momentum.max() == pytest.approx(0.95)
    assert pickle.loads(pickle.dumps(policy)) == policy


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_imports_nothing_but_the_standard_library_progress_and_errors(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            imported.add(node.module)
    foreign = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign <= {"clrx.schedule.progress", "clrx.core.errors"}
