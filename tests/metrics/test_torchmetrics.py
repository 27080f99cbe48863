"""Metrics against torchmetrics, whose numbers are stored: tests/golden_numbers/make_metrics.py."""

import numpy as np
import pytest
from goldens import goldens

from clrx.metrics.measure import measure

OURS = {"f1_score": "f1"}


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_metrics_are_those_of_torchmetrics(task):
    for case in goldens("torchmetrics")[task]:
        found = measure(task, np.array(case["labels"]), np.array(case["scores"]), classes=["a", "b", "c"])
        for name, value in case["metrics"].items():
            assert found[OURS.get(name, name)] == pytest.approx(value, abs=1e-5), name


def test_metrics_of_several_classes_are_its_means_over_the_classes_that_are_there():
    """Of a class without images torchmetrics says 0, or nan, and it counts in some of its means: docs/metrics.md."""
    absent = 0
    for case in goldens("torchmetrics")["multiclass"]:
        found = measure("multiclass", np.array(case["labels"]), np.array(case["scores"]))
        there = case["present"]
        absent += there < 4
        for name, value in case["metrics"].items():
            kept = (
                value
                if name in ("accuracy", "specificity")
                else value[:there]
                if isinstance(value, list)
                else value
            )
            assert found[name] == pytest.approx(np.mean(kept), abs=1e-5), name
    assert absent
