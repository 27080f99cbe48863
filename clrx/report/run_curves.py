"""The curves of one run as a small PNG, since a report has many."""

from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from clrx.plot import curves, style
from clrx.report.figures import subsampled
from clrx.run.read import Record

HEIGHTS = (1.5, 1.5, 1.0)  # inches: accuracy, loss, learning rate
COLOURS = 64  # enough for two lines and their smooth edges; a quarter of the bytes


def run_curves(run: Record) -> bytes:
    """Accuracy, loss and learning rate of a run with at least one epoch, finished or not."""
    figure = Figure(figsize=(style.WIDTH, 4.7), dpi=120, facecolor="white")
    axes = figure.subplots(3, 1, sharex=True, height_ratios=HEIGHTS)
    figure.subplots_adjust(left=0.15, right=0.97, top=0.95, bottom=0.15, hspace=0.12)
    for ax, metric in zip(axes, ("accuracy", "loss"), strict=False):
        _panel(ax, run, metric)
    curves.scale_loss(axes[1])
    curves.rates(axes[2], subsampled(run.steps))
    curves.phases(axes, run.epochs)
    axes[2].set_xlim(0, 1.02 * len(run.epochs))
    axes[2].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    lines = axes[0].get_legend_handles_labels()
    figure.legend(*lines, loc="lower left", ncols=2, fontsize=style.SMALL, frameon=False)
    return _small_png(figure)


def _panel(ax: Axes, run: Record, metric: str) -> None:
    style.dress(ax, ylabel=metric)
    for k, (part, label) in enumerate((("train", "training"), ("val", "validation"))):
        curves.curve(ax, run.epochs.get(f"{part}_{metric}"), label=label, color=style.colour(k))


def _small_png(figure: Figure) -> bytes:
    raw, small = BytesIO(), BytesIO()
    figure.savefig(raw, format="raw")
    size = figure.canvas.get_width_height()
    Image.frombytes("RGBA", size, raw.getvalue()).convert("RGB").quantize(COLOURS).save(small, "png")
    return small.getvalue()
