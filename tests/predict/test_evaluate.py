"""clrx evaluate: a run on another dataset, with its own threshold, without the patients that it has seen."""

import json

import numpy as np
import pandas as pd
import pytest

from clrx.bundle.description import Description
from clrx.bundle.open import open_bundle
from clrx.bundle.seen import Seen, image_hashes, patient_hash
from clrx.core.errors import UserError
from clrx.data.source import Source
from clrx.metrics.calibration import calibration, decision_curve, fit_temperature, predictive_values, scaled
from clrx.metrics.predictions import Predictions
from clrx.predict.external import Settings, drops, metrics_of, parts_of, subgroups
from clrx.predict.labels import labels_for, seen_rows

WORDS = (
    *(
        "dataset=csv",
        "dataset.group=patient",
        "dataset.positive=sick",
        "threads=1",
        "workers=1",
        "device=cpu",
    ),
    "resamples=20",
)


@pytest.fixture(scope="module")
def away(used):
    """The directory of an evaluation on other patients, and its record."""
    from clrx.cli.main import run

    words = [
        f"dataset.root={used / 'away/table.csv'}",
        "subgroups=sex,age",
        "prevalence=0.1",
        f"out={used / 'ev'}",
    ]
    assert run(["evaluate", str(used / "run"), *WORDS, *words]) == 0
    return used / "ev", json.loads((used / "ev" / "evaluation.json").read_text())


def test_all_images_of_unseen_patients_are_scored_as_predict_scores_them(away, used, command):
    path, record = away
    code, out, _ = command("predict", used / "run", used / "away" / "table.csv", "threads=1")
    assert code == 0
    wanted = [line.split(",")[1] for line in out.splitlines()[1:]]
    found = pd.read_csv(path / "predictions.csv", dtype=str)
    assert list(found["score"]) == wanted
    assert record["seen"]["patients"] == 0
    assert record["threshold"] == open_bundle(used / "run").description.threshold


def test_the_metrics_are_those_of_the_scores_and_the_own_ones_those_of_the_run(away, used):
    path, record = away
    own = json.loads((used / "run" / "metrics.json").read_text())["test"]
    for name in ("auroc", "recall"):
        assert record["drop"][name]["own"] == pytest.approx(own[name]["value"])
        gap = record["metrics"][name]["value"] - own[name]["value"]
        assert record["drop"][name]["difference"] == pytest.approx(gap)
        assert record["drop"][name]["low"] <= record["drop"][name]["high"]
    assert json.loads((path / "metrics.json").read_text())["test"] == record["metrics"]


def test_subgroups_cover_the_images_and_small_ones_are_marked(away):
    _, record = away
    for column in ("sex", "age"):
        rows = [row for row in record["subgroups"] if row["column"] == column]
        assert sum(row["images"] for row in rows) == 24
        assert all(row["small"] for row in rows)
    assert "small: not to be relied on" in (away[0] / "evaluation.md").read_text()


@pytest.mark.slow
def test_a_report_sets_run_and_evaluation_side_by_side(away, used, command):
    path, _ = away
    code, _, err = command("report", used / "run", path, f"out={used / 'report'}")
    assert (code, err) == (0, "")
    table = pd.read_csv(used / "report" / "runs.csv")
    assert len(table) == 2
    assert (table["state"] == "complete").all()


def test_patients_and_images_of_training_are_left_out_or_refused(used, command):
    table = f"dataset.root={used / 'home/table.csv'}"
    code, out, err = command("evaluate", used / "run", *WORDS, table, f"out={used / 'again'}")
    assert (code, err) == (0, "")
    assert "32 of 40 patients were seen in training" in out
    assert len(pd.read_csv(used / "again" / "predictions.csv")) == 16
    code, _, err = command("evaluate", used / "run", *WORDS, table, "seen=refuse", f"out={used / 'refused'}")
    assert code == 2
    assert "32 of 40 patients were seen in training" in err
    assert not (used / "refused" / "run.json").exists()


def test_an_exported_bundle_is_evaluated_like_its_run(away, used, command):
    assert command("export", used / "run", f"out={used / 'handed.zip'}")[0] == 0
    table = f"dataset.root={used / 'away/table.csv'}"
    code, _, err = command("evaluate", used / "handed.zip", *WORDS, table, f"out={used / 'handed'}")
    assert (code, err) == (0, "")
    record, known = json.loads((used / "handed" / "evaluation.json").read_text()), away[1]
    assert record["metrics"] == known["metrics"]
    assert record["drop"]["auroc"]["own"] == known["drop"]["auroc"]["own"]
    assert record["calibration"]["temperature"] == pytest.approx(known["calibration"]["temperature"])


@pytest.mark.everyday(3)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "on which dataset?"),
        (
            ["dataset=csv", "dataset.root=away/table.csv", "dataset.size=8"],
            "dataset.size is the network's own: 16",
        ),
        (
            ["dataset=csv", "dataset.root=away/table.csv", "dataset.label=sex"],
            "class 'F' of the dataset is no class",
        ),
        (
            ["dataset=csv", "dataset.root=away/table.csv", "classes={flu: sick}"],
            "the dataset has no class 'flu'",
        ),
        (
            ["dataset=csv", "dataset.root=away/table.csv", "classes={sick: flu}"],
            "the network has no class 'flu'",
        ),
        (
            ["dataset=csv", "dataset.root=away/table.csv", "subgroups=view"],
            "the dataset has no column 'view'",
        ),
        (["dataset=nothing", "dataset.root=x"], "nothing"),
    ],
)
def test_mistakes(used, command, words, told):
    code, _, err = command("evaluate", "run", *words, "threads=1", "workers=1", "resamples=5")
    assert code == 2
    assert told in err


def description(**values) -> Description:
    fields = dict.fromkeys(Description.__dataclass_fields__, None) | {
        "task": "binary",
        "classes": ("well", "sick"),
    }
    return Description(**(fields | values))


def source(task, classes, labels, name="x", groups=None) -> Source:
    rows = len(labels)
    table = pd.DataFrame(
        {"image": [f"{i}" for i in range(rows)], "group": groups or [f"{i}" for i in range(rows)]}
    )
    return Source(name, task, classes, table, np.array(labels))


def test_classes_are_matched_by_spelling_and_by_mapping():
    d = description()
    assert list(labels_for(d, source("binary", ("SICK", "Well"), [0, 1]))) == [1, 0]
    three = source("multiclass", ("bacteria", "none", "virus"), [0, 1, 2])
    assert list(labels_for(d, three, {"bacteria": "sick", "virus": "sick", "none": "well"})) == [1, 0, 1]
    several = source("multilabel", ("flu", "sick"), [[1, 0], [0, 1]])
    assert list(labels_for(d, several)) == [0, 1]
    both = labels_for(description(task="multilabel", classes=("sick", "flu")), several)
    assert both.tolist() == [[0, 1], [1, 0]]
    with pytest.raises(UserError, match="no labels for sick"):
        labels_for(d, source("multilabel", ("flu", "cold"), [[1, 0]]))


def test_a_name_of_another_dataset_is_another_patient_but_an_image_is_the_same():
    digests = np.arange(48, dtype=np.uint8).reshape(3, 16)
    one = source("binary", ("a", "b"), [0, 1, 0], "theirs", ["p1", "p2", "p3"])
    seen = Seen("ours", frozenset({patient_hash("p1")}), frozenset(image_hashes(digests[1:2])))
    found = seen_rows(seen, one, digests)
    assert found.rows.tolist() == [False, True, False]
    assert "1 names occur there too" in found.note
    assert seen_rows(Seen("theirs", seen.patients, seen.images), one, digests).rows.tolist() == [
        True,
        True,
        False,
    ]


def test_temperature_scaling_mends_overconfident_scores():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 4000)
    labels = (rng.random(4000) < p).astype(int)
    logits = np.log(p / (1 - p)) * 3
    scores = 1 / (1 + np.exp(-logits))
    t = fit_temperature("binary", labels, scores)
    assert t == pytest.approx(3, rel=0.1)
    before, after = (
        calibration(labels[:, None] == 1, x[:, None]) for x in (scores, scaled("binary", scores, t))
    )
    assert after["error"] < 0.03 < before["error"]
    two = np.stack([1 - scores, scores], axis=1)
    assert fit_temperature("multiclass", labels, two) == pytest.approx(t, rel=1e-3)
    assert np.allclose(scaled("multiclass", two, t)[:, 1], scaled("binary", scores, t))


def test_net_benefit_and_predictive_values_of_known_counts():
    truth, scores = np.array([True, True, False, False]), np.array([0.9, 0.3, 0.6, 0.1])
    curve = {round(row["threshold"], 2): row for row in decision_curve(truth, scores)}
    assert curve[0.5]["net_benefit"] == pytest.approx(1 / 4 - 1 / 4)
    assert curve[0.2]["net_benefit"] == pytest.approx(2 / 4 - 1 / 4 * 0.25)
    assert curve[0.2]["all"] == pytest.approx(0.5 - 0.5 * 0.25)
    positive, negative = predictive_values(np.array([0.9]), np.array([0.8]), 0.1)
    assert positive[0] == pytest.approx(0.09 / (0.09 + 0.18))
    assert negative[0] == pytest.approx(0.72 / (0.72 + 0.01))


def test_the_drop_of_a_set_against_itself_has_an_interval_about_zero():
    rng = np.random.default_rng(1)
    labels = np.arange(80) % 2
    scores = (rng.normal(labels, 1) > 0.5) * 0.5 + 0.25
    names = np.array([str(i // 2) for i in range(80)])
    data = Predictions("binary", ("well", "sick"), names, names, labels, scores)
    found = drops(description(), data, data, Settings(0.5, 0, 200, 0.95))["auroc"]
    assert found["difference"] == 0
    assert found["low"] < -0.05
    assert found["high"] > 0.05


def test_numbers_are_parted_at_quartiles_and_blanks_are_unknown():
    assert sorted(set(parts_of(pd.Series(["F", "", "M"])))) == ["F", "M", "unknown"]
    parts = parts_of(pd.Series([str(age) for age in range(40)]))
    assert len(set(parts)) == 4
    assert set(pd.Series(parts).value_counts()) == {10}


def test_a_subgroup_of_one_class_has_no_auroc():
    names = np.array([str(i) for i in range(6)])
    data = Predictions(
        "binary", ("well", "sick"), names, names, np.array([0, 0, 0, 1, 1, 1]), np.linspace(0, 1, 6)
    )
    table = pd.DataFrame({"view": ["AP"] * 3 + ["PA"] * 3})
    rows = subgroups(description(), data, table, ["view"], 2, Settings(0.5, 0, 10, 0.95))
    assert [row["metrics"]["auroc"]["value"] for row in rows] == [None, None]
    assert metrics_of(description(), data, Settings(0.5, 0, 10, 0.95))["auroc"]["value"] == 1
