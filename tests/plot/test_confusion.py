"""Confusion matrices: counts and shares by hand."""

import numpy as np
import pytest

from clrx.metrics.weighted import columns
from clrx.plot.confusion import shares, table
from clrx.run.scores import Scores


def scored(task, labels, scores, classes) -> Scores:
    return Scores(
        columns(task, np.array(labels), np.array(scores), 0.5, classes), classes, 0.5, {}, "interval"
    )


@pytest.mark.parametrize(
    ("task", "labels", "scores", "classes", "expected"),
    [
        ("binary", [0, 0, 0, 1, 1], [0.1, 0.2, 0.9, 0.8, 0.3], ("healthy", "ill"), [[2, 1], [1, 1]]),
        (
            "multiclass",
            [0, 1, 1, 2],
            [[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.2, 0.1, 0.7], [0, 0.4, 0.6]],
            ("a", "b", "c"),
            [[1, 0, 0], [0, 1, 1], [0, 0, 1]],
        ),
        (  # found, missed, false alarms, rejected
            "multilabel",
            [[1, 0], [1, 0], [0, 1], [0, 0]],
            [[0.9, 0.1], [0.1, 0.1], [0.8, 0.9], [0.1, 0.2]],
            ("Mass", "Hernia"),
            [[1, 1, 1, 1], [1, 0, 0, 3]],
        ),
    ],
)
def test_counts_by_hand(task, labels, scores, classes, expected):
    counts, rows, _ = table(scored(task, labels, scores, classes))
    assert counts.tolist() == expected
    assert rows == list(classes)


def test_shares_of_a_row_and_of_a_finding():
    assert shares(np.array([[3, 1], [0, 0]]), paired=False)[0].tolist() == [0.75, 0.25]
    assert np.isnan(shares(np.array([[3, 1], [0, 0]]), paired=False)[1]).all()
    assert shares(np.array([[1, 3, 2, 8]]), paired=True).tolist() == [[0.25, 0.75, 0.2, 0.8]]
