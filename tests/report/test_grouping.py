"""Runs are grouped by what differs, and groups are called by it."""

import pytest

from clrx.report.grouping import differences, group_runs
from clrx.run.read import collect


def choices(**taken):
    return {"choices": taken}


@pytest.mark.parametrize(
    ("runs", "labels"),
    [
        ([{"policy": "constant"}, {"policy": "triangular"}], ["constant", "triangular"]),
        ([{"seed": 0}, {"seed": 1}], ["constant"]),
        ([{"config": {"workers": 1}}, {"config": {"workers": 8}}], ["constant"]),
        (
            [{"config": {"bounds": {"max_lr": 0.01}}}, {"config": {"bounds": {"max_lr": 0.03}}}],
            ["bounds.max_lr=0.01", "bounds.max_lr=0.03"],
        ),
        (
            [
                {"config": {"model": {"name": name}}, "facts": choices(policy="constant", model=name)}
                for name in ("cnn4", "resnet9")
            ],
            ["cnn4", "resnet9"],
        ),
        (
            [
                {"config": {"lr": 0.1}},
                {"config": {"lr": 0.2}},
                {"config": {"lr": 0.1}, "policy": "triangular"},
            ],
            ["constant, lr=0.1", "constant, lr=0.2", "triangular"],
        ),
        (  # the plan repeats a key: the one that the user sets is shown
            [{"config": {"epochs": n, "plan": {"phases": [{"epochs": n}]}}} for n in (4, 8)],
            ["epochs=4", "epochs=8"],
        ),
    ],
)
def test_groups_and_their_labels(run, tmp_path, runs, labels):
    for k, settings in enumerate(runs):
        settings = {"facts": {}, **settings}
        started = {"started": f"2025-01-01T00:00:{k:02d}"}
        run(
            tmp_path / str(k),
            **settings | {"facts": settings["facts"] | started},
            state="running",
            curve=[0.5],
        )
    assert [group.label for group in group_runs(collect([tmp_path]))] == labels


def test_of_two_runs_of_one_seed_the_later_one_counts(run, tmp_path):
    for k, value in enumerate((0.7, 0.9)):
        started = {"started": f"2025-01-0{k + 1}T00:00:00+00:00"}
        run(tmp_path / "ba"[k], auroc=value, facts=started)
    (group,) = group_runs(collect([tmp_path]))
    assert [found.test("auroc") for found in group.complete.values()] == [0.9]


def test_only_what_differs_is_shown_and_once(run, tmp_path):
    for k, rate in enumerate((0.01, 0.03)):
        bounds = {"base_lr": 0.001, "max_lr": rate, "step_size": 2}
        policy = {"_target_": "clrx.policy.triangular.Triangular", "max_lr": rate}
        config = {
            "bounds": bounds,
            "policy": policy,
            "plan": {"phases": [{"policy": policy}]},
            "momentum": k / 10,
        }
        run(tmp_path / str(k), policy="triangular", config=config)
    found = differences(group_runs(collect([tmp_path])))
    assert found == {"momentum": ["0", "0.1"], "bounds.max_lr": ["0.01", "0.03"]}
