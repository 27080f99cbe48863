"""What the end of a run says beside its table."""

from types import SimpleNamespace

import numpy as np
import pytest

from clrx.task import ending

ROWS = "epoch,train_loss,val_loss,val_auroc\n1,0.70,0.69,0.60\n2,0.50,0.60,0.80\n3,0.40,0.65,\n"


def config(**keys):
    return SimpleNamespace(**{"selection": "validation", "selection_metric": "auto", **keys})


@pytest.fixture
def run(tmp_path):
    (tmp_path / "epochs.csv").write_text(ROWS)
    return tmp_path


def data(validation):
    labels = np.array([*validation, 0, 1])
    split = SimpleNamespace(validation=np.arange(len(validation)))
    return SimpleNamespace(source=SimpleNamespace(labels=labels, classes=("a", "b")), split=split)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "epoch 2 of 3, the best val_auroc (0.8000)"),
        ({"selection_metric": "loss"}, "epoch 2 of 3, the best val_loss (0.6000)"),
        ({"selection": "test"}, "epoch 2 of 3, the best val_auroc of the test set (selection=test) (0.8000)"),
        ({"selection": "last"}, "epoch 3 of 3, the last (selection=last)"),
    ],
)
def test_the_chosen_epoch_and_why(run, keys, words):
    assert ending.chosen(config(**keys), "binary", run) == words


def test_nothing_to_choose_by(run):
    (run / "epochs.csv").write_text("epoch,train_loss,val_loss,val_auroc\n1,0.7,,\n2,0.5,,\n")
    assert ending.chosen(config(), "binary", run) == "epoch 1 of 2: nothing was there to choose by"


def test_a_good_run_has_no_hints(run):
    metrics = {"test": {"auroc": {"value": 0.8, "low": 0.7, "high": 0.9}}}
    assert ending.hints(config(), data([0, 1] * 10), metrics, run) == []
    assert (
        ending.hints(config(), data([0, 1] * 10), {"test": {"auroc": {"value": None, "low": None}}}, run)
        == []
    )


def test_each_hint(run):
    (run / "epochs.csv").write_text("epoch,train_loss\n1,0.70\n2,0.69\n3,0.71\n")
    metrics = {"test": {"auroc": {"value": 0.55, "low": 0.45, "high": 0.65}}}
    metrics["test"]["auroc"]["reason"] = "only 9 groups"
    chance, narrow, few, rate = ending.hints(config(), data([0] * 20 + [1] * 3), metrics, run)
    assert "holds 0.5" in chance
    assert narrow == "auroc: only 9 groups"
    assert "3 images of b" in few
    assert "clrx find-lr" in rate
    assert len(ending.hints(config(selection="last"), data([0, 1]), metrics, run)) == 3


def test_a_report_that_fails_is_a_message(monkeypatch, tmp_path, capsys):
    import clrx.report.make

    def fail(paths):
        raise ValueError("no")

    monkeypatch.setattr(clrx.report.make, "make_report", fail)
    ending.show_report(tmp_path)
    assert "no report: ValueError; clrx report" in capsys.readouterr().out


def test_the_next_command_has_the_words_of_the_run(monkeypatch, tmp_path, capsys):
    import clrx.report.make

    monkeypatch.setattr(clrx.report.make, "make_report", lambda paths: "report.html")
    ending.show_report(tmp_path, ["seed=3", "policy=sgdr", "dataset.root=/x y", "model=cnn4"])
    said = capsys.readouterr().out
    assert "clrx sweep policy=constant,triangular seed=0,1,2 'dataset.root=/x y' model=cnn4" in said
    ending.show_report(tmp_path)
    assert capsys.readouterr().out == "report: report.html\n"
