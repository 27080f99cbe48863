"""Names of a sweep's runs, and what a run is worth to a search."""

import json
import math

import pytest

from clrx.sweep.job import LONGEST, run_name, shown_value, value_of


@pytest.mark.parametrize(
    ("overrides", "constant", "name"),
    [
        (["seed=0", "policy=sgdr", "model=cnn4"], {"model"}, "policy=sgdr_seed=0"),
        (["policy=sgdr", "+loss.extra=1e-3"], (), "+loss.extra=1e-3_policy=sgdr"),
        (["model=cnn4"], {"model"}, "run"),
        (["++lr=0.1", "seed=0"], {"lr"}, "seed=0"),
    ],
)
def test_a_run_is_named_by_what_differs(overrides, constant, name):
    assert run_name(overrides, constant) == name


def test_whatever_is_no_plain_or_short_name_is_told_apart_by_a_hash():
    values = ["/a/b", "/a-b", "[1,2]", "[1, 2]", "x" * 200, "x" * 201, "..", "'a b'", "a=1_b=2", "ä"]
    names = [run_name([f"dataset.root={value}"], ()) for value in values]
    assert len(set(names)) == len(values)
    assert all("/" not in name and len(name) <= LONGEST and name[0] not in ".-" for name in names)
    # one name could be read as two sets of values
    assert run_name(["a=x_b=y", "b=z"], ()) != run_name(["a=x", "b=y_b=z"], ())


@pytest.mark.parametrize(
    ("metric", "selection", "state", "expected"),
    [
        ("auto", "validation", "complete", 0.75),
        ("loss", "validation", "complete", 0.25),
        ("auto", "last", "complete", 0.625),
        ("auto", "validation", "failed", math.nan),
    ],
)
def test_a_run_is_worth_what_its_weights_came_to_in_validation(tmp_path, metric, selection, state, expected):
    (tmp_path / "run.json").write_text(json.dumps({"state": state, "task": "binary"}))
    (tmp_path / "config.yaml").write_text(f"selection_metric: {metric}\nselection: {selection}\n")
    (tmp_path / "epochs.csv").write_text("val_auroc,val_loss\n0.5,1\n0.75,0.5\n,0.25\n0.625,0.75\n")
    assert value_of(tmp_path) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("scale", "values", "shown"),
    [
        ("1.0", "0.5", "val_auroc 0.5000"),
        ("0.1", "0.5", "val_auroc 0.5000  SCALED DOWN (scale=0.1)"),
        ("1.0", "", ""),  # no validation set
        ("0.1", "", "SCALED DOWN (scale=0.1)"),
    ],
)
def test_what_a_sweep_shows_of_a_run(tmp_path, scale, values, shown):
    (tmp_path / "run.json").write_text(json.dumps({"state": "complete", "task": "binary"}))
    (tmp_path / "config.yaml").write_text(f"scale: {scale}\n")
    (tmp_path / "epochs.csv").write_text(f"epoch,val_auroc\n1,{values}\n")
    assert shown_value(tmp_path) == shown
