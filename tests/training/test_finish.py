"""What the end of a run prints."""

import io

from rich.console import Console

from clrx.training.finish import metrics_table

METRICS = {
    "auroc": {"value": 0.91234, "low": 0.85, "high": 0.95},
    "f1": {"value": 0.5, "low": 0.25, "high": 0.75},
    "f1_at_0.5": {"value": 0.125, "low": 0.1, "high": 0.2},
    "loss": {"value": 1.0},
    "average_precision": {"value": None, "low": None, "high": None, "reason": "one class"},
}


def test_the_table_of_metrics():
    out = io.StringIO()
    Console(file=out, width=100).print(metrics_table(METRICS))
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in out.getvalue().splitlines()
        if "│" in line
    ]
    assert rows == [
        ["auroc", "0.9123", "0.8500 to 0.9500", ""],
        ["f1", "0.5000", "0.2500 to 0.7500", "0.1250"],
        ["loss", "1.0000", "", ""],
        ["average_precision", "-", "one class", ""],
    ]
