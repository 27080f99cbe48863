"""Curves over one axis of epochs: where points, rates and phases stand."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from clrx.plot import curves
from clrx.plot.run import figures_of
from clrx.run.read import read_run


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ([0, 0.5, 1, 1.5], [0, 0.5, 1, 1.5]),  # one phase, or epochs of the run
        ([0, 0.5, 1, 1.5, 0, 0.5, 0, 0.5], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]),  # from 0 in every phase
    ],
)
def test_epochs_of_the_run(epochs, expected):
    assert curves.run_epochs(np.array(epochs)).tolist() == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train"], [("train", 0, 1)]),
        (["head", "head", "all", "all", "all"], [("head", 0, 2), ("all", 2, 5)]),
        ([], []),
    ],
)
def test_phase_spans(names, expected):
    assert list(curves.phase_spans(pd.DataFrame({"phase": names}))) == expected


def test_points_stand_at_the_ends_of_epochs_and_gaps_stay_gaps():
    ax = Figure().subplots()
    curves.curve(ax, pd.Series([0.5, None, 0.7]))
    assert ax.get_lines()[0].get_xdata().tolist() == [1, 2, 3]
    assert np.isnan(ax.get_lines()[0].get_ydata()[1])
    curves.curve(ax, None)
    assert len(ax.get_lines()) == 1


def test_the_learning_rate_shares_the_axis_of_epochs(make_run):
    accuracy, loss, rate = figures_of(read_run(make_run(phases=[("decay", 2), ("clr", 3)])))["curves"].axes
    assert accuracy.get_xlim() == loss.get_xlim() == rate.get_xlim()
    assert rate.get_lines()[0].get_xdata()[-1] == pytest.approx(
        4.95
    )  # 20 steps an epoch, the last of epoch 5
    assert [line.get_xdata()[0] for line in rate.get_lines()[1:]] == [2]  # where the second phase begins
    assert [text.get_text().strip() for text in accuracy.texts] == ["decay", "clr"]


@pytest.mark.parametrize(("values", "scale"), [([0.7, 0.5, 0.4], "linear"), ([0.7, 90.0, 3e6], "log")])
def test_a_loss_that_explodes_is_drawn_on_a_logarithmic_axis(make_run, values, scale):
    run = make_run()
    pd.DataFrame({"train_loss": values, "val_loss": None}).to_csv(run / "epochs.csv", index=False)
    assert figures_of(read_run(run))["curves"].axes[1].get_yscale() == scale
