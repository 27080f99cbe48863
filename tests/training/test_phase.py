"""When a phase is over, from what epochs.csv says."""

from types import SimpleNamespace

import numpy as np
import pytest

from clrx.config.sections import EarlyStopping
from clrx.run.directory import Diverged
from clrx.training.phase import PhaseRun, is_done, validate
from clrx.training.records import TrainState

WORSE = "val_auroc,val_loss,train_loss\n0.9,0.1,0.5\n0.8,0.2,0.4\n0.7,0.3,0.3\n"
BETTER = "val_auroc,val_loss,train_loss\n0.7,0.3,0.5\n0.8,0.2,0.4\n0.9,0.1,0.3\n"


@pytest.mark.parametrize("selection", ["validation", "last"])  # which weights are kept is another question
@pytest.mark.parametrize(
    ("rows", "metric", "patience", "monitored", "first_epoch", "done"),
    [
        (WORSE, "auto", 2, 5, 0, True),
        (WORSE, "loss", 2, 5, 0, True),
        (WORSE, "train_loss", 2, 5, 0, False),
        (WORSE, "train_loss", 2, 0, 0, False),
        (BETTER, "auto", 2, 5, 0, False),
        (BETTER, "loss", 2, 5, 0, False),
        (WORSE, "auto", None, 5, 0, False),
        (WORSE, "auto", 3, 5, 0, False),
        (WORSE, "auto", 2, 5, 1, False),  # the phase has had two epochs, of which one is the first
        (WORSE, "auto", 2, 0, 0, False),  # no validation set: nothing says that it got no better
    ],
)
def test_a_phase_stops_when_its_patience_is_spent(
    tmp_path, selection, rows, metric, patience, monitored, first_epoch, done
):
    (tmp_path / "epochs.csv").write_text(rows)
    stopping = EarlyStopping(patience=patience, metric=metric)
    phase = SimpleNamespace(name="main", epochs=9, stopping=stopping, cycle_ends=())
    run = phase_run(tmp_path, phase, TrainState(epochs=3, first_epoch=first_epoch), selection, monitored)
    assert is_done(run) is done


def phase_run(path, phase, state, selection="validation", monitored=0, run=None):
    split = SimpleNamespace(validation=range(monitored), test=range(monitored))
    data = SimpleNamespace(source=SimpleNamespace(task="binary"), split=split)
    cfg = SimpleNamespace(selection=selection, selection_metric="auroc")
    files = SimpleNamespace(path=path, run=run)
    return PhaseRun(cfg, phase, SimpleNamespace(data=data), state, files, observer=None, stop=None)


def test_a_phase_ends_with_its_epochs(tmp_path):
    phase = SimpleNamespace(epochs=3, stopping=EarlyStopping())
    assert is_done(phase_run(tmp_path, phase, TrainState(epochs=7, first_epoch=4))) is True


def test_weights_that_left_the_finite_in_an_epochs_last_step_are_a_divergence(tmp_path):
    """The loss of that step was taken before it: only the validation meets what it did."""
    record = SimpleNamespace(record={}, note=lambda **facts: None)
    run = phase_run(tmp_path, None, TrainState(steps=12, lr=1e30), run=record)
    scores = np.array([0.1, np.nan, 0.3])
    inputs = SimpleNamespace(monitored=range(3), score=lambda cfg, setup: (scores, float("nan")))
    with pytest.raises(Diverged, match=r"the network became non-finite at step 11, at a rate of 1e\+30"):
        validate(run, inputs)
