"""The figures of one run, plotted from the files of its directory: figures/NAME.png."""

from pathlib import Path
from types import ModuleType

from matplotlib.figure import Figure

from clrx.plot import calibration, confusion, curves, precision_recall, roc, style
from clrx.run.read import Record, read_run
from clrx.run.scores import Scores


def plot_run(path: Path) -> list[Path]:
    """Write every figure that the files of a run directory suffice for; the figures' paths."""
    figures = figures_of(read_run(path))
    return [style.save(figure, path / "figures" / f"{name}.png") for name, figure in figures.items()]


def figures_of(run: Record) -> dict[str, Figure]:
    """Figures by name: the curves after the first epoch, those of scores when the test set has been evaluated."""
    footer, scores = style.describe(run.facts, run.disease), run.scores
    figures = {"curves": curves.plot(run.epochs, run.steps, footer)}
    if scores is not None:
        figures["roc"] = _over_thresholds(roc, scores, footer)
        figures["precision_recall"] = _over_thresholds(precision_recall, scores, footer)
        figures["confusion"] = confusion.plot(scores, footer)
        figures["calibration"] = calibration.plot(scores, footer)
    return {name: figure for name, figure in figures.items() if figure is not None}


def _over_thresholds(kind: ModuleType, scores: Scores, footer: str) -> Figure:
    """A curve for each class, with its area and interval in the legend; kind: clrx.plot.roc or precision_recall."""
    names = scores.view.names
    title = f"{kind.TITLE}, test set"
    figure, (ax,) = style.sheet([style.WIDTH - 0.7], title, footer, lines=len(names) + 2)
    kind.prepare(ax)
    for k, name in enumerate(names):
        truth, line = scores.view.truth[:, k], {"color": style.colour(k), "linestyle": style.dash(k)}
        if truth.all() or not truth.any():
            ax.plot([], [], label=f"{name}: no curve, one class only", **line)
        else:
            kind.curve_of_class(ax, scores, k, **line)
    if scores.view.task == "multiclass":
        ax.plot([], [], " ", label=f"mean {style.interval_text(scores.metrics.get(kind.METRIC))}")
    style.legend_below(ax, f"{kind.AREA} ({scores.level})")
    return figure
