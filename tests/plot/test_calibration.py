"""Reliability and its error by hand; Wilson's interval against scipy."""

import numpy as np
import pytest
from scipy.stats import binomtest

from clrx.metrics.predictions import write_predictions
from clrx.plot.calibration import plot, reliability, wilson
from clrx.run.read import read_run


def test_reliability_by_hand():
    scores = np.array([0.05, 0.15, 0.19, 0.95, 1.0])
    right = np.array([0, 0, 1, 1, 1])
    found = reliability(right, scores)
    assert found.score == pytest.approx([0.05, 0.17, 0.975])
    assert found.observed == pytest.approx([0, 0.5, 1])
    assert found.images.tolist() == [1, 2, 2]
    assert found.error == pytest.approx((1 * 0.05 + 2 * 0.33 + 2 * 0.025) / 5)


def test_calibrated_scores_have_a_small_error():
    rng = np.random.default_rng(0)
    scores = rng.random(100_000)
    assert reliability(rng.random(100_000) < scores, scores).error < 0.01
    assert reliability(rng.random(100_000) < scores**2, scores).error == pytest.approx(1 / 6, abs=0.01)


@pytest.mark.parametrize(("hits", "images"), [(0, 3), (1, 2), (40, 100)])
def test_wilson_as_scipy(hits, images):
    low, high = wilson(np.array([hits / images]), np.array([images]))
    expected = binomtest(hits, images).proportion_ci(0.95, method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_scores_that_are_no_probabilities_are_not_drawn(tmp_path):
    names, labels = ["a", "b"], np.array([0, 1])
    write_predictions(tmp_path / "predictions.csv", "binary", (), names, names, labels, np.array([-3.0, 7.0]))
    assert plot(read_run(tmp_path).scores, "") is None
    with pytest.raises(ValueError, match="no probabilities"):
        reliability(labels, np.array([-3.0, 7.0]))


def test_a_score_on_a_border_belongs_to_the_bin_above():
    """Guo et al. 2017 put it into the bin below; docs/metrics.md says so."""
    found = reliability(np.array([1, 0, 1]), np.array([0.5, 0.55, 1.0]))
    assert found.images.tolist() == [2, 1]
    assert found.score == pytest.approx([0.525, 1.0])
