"""All figures of one run, from the files of its directory."""

from importlib import import_module
from pathlib import Path

FIGURES = ("curves", "roc", "precision_recall", "confusion", "calibration")


def draw_run(path: Path) -> list[Path]:
    """Draw what the records of a run directory can show; the files written."""
    return [file for name in FIGURES for file in import_module(f"clrx.plot.{name}").draw(path)]
