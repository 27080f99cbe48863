"""Texts of a figure that run into each other."""

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes meet, and texts that leave the figure, after the figure was laid out."""
    figure.draw_without_rendering()
    out_of_view = [label for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for label in unseen(axis)]
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    # The box of a slanted text is mostly empty: only those that lie or stand are compared.
    seen = [text for text in texts if text not in out_of_view and text.get_rotation() in (0, 90)]
    boxes = [(text.get_text(), text.get_window_extent()) for text in seen]
    found = [(text, "(edge)") for text, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1]
    for i, (first, box) in enumerate(boxes):
        found += [(first, second) for second, other in boxes[i + 1 :] if box.overlaps(other)]
    return found


def unseen(axis: Axis) -> list[Text]:
    """Labels of ticks that lie beyond the ends of an axis, which are never drawn."""
    low, high = sorted(axis.get_view_interval())
    ticks = axis.get_major_ticks() + axis.get_minor_ticks()
    return [
        part for tick in ticks if not low <= tick.get_loc() <= high for part in (tick.label1, tick.label2)
    ]
