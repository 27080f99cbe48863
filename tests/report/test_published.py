"""Published numbers stand beside ours only where they may."""

import pytest

from clrx.core.errors import UserError
from clrx.data.source import UNLIKE
from clrx.report.comparison import compare
from clrx.report.costs import published_table
from clrx.report.published import published_of, read
from clrx.run.read import collect

ENTRY = {"metric": "accuracy", "value": 0.8, "source": "Chopade 2021, Table 7"}


def table(run, path, entry, values=(0.78, 0.80, 0.82), **settings):
    config = {"published": [ENTRY | entry], **settings.pop("config", {})}
    for seed, value in enumerate(values):
        run(path / str(seed), seed=seed, auroc=value, config=config, **settings)
    return published_table(compare([path]))


@pytest.mark.parametrize(
    ("entry", "settings", "verdict"),
    [
        # ours: mean 0.80, std 0.02, t(0.975, 2) = 4.30: 0.80 - 0.0497 to 0.80 + 0.0497
        ({"value": 0.84}, {}, "within our interval"),
        ({"value": 0.86}, {}, "worse"),
        ({"value": 0.74}, {}, "better"),
        ({"value": 0.78}, {"values": (0.8,)}, "within our interval"),  # of the patients: 0.75 to 0.85
        ({}, {"facts": {"synthetic": True}}, "not comparable: our images are synthetic"),
        ({}, {"config": {"scale": 0.1}}, "not comparable: our runs are scaled down"),
        ({}, {"facts": {"facts": {UNLIKE: "cut"}}}, "not comparable: our images are cut"),
        ({"differs": "other split"}, {}, "not comparable: other split"),
        ({"value": 79.83}, {}, "not comparable: the published value is no share"),
        ({"metric": "seconds"}, {}, "not comparable: another machine"),
        ({"metric": "kappa"}, {}, "not comparable: we have no value"),
        ({}, {"state": "failed"}, "not comparable: no complete run; we have no value"),
        ({"metric": "f1_at_0.5", "value": 0.6}, {"metrics": {"f1": 0.5, "f1_at_0.5": 0.7}}, "better"),
        ({"metric": "brier", "value": 0.3}, {"metrics": {"brier": 0.2}}, "better"),  # of which less is better
        ({"metric": "epochs", "value": 10}, {}, "better"),  # 6 epochs, always
        ({"metric": "val_accuracy", "value": 0.9}, {}, "worse"),  # 0.75 at the last epoch, always
        ({"metric": "epochs_to_target", "target": 0.62, "value": 2}, {}, "worse"),  # 0.65 in epoch 4
    ],
)
def test_verdicts(run, tmp_path, entry, settings, verdict):
    (row,) = table(run, tmp_path / "s", entry, **settings).rows
    assert row[-1] == verdict


def test_paper_ours_and_their_difference(run, tmp_path):
    (row,) = table(run, tmp_path / "s", {"value": 0.86}).rows
    numbers = ("0.8600", "0.8000 ± 0.0200", "0.7503 to 0.8497", "−0.0600")
    assert row == ("constant", "Chopade 2021, Table 7", "accuracy", *numbers, "worse")


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ({}, 1),
        ({"policy": "constant"}, 1),
        ({"policy": "triangular"}, 0),
        ({"policy": "constant", "bounds.max_lr": 0.01}, 1),
        ({"bounds.max_lr": 0.03}, 0),
        ({"no.such.key": 1}, 0),
    ],
)
def test_an_entry_belongs_to_the_configurations_it_matches(run, tmp_path, match, found):
    run(tmp_path / "a", config={"published": [ENTRY | {"match": match}]})
    assert len(published_of(compare([tmp_path]).groups[0])) == found


def test_the_papers_own_spread_stands_beside_its_mean(run, tmp_path):
    assert table(run, tmp_path, {"std": 0.0123}).rows[0][3] == "0.8000 ± 0.0123"


def test_none_carried_none_shown(run, tmp_path):
    run(tmp_path / "a")
    assert published_table(compare([tmp_path])) is None
    assert collect([tmp_path])[0].config.get("published") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metrik": 1}, "did you mean metric"),
        ({"source": None}, "'source' is missing"),
        ({"value": "79%"}, "no number"),
        ({"std": "4%"}, "no number"),
        ({"target": 0.5}, "epochs_to_target"),
        ({"metric": "epochs_to_target"}, "epochs_to_target"),
    ],
)
def test_a_wrong_entry_is_refused(change, words):
    with pytest.raises(UserError) as refusal:
        read(ENTRY | change)
    assert words in str(refusal.value)
