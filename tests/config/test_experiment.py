"""The contract of every conf/experiment/*/*.yaml: it composes, compares what it says, knows whose numbers it has."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from clrx.config.compose import register_resolvers
from clrx.config.load import check_bounds, load, recorded
from clrx.config.phases import build_phases
from clrx.core.paths import conf_dir
from clrx.report.published import LESS_IS_BETTER, read
from clrx.run.read import as_text
from clrx.training.preflight import check_config

FILES = sorted((conf_dir() / "experiment").glob("*/*.yaml"))
NAMES = [f"{file.parent.name}/{file.stem}" for file in FILES]
TESTED = ("auroc", "average_precision", "accuracy", "precision", "recall", "f1")


def compared(name: str) -> dict[str, list[str]]:
    """Key -> the values that the experiment compares."""
    params = OmegaConf.load(conf_dir() / "experiment" / f"{name}.yaml").hydra.sweeper.params
    return {str(key): str(values).split(",") for key, values in params.items()}


def composed(*words: str):
    """What `clrx train` composes of the words, with Hydra's own node."""
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", list(words), return_hydra_config=True)


def options(cfg) -> dict[str, str]:
    """What `match` of a published number may name: choices, and single keys."""
    choices = {str(key): str(value) for key, value in cfg.hydra.runtime.choices.items()}
    return dict(as_text(recorded(without_hydra(cfg)))) | choices


def without_hydra(cfg):
    return OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])


def accepted(cfg) -> None:
    raw = without_hydra(cfg)
    check_bounds(raw)
    check_config(load(raw))
    assert build_phases(load(raw))


@pytest.mark.everyday(5)
@pytest.mark.parametrize("name", NAMES)
def test_it_composes_and_its_published_numbers_are_of_what_it_compares(name):
    cfg, sweep = composed(f"experiment={name}"), compared(name)
    accepted(cfg)
    assert "seed" in sweep
    known = options(cfg)
    for node in OmegaConf.to_container(cfg.published):
        entry = read(node)
        assert entry.metric in LESS_IS_BETTER or 0 <= entry.value <= 1
        assert entry.metric != "epochs_to_target" or cfg.selection_metric != "auto"  # of which curve
        base = entry.metric.removeprefix("val_").removeprefix("train_").removesuffix("_at_0.5")
        assert base in (*TESTED, *LESS_IS_BETTER)
        for key, value in entry.match.items():
            assert str(value) in sweep.get(key, [known.get(key)]), f"{key}: {value} is not compared"


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
def test_every_value_that_is_compared_composes(name):
    for key, values in compared(name).items():
        for value in values:
            accepted(composed(f"experiment={name}", f"{key}={value}"))


def test_table_5_trains_each_disease_as_tables_2_to_4_have_it():
    hernia = composed("experiment=chopade2021/table5", "disease=hernia")
    fibrosis = composed("experiment=chopade2021/table5", "disease=fibrosis")
    assert hernia.optimizer._target_.endswith("KerasAdam")
    assert fibrosis.optimizer._target_.endswith("KerasSGD")
    told = [
        (c.batch_size, c.optimizer.lr, c.decay, c.epochs, c.dataset.no_finding) for c in (hernia, fibrosis)
    ]
    assert told == [(4, 0.01, 0.0001, 30, 250), (32, 0.001, 0.00005, 10, 1700)]


def test_table_7_trains_again_as_table_8_has_it():
    cfg = composed("experiment=chopade2021/table7", "disease=infiltration")
    decay, clr = build_phases(load(without_hydra(cfg)))
    assert (decay.epochs, decay.policy.lr, decay.policy.decay) == (10, 0.01, 0.001)
    assert (clr.epochs, clr.policy.base_lr, clr.policy.max_lr, clr.policy.step_size) == (10, 0.005, 0.02, 2)
    assert type(clr.policy).__name__ == "ModifiedTriangular2"


def test_smiths_plans_have_his_iterations():
    """Table 1: 70,000, 25,000, 25,000, 70,000 and 42,000 iterations, of which 500 are an epoch."""
    plans = compared("smith2017/table1")["plan"]
    cfgs = [without_hydra(composed("experiment=smith2017/table1", f"plan={name}")) for name in plans]
    assert [500 * sum(phase.epochs for phase in build_phases(load(cfg))) for cfg in cfgs] == [
        *(70_000, 25_000, 25_000, 70_000, 42_000)
    ]


def test_each_has_its_row_in_the_table_of_the_papers():
    table = (conf_dir().parent / "docs" / "papers.md").read_text()
    assert [name for name in NAMES if f"experiment={name} " not in table] == []
