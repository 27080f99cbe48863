"""The look that figures share: nothing overlaps, nothing global is touched, the footer says what was run."""

import matplotlib
import pytest
from overlap import overlapping

from clrx.plot import style
from clrx.plot.run import figures_of, plot_run
from clrx.run.read import read_run

FIGURES = {"calibration", "confusion", "curves", "roc", "precision_recall"}
NIH = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
)
NIH += ("Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia")
RUNS = {
    "one epoch": ("binary", ("No Finding", "Pneumothorax"), [("train", 1)], False),
    "three phases with gaps": (
        "multiclass",
        tuple("abcdefgh"),
        [("head", 2), ("features", 3), ("all", 37)],
        True,
    ),
    "long names": (
        "multiclass",
        NIH,
        [("head on computed features", 1), ("all layers, three rates", 2)],
        False,
    ),
    "fourteen findings": ("multilabel", NIH, [("train", 20)], False),
}


@pytest.mark.parametrize(
    "case", ["one epoch", *(pytest.param(c, marks=pytest.mark.slow) for c in list(RUNS)[1:])]
)
def test_no_text_covers_another(make_run, case):
    task, classes, phases, gaps = RUNS[case]
    figures = figures_of(read_run(make_run(task, classes, phases, gaps=gaps)))
    assert set(figures) == FIGURES
    for name, figure in figures.items():
        assert overlapping(figure) == [], name


def test_figures_touch_nothing_global_and_the_same_records_give_the_same_bytes(make_run):
    before, run = dict(matplotlib.rcParams), make_run()
    paths = plot_run(run)
    assert dict(matplotlib.rcParams) == before
    assert set(paths) == {run / "figures" / f"{name}.png" for name in FIGURES}
    assert set(paths) == set((run / "figures").iterdir())
    first = [path.read_bytes() for path in paths]
    assert all(content.startswith(b"\x89PNG") for content in first)
    assert [path.read_bytes() for path in plot_run(run)] == first


def test_a_run_that_did_not_get_so_far_has_no_figure(tmp_path):
    assert plot_run(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("facts", "disease", "expected"),
    [
        (
            {"dataset": "phantom", "synthetic": True, "policy": "sgdr", "split_hash": "ab" * 32, "seed": 0},
            "hernia",
            "phantom (SYNTHETIC images) · hernia · sgdr · split abababab · seed 0",
        ),
        ({"dataset": "cifar10", "synthetic": False, "seed": 3}, None, "cifar10 · seed 3"),
        ({}, None, ""),
    ],
)
def test_footer(facts, disease, expected):
    assert style.describe(facts, disease) == expected


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        ({"value": 0.8712, "low": 0.84, "high": 0.9}, None, "0.871 (0.840 to 0.900)"),
        ({"value": 0.8712, "low": None, "high": None}, None, "0.871"),
        ({"value": None, "low": None, "high": None}, None, "no value"),
        (None, 0.5, "0.500"),
    ],
)
def test_interval_text(entry, value, expected):
    assert style.interval_text(entry, value) == expected


def test_fifteen_lines_can_be_told_apart():
    looks = {(style.colour(k), str(style.dash(k))) for k in range(15)}
    assert len(looks) == 15
