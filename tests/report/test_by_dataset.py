"""A sweep over several data sets has a report for each."""

import os
import signal
from contextlib import suppress

import pytest

from clrx.core.signals import Interrupted, listening
from clrx.report.by_dataset import data_sets
from clrx.report.grouping import differences, group_runs
from clrx.report.runs import circumstances
from clrx.run.read import collect
from clrx.sweep.command_line import Sweep
from clrx.task.sweep import report

pytestmark = pytest.mark.usefixtures("blank_pictures")


def on(disease, split, data="d"):
    choices = {"policy": "constant", "dataset": "phantom", "disease": disease}
    return {"choices": choices, "data_hash": data, "split_hash": split}


def test_one_data_set_is_one_set_whatever_failed(run, tmp_path):
    runs = [run(tmp_path / "a"), run(tmp_path / "b", seed=1)]
    runs += [run(tmp_path / "c", seed=2, state="failed", facts={"data_hash": None, "split_hash": None})]
    assert data_sets([tmp_path]) == {"": runs}


def test_diseases_stand_apart_and_a_run_without_data_goes_with_its_own(run, tmp_path):
    effusion = [run(tmp_path / f"e{seed}", seed=seed, facts=on("effusion", "1")) for seed in (0, 1)]
    hernia = [run(tmp_path / "h0", facts=on("hernia", "2", "other"))]
    hernia += [run(tmp_path / "h1", seed=1, state="failed", facts=on("hernia", None, None))]
    assert data_sets([tmp_path]) == {"effusion": effusion, "hernia": hernia}


def test_a_disease_that_the_dataset_does_not_read_makes_no_data_set(run, tmp_path):
    """0.1 recorded one of every run; CIFAR-10 reads none."""
    for k, disease in enumerate(("effusion", "hernia")):
        config = {"dataset": {"_target_": "clrx.dataset.cifar10.load"}, "disease": {"label": disease}}
        facts = on(disease, "1" * 64) | {"dataset": "cifar10"}
        run(tmp_path / disease, seed=k, config=config, facts=facts)
    assert list(data_sets([tmp_path])) == [""]
    (group,) = group_runs(collect([tmp_path]))
    assert (group.label, differences([group])) == ("constant", {})
    assert "disease" not in dict(circumstances(group.runs[0]))


def test_splits_of_one_data_set_are_named_by_their_hash(run, tmp_path):
    one = [run(tmp_path / "a", facts=on("effusion", "1" * 64))]
    two = [run(tmp_path / "b", facts=on("effusion", "2" * 64))]
    assert data_sets([tmp_path]) == {"11111111d": one, "22222222d": two}


@pytest.mark.parametrize("folds", [2, 3])
def test_folds_are_one_set(run, tmp_path, folds):
    for fold in range(folds):
        run(tmp_path / str(fold), config={"split": {"fold": fold}}, facts=on("effusion", str(fold)))
    assert list(data_sets([tmp_path])) == [""]


def test_a_sweep_over_diseases_reports_on_each_though_one_report_fails(run, tmp_path, capsys):
    """`baseline` names a policy that only one of them has."""
    for disease, policy in (("effusion", "constant"), ("hernia", "triangular")):
        facts = on(disease, disease[0] * 8)
        facts["choices"]["policy"] = policy
        run(tmp_path / disease, policy=policy, facts=facts)
    report(Sweep([], tmp_path, None, {"baseline": "triangular"}, True))
    said = capsys.readouterr().out
    assert said.count("no report:") == 1
    assert not (tmp_path / "report/effusion/report.html").exists()
    assert (tmp_path / "report/hernia/report.html").exists()


def test_forced_all_diseases_are_in_one_report(run, tmp_path):
    for disease in ("effusion", "hernia"):
        run(tmp_path / disease, facts=on(disease, disease[0] * 8))
    report(Sweep([], tmp_path, None, {"force": "true"}, True))
    assert (tmp_path / "report/report.html").exists()


def test_a_signal_in_a_report_is_no_failure_of_it(run, tmp_path, monkeypatch, capsys):
    """matplotlib's C code makes a ValueError of it."""

    def draw(*_, **__):
        with suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGINT)
        raise ValueError("Invalid bounding box")

    run(tmp_path / "effusion", facts=on("effusion", "e" * 8))
    monkeypatch.setattr("clrx.report.make.make_report", draw)
    with pytest.raises(Interrupted, match="SIGINT"), listening():
        report(Sweep([], tmp_path, None, {}, True))
    assert "no report" not in capsys.readouterr().out
