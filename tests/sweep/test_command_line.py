"""What a sweep's command line means: for Hydra, for its directory, for the report."""

from pathlib import Path

import pytest

from clrx.core.errors import UserError
from clrx.core.paths import conf_dir
from clrx.run.read import state_of
from clrx.sweep import command_line
from clrx.sweep.command_line import (
    of_first_run,
    put_back,
    read_sweep,
    reopen,
    runs_of,
    split_words,
    sweep_name,
)

DEFAULTS = ["policy", "seed"]


def test_one_command_is_one_directory_and_another_is_another():
    words = ["policy=constant,sgdr", "model=cnn4", "lr=0.1"]
    name = sweep_name(words, DEFAULTS)
    assert name.startswith("policy_seed_")
    assert name == sweep_name([words[2], *words[:2]], DEFAULTS), "order of the words does not matter"
    assert name == sweep_name([*words, "hydra/launcher=ray", "hydra.launcher.workers=4"], DEFAULTS)
    assert name != sweep_name(["policy=constant,sgdr", "model=cnn4", "lr=0.2"], DEFAULTS)
    assert sweep_name(["policy=constant", "lr=0.1,0.2"], DEFAULTS).startswith("seed_lr_")


def test_words_of_the_sweeps_own_change_neither_hydras_nor_the_directory():
    plain = read_sweep(["model=cnn4"], conf_dir())
    sweep = read_sweep(
        ["model=cnn4", "workers=3", "retry=all", "baseline=constant", "target=0.8"], conf_dir()
    )
    assert sweep.path == plain.path
    assert set(sweep.words) - set(plain.words) == {"++hydra.launcher.workers=3"}
    assert sweep.retry == "all"
    assert sweep.report == {"baseline": "constant", "target": "0.8"}
    assert sweep.runs


@pytest.mark.parametrize(
    ("words", "runs"),
    [(["--help"], False), (["--cfg", "job"], False), (["--config-dir=x"], True), (["-m"], True)],
)
def test_only_what_runs_is_listed(words, runs):
    assert read_sweep(words, conf_dir()).runs is runs


def test_an_experiment_names_what_is_swept(tmp_path):
    (tmp_path / "experiment").mkdir()
    usual = "hydra: {sweeper: {params: {policy: 'constant,triangular', seed: '0,1,2'}}}"
    (tmp_path / "sweep.yaml").write_text(usual)
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "hydra: {sweeper: {params: {plan: 'a,b', seed: '0,1'}}}"
    )
    (tmp_path / "experiment" / "silent.yaml").write_text("lr: 0.1")
    sweep = read_sweep(["experiment=mine", "lr=0.1"], tmp_path)
    assert {"~hydra.sweeper.params.policy", "hydra.sweeper.params.seed='0,1'"} <= set(sweep.words)
    assert sweep.path.name.startswith("plan_seed_")
    for flag in (["--config-dir", str(tmp_path)], [f"--config-dir={tmp_path}"]):
        assert "hydra.sweeper.params.seed='0,1'" in read_sweep([*flag, "experiment=mine"], conf_dir()).words
    silent = read_sweep(["experiment=silent"], tmp_path)
    assert silent.path.name.startswith("policy_seed_")
    assert not [word for word in silent.words if "sweeper" in word]


def test_a_directory_can_be_named():
    assert read_sweep(["hydra.sweep.dir='my sweeps/1'"], conf_dir()).path == Path("my sweeps/1")


def test_keys_with_several_values_and_with_one():
    words = [
        "seed=range(3)",
        "lr=interval(0.1,1)",
        "model=cnn4",
        "policy=choice(sgdr,step)",
        "hydra.mode=RUN",
    ]
    assert split_words([*words, "+x=[1,2]"]) == (["seed", "lr", "policy"], ["model", "x"])


@pytest.mark.parametrize(
    ("words", "compared"),
    [
        ([], True),
        (["dataset=cifar10"], True),
        (["seed=0,1"], True),
        (["plan=single,dlr_cla"], False),
        (["search=optuna", "lr=interval(0.1,1)"], False),
        (["policy=constant,sgdr", "lr=0.1,0.2"], True),
    ],
)
def test_the_policies_are_compared_where_nothing_else_is(words, compared):
    assert ("~hydra.sweeper.params.policy" in read_sweep(words, conf_dir()).words) != compared


def test_a_search_is_hydras_sweeper():
    words = read_sweep(["search=optuna", "search.trials=5", "lr=interval(0.1,1)"], conf_dir()).words
    assert {"hydra/sweeper=optuna", "hydra.sweeper.trials=5"} <= set(words)


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("retry=some", "failed, diverged, all"),
        ("workers=0", "1, 2"),
        ("workers=2 hydra/launcher=basic", "processes"),
        ("hydra/launcher=ray", "clrx[ray]"),
        ("hydra/launcher=submitit_slurm", "clrx[slurm]"),
        ("hydra/launcher=joblib", "clrx[joblib]"),
    ],
)
def test_mistakes(word, part, monkeypatch):
    monkeypatch.setattr(command_line, "find_spec", lambda module: None)  # as where no extra is installed
    with pytest.raises(UserError) as caught:
        read_sweep(word.split(), conf_dir())
    assert part in str(caught.value)


def test_a_retry_opens_the_runs_in_these_states_alone(tmp_path):
    for name, state in (("a=1", "failed"), ("a=2", "complete"), ("a=3", "diverged"), ("a=4", "interrupted")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(f'{{"state": "{state}"}}')
    before = reopen(tmp_path, ("failed",))
    assert before == {tmp_path / "a=1": {"state": "failed"}}
    states = [state_of(run) for run in runs_of(tmp_path)]
    assert states == ["interrupted", "complete", "diverged", "interrupted"]


def test_a_refused_retry_is_undone_where_nobody_has_begun_the_run(tmp_path):
    for name in ("a=1", "a=2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text('{"state": "failed"}')
    before = reopen(tmp_path, ("failed",))
    (tmp_path / "a=2" / "run.json").write_text('{"state": "running"}')
    put_back(before)
    assert [state_of(run) for run in runs_of(tmp_path)] == ["failed", "running"]


def test_the_first_run_stands_for_all_where_a_configuration_is_printed():
    """`clrx sweep seed=0,1 --cfg job` was refused: several values."""
    words = [
        "seed=0,1",
        "lr=tag(log,interval(1e-3,1e-1))",
        "policy=constant",
        "--cfg",
        "job",
        "epochs='range(3,5)'",
    ]
    assert of_first_run(words[:5]) == ["seed=0", "policy=constant", "--cfg", "job"]
