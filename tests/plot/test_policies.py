"""The picture of policies: how many panels, what stands on them, that nothing overlaps."""

import numpy as np
import pytest
from overlap import overlapping

from clrx.plot.policies import plot_policies
from clrx.schedule.preview import Line


def line(
    name: str, is_momentum: bool = False, epochs: int = 40, bounds: tuple[float, float] = (0.1, 0.2)
) -> Line:
    epoch = np.arange(epochs * 10) / 10
    rates = bounds[0] + (bounds[1] - bounds[0]) * np.abs(np.sin(epoch))
    return Line(name, epoch, rates, (), None if is_momentum else bounds, (), is_momentum)


@pytest.mark.parametrize(
    ("rates", "momentum", "panels"),
    [(1, False, 1), (1, True, 2), (2, False, 2), (5, False, 5), (11, True, 12)],
)
def test_a_panel_for_each_line_and_no_text_over_another(rates, momentum, panels):
    lines = [line(f"modified_triangular{i}") for i in range(rates)] + [line("momentum", True)] * momentum
    figure = plot_policies(lines)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == panels
    assert overlapping(figure) == []
    for axes, drawn in zip(shown, lines, strict=True):
        assert np.array_equal(axes.lines[0].get_ydata(), drawn.values)


@pytest.mark.parametrize(
    ("bounds", "epochs"),
    [((0.0, 1e-6), 1), ((1e-7, 1.0), 7), ((0.19, 0.2), 300), ((0.2, 0.2), 7), ((0.002, 0.03), 300)],
)
def test_bounds_are_drawn_and_legible(bounds, epochs):
    figure = plot_policies([line("triangular", epochs=epochs, bounds=bounds)])
    assert [drawn.get_ydata()[0] for drawn in figure.axes[0].lines[1:]] == list(bounds)
    assert overlapping(figure) == []


def test_rates_share_one_scale_and_momentum_has_its_own():
    small, large = line("small", bounds=(0.0, 0.1)), line("large", bounds=(0.0, 0.4))
    limits = [axes.get_ylim() for axes in plot_policies([small, large, line("momentum", True)]).axes[:3]]
    assert limits[0] == limits[1]
    assert limits[2] != limits[0]
