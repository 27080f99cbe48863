"""ROC curves by hand; what the legend says comes from the records."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn import metrics as reference

from clrx.metrics.predictions import write_predictions
from clrx.plot import precision_recall, roc
from clrx.plot.run import figures_of
from clrx.run.read import read_run

# From the highest score down: positive, negative, positive, negative.
TRUTH, SCORES = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])


def drawn(curve) -> np.ndarray:
    ax = Figure().subplots()
    curve(ax, TRUTH, SCORES)
    return ax.get_lines()[0].get_xydata()


def test_roc_by_hand():
    assert drawn(roc.curve).tolist() == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    assert roc.on_grid(TRUTH, SCORES, np.array([0.25, 0.5, 0.75])).tolist() == [0.5, 1, 1]


def test_precision_recall_by_hand():
    points = drawn(precision_recall.curve).tolist()
    assert points[:3] == [[0, 1], [0.5, 1], [0.5, 0.5]]
    assert points[3] == pytest.approx([1, 2 / 3])
    grid = np.array([0.25, 0.5, 0.75, 1.0])
    assert precision_recall.on_grid(TRUTH, SCORES, grid) == pytest.approx([1, 1, 2 / 3, 2 / 3])


def test_curves_with_ties_as_scikit_learn():
    rng = np.random.default_rng(0)
    truth, scores = rng.random(200) < 0.3, np.round(rng.random(200), 1)
    false, true, _ = reference.roc_curve(truth, scores, drop_intermediate=False)
    alarms, hits = roc.counts(truth, scores)
    assert alarms / alarms[-1] == pytest.approx(false)
    assert hits / hits[-1] == pytest.approx(true)
    precision, recall, _ = reference.precision_recall_curve(truth, scores)
    found = precision_recall.points(truth, scores)
    assert found[0] == pytest.approx(recall[::-1])
    assert found[1] == pytest.approx(precision[::-1])


@pytest.mark.parametrize(
    ("name", "metric", "title"),
    [
        ("roc", "auroc", "AUROC (95% interval)"),
        ("precision_recall", "average_precision", "average precision (95% interval)"),
    ],
)
def test_legend_gives_the_recorded_interval(make_run, name, metric, title):
    run = read_run(make_run())
    entry = run.metrics["test"][metric]
    legend = figures_of(run)[name].legends[0]
    text = f"Pneumothorax {entry['value']:.3f} ({entry['low']:.3f} to {entry['high']:.3f})"
    assert legend.get_title().get_text() == title
    assert legend.get_texts()[0].get_text().startswith(text)
    assert legend.get_texts()[1].get_text() == "threshold 0.45"


@pytest.mark.parametrize("name", ["roc", "precision_recall"])
def test_a_class_without_images_has_a_line_in_the_legend_and_no_curve(tmp_path, name):
    names = [str(i) for i in range(4)]
    write_predictions(tmp_path / "predictions.csv", "binary", (), names, names, np.zeros(4, int), SCORES)
    figure = figures_of(read_run(tmp_path))[name]
    assert figure.legends[0].get_texts()[0].get_text() == "positive: no curve, one class only"
