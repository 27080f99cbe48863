"""What may be compared, with what, on which metric."""

import json

import pytest

from clrx.core.errors import UserError
from clrx.report.comparison import compare
from clrx.report.notices import notices

SPLIT = {"split_hash": "6" * 64}


def test_runs_of_different_splits_are_refused_with_the_groups_named(run, tmp_path):
    run(tmp_path / "a", policy="constant")
    run(tmp_path / "b", policy="triangular", facts=SPLIT)
    with pytest.raises(UserError) as refusal:
        compare([tmp_path])
    assert refusal.value.exit_code == 2
    assert "different split hashes: 55555555 in constant; 66666666 in triangular" in str(refusal.value)
    assert "force=true" in refusal.value.fix


@pytest.mark.parametrize("facts", [SPLIT, {"data_hash": "e" * 64}])
def test_within_one_configuration_too(run, tmp_path, facts):
    run(tmp_path / "a", seed=0)
    run(tmp_path / "b", seed=1, facts=facts)
    with pytest.raises(UserError, match="different"):
        compare([tmp_path])


def test_forced_it_is_said_first(run, tmp_path):
    run(tmp_path / "a", policy="constant")
    run(tmp_path / "b", policy="triangular", facts=SPLIT)
    first = notices(compare([tmp_path], force=True))[0]
    assert first.severe
    assert first.text.startswith("NOT ONE EXPERIMENT (force=true): different split hashes")


def test_folds_differ_by_design_and_are_paired_with_their_like(run, tmp_path):
    for policy in ("constant", "triangular"):
        for fold in (0, 1):
            settings = {"config": {"split": {"fold": fold}}, "facts": {"split_hash": str(fold) * 64}}
            run(tmp_path / policy / str(fold), policy=policy, **settings)
    comparison = compare([tmp_path])
    assert [list(group.complete) for group in comparison.groups] == [[(0, 0), (0, 1)]] * 2


@pytest.mark.parametrize(
    ("options", "known", "fix"),
    [
        ({"metric": "aurok"}, "auroc", "did you mean auroc?"),
        ({"baseline": "constnat"}, "constant; triangular", "did you mean constant?"),
    ],
)
def test_unknown_names_get_the_nearest(sweep, tmp_path, options, known, fix):
    sweep(tmp_path / "s", {"constant": [0.8], "triangular": [0.8]})
    with pytest.raises(UserError) as refusal:
        compare([tmp_path], **options)
    assert known in refusal.value.allowed
    assert refusal.value.fix == fix


@pytest.mark.parametrize(
    ("policies", "asked", "baseline"),
    [
        (["triangular", "constant"], None, "constant"),
        (["triangular", "sgdr"], None, "triangular"),
        (["triangular", "time_decay"], None, "time_decay"),
        (["constant", "triangular"], "triangular", "triangular"),
    ],
)
def test_the_baseline_comes_first(sweep, tmp_path, policies, asked, baseline):
    for k, policy in enumerate(policies):
        sweep(tmp_path / str(k), {policy: [0.8]}, facts={"started": f"2025-01-0{k + 1}"})
    comparison = compare([tmp_path], baseline=asked)
    assert comparison.baseline.label == comparison.groups[0].label == baseline


@pytest.mark.parametrize(("task", "metric"), [("binary", "auroc"), ("multiclass", "accuracy")])
def test_the_metric_is_the_one_that_runs_were_selected_by(run, tmp_path, task, metric):
    run(tmp_path / "a", task=task, classes=("x", "y"))
    assert compare([tmp_path]).metric == metric


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"facts": {"synthetic": True}}, "SYNTHETIC DATA (phantom)"),
        ({"config": {"scale": 0.1}}, "SCALED DOWN (scale=0.1)"),
        ({"config": {"selection": "test"}}, "SELECTED ON TEST (constant)"),
        ({"state": "diverged"}, "1 run of 2 is not complete (1 diverged)"),
        ({"facts": {"git": {"commit": "12345678", "changed": True}}}, "uncommitted changes"),
        ({"facts": {"hardware": {"accelerator": "Some GPU"}}}, "seconds and speed-ups do not compare"),
        ({"curve": [0.5, 0.6]}, "different numbers of optimizer steps (constant 10 and 30)"),
        ({"seed": 0}, "constant, seed 0 was run 2 times"),
    ],
)
def test_notices(run, tmp_path, settings, words):
    run(tmp_path / "a", seed=0)
    before = " ".join(notice.text for notice in notices(compare([tmp_path])))
    run(tmp_path / "b", **{"seed": 1, **settings})
    comparison = compare([tmp_path], force=True)
    if "config" in settings:  # another configuration: a group of its own
        run(tmp_path / "c", **{"seed": 0, **settings})
        comparison = compare([tmp_path / "b", tmp_path / "c"])
    assert words not in before
    assert words in " ".join(notice.text for notice in notices(comparison))


def test_a_run_that_failed_before_its_data_were_open_takes_nothing_from_the_others(run, tmp_path):
    early = run(tmp_path / "a", seed=0, state="failed", curve=[])
    choices = {"policy": "constant", "dataset": "phantom", "model": "mobilenet", "experiment": None}
    record = {
        "started": "2024-01-01",
        "state": "failed",
        "error": "no such file",
        "choices": choices,
        "seed": 0,
    }
    (early / "run.json").write_text(json.dumps(record))
    run(tmp_path / "b", seed=1, task="multiclass", classes=("x", "y"))
    comparison = compare([tmp_path])
    assert [group.label for group in comparison.groups] == ["constant"]
    assert (comparison.metric, comparison.facts["dataset"]) == ("accuracy", "phantom")
