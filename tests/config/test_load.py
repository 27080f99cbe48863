"""Every value that no run can use is refused by its key, with what is allowed, before data is read."""

import pytest
from nodes import CONF, composed
from omegaconf import OmegaConf

from clrx.config.compose import reads_disease
from clrx.config.limits import keys_of
from clrx.config.load import load, recorded
from clrx.config.schema import DataConfig, FindLrConfig, PolicyConfig, TrainConfig
from clrx.core.errors import UserError

NAN, INF = float("nan"), float("inf")
GROUPS = ("bounds", "dataset", "model", "head", "optimizer", "policy", "momentum_policy", "augment", "plan")
SECTIONS = ("warmup", "range_test", "loss", "mix", "split", "early_stopping", "bootstrap", "checkpoint")
FLAGS = ("spare_norms", "test_flips", "cycle_weights", "channels_last", "deterministic")
NUMBERS = (
    *("seed", "scale", "epochs", "batch_size", "accumulate", "lr", "momentum", "weight_decay"),
    *("bootstrap.resamples", "bootstrap.level", "backoff_factor", "max_backoffs"),
    *("split.validation", "split.test", "split.seed"),
)
REFUSED = [
    *((key, 3, f"{key}=3 takes the place of its keys") for key in (*GROUPS, *SECTIONS)),
    ("bounds", None, "bounds=None takes the place of its keys"),
    ("precision", "fp16", "precision=fp16"),
    ("sampling", "balanced", "sampling=balanced"),
    ("selection", "val", "selection=val"),
    ("on_divergence", "back", "on_divergence=back"),
    ("logger", "wandb", "logger=wandb"),
    ("logger", None, "logger=null"),
    *((key, value, f"{key}=") for key in FLAGS for value in ("yes", 1, None)),
    *((key, None, f"{key}=null") for key in NUMBERS),
    *((key, "many", f"{key}=many") for key in NUMBERS),
    *((key, True, f"{key}=true") for key in NUMBERS),
    *((key, NAN, f"{key}=nan") for key in NUMBERS),
    ("seed", -1, "seed=-1"),
    ("seed", 0.5, "seed=0.5"),
    ("epochs", 0, "epochs=0"),
    ("epochs", 2.0, "epochs=2.0"),
    ("batch_size", 0, "batch_size=0"),
    ("accumulate", 0, "accumulate=0"),
    ("lr", 0, "lr=0"),
    ("lr", -0.1, "lr=-0.1"),
    ("lr", INF, "lr=inf"),
    ("momentum", 1.0, "momentum=1.0"),
    ("momentum", -0.1, "momentum=-0.1"),
    ("weight_decay", -1e-4, "weight_decay=-0.0001"),
    ("bootstrap.resamples", 0, "bootstrap.resamples=0"),
    ("bootstrap.level", 1.0, "bootstrap.level=1.0"),
    ("bootstrap.level", 95, "bootstrap.level=95"),
    ("backoff_factor", 1.0, "backoff_factor=1.0"),
    ("backoff_factor", 0, "backoff_factor=0"),
    ("max_backoffs", -1, "max_backoffs=-1"),
    ("grad_clip", 0, "grad_clip=0"),
    ("grad_clip", NAN, "grad_clip=nan"),
    ("ema", 1.0, "ema=1.0"),
    ("ema", 0, "ema=0"),
    ("ema", "on", "ema=on"),
    ("threads", 0, "threads=0"),
    ("workers", 1.5, "workers=1.5"),
    ("memory_budget", "8GB", "memory_budget=8GB"),
    ("loss.class_weights", "auto", "loss.class_weights=auto"),
    ("loss.label_smoothing", 1.0, "loss.label_smoothing=1.0"),
    ("loss.focal_gamma", -2, "loss.focal_gamma=-2"),
    ("selection_metric", "auc", "selection_metric=auc"),
    ("selection_metric", None, "selection_metric=null"),
    ("early_stopping.metric", "los", "early_stopping.metric=los"),
    ("checkpoint.every", "1 hour", "checkpoint.every=1 hour"),
    ("device", "tpu", "device=tpu"),
    ("dataset.size", 7, "dataset.size=7"),
    ("dataset.channels", 2, "dataset.channels=2"),
    ("dataset.balanced", 0, "dataset.balanced=0"),
    ("model.weights", 3, "model.weights=3"),
    ("split.folds", 1, "split.folds=1"),
    ("range_test.start", 0, "range_test.start=0"),
    ("range_test.steps", 5, "range_test.steps=5"),
    ("range_test.repeats", 0, "range_test.repeats=0"),
    ("range_test.shape", "log", "range_test.shape=log"),
    ("range_test.curve", "accuracy", "range_test.curve=accuracy"),
    ("range_test.stop_at", 1, "range_test.stop_at=1"),
    ("range_test.epochs", 0, "range_test.epochs=0"),
]


def changed(key, value):
    raw = composed()
    OmegaConf.update(raw, key, value, force_add=False)
    return raw


@pytest.mark.parametrize(("key", "value", "what"), REFUSED)
def test_a_value_is_refused_with_its_key(key, value, what):
    with pytest.raises(UserError) as caught:
        load(changed(key, value))
    assert what in caught.value.what
    assert caught.value.where == key
    assert caught.value.allowed


ACCEPTED = [
    ("momentum", 0),
    ("weight_decay", 0),
    ("grad_clip", 1),
    ("ema", 0.999),
    ("lr", 1),
    ("memory_budget", 0),
    ("selection_metric", "f1"),
    ("selection_metric", "val_f1"),
    ("early_stopping.metric", "loss"),
    ("early_stopping.metric", "train_loss"),
    ("device", "cuda:99"),  # whether this machine has it is asked later
    ("max_backoffs", 0),
    ("checkpoint.every", "5 steps"),
    ("logger", "mlflow"),
]


@pytest.mark.parametrize(("key", "value"), ACCEPTED)
def test_a_value_is_accepted(key, value):
    load(changed(key, value))


@pytest.mark.parametrize(
    ("key", "value", "near"),
    [
        ("selection_metric", "aurok", "auroc"),
        ("precision", "bf61", "bf16"),
        ("range_test.rule", "stepest", "steepest"),
    ],
)
def test_the_nearest_is_named(key, value, near):
    with pytest.raises(UserError) as caught:
        load(changed(key, value))
    assert f"did you mean {near}" in caught.value.fix


def test_a_key_that_refers_to_itself_is_refused():
    raw = composed("policy=constant")
    raw.lr = "${policy.lr}"
    with pytest.raises(UserError, match="refers to itself"):
        load(raw)


KINDS = {"train": TrainConfig, "find_lr": FindLrConfig, "policy": PolicyConfig, "data": DataConfig}
READ_ELSEWHERE = {"disease", "run"}  # by interpolation alone; of one command


@pytest.mark.parametrize("task", KINDS)
def test_yaml_and_schema_have_the_same_keys(task):
    """A key in one alone would be a key without a default, or one without limits."""
    plain = OmegaConf.to_container(composed(task=task), resolve=True)
    assert set(plain) - READ_ELSEWHERE == set(KINDS[task].__pydantic_fields__)
    for name in SECTIONS:
        asked = {key.name for key in keys_of(TrainConfig) if key.name.startswith(f"{name}.")}
        assert {f"{name}.{key}" for key in plain[name]} == asked


def test_every_key_says_what_it_means_and_what_it_may_be():
    for kind in KINDS.values():
        for key in keys_of(kind):
            assert key.meaning, key.name
            assert key.allowed, key.name


@pytest.mark.parametrize("option", sorted(path.stem for path in (CONF / "dataset").glob("[!_]*.yaml")))
def test_a_disease_belongs_to_the_datasets_that_read_it(option):
    reads = "${disease." in (CONF / "dataset" / f"{option}.yaml").read_text()
    assert reads_disease(composed(f"dataset={option}")) is reads


def test_a_configuration_loads_again_from_its_record():
    raw = composed("policy=one_cycle", "dataset=cifar10", "plan=decay_then_clr")
    assert load(OmegaConf.create(recorded(raw))) == load(raw)


def test_bounds_that_were_found_reach_the_policies():
    raw = composed("bounds=auto", "policy=triangular")
    found = {"base_lr": 0.01, "max_lr": 0.3}
    for one in (raw, OmegaConf.create(recorded(raw))):
        assert load(one).bounds.max_lr == "auto"
        policy = load(one, found).plan.phases[0].policy
        assert (policy.arguments["base_lr"], policy.arguments["max_lr"]) == (0.01, 0.3)
