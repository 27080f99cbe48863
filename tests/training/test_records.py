"""steps.csv and epochs.csv say what was done, to the step, also after a crash and at a divergence."""

import json
from dataclasses import asdict

import pytest
import torch

from clrx.core.errors import RunError
from clrx.core.files import read_rows
from clrx.schedule.progress import progress_at
from clrx.training.loop import Step
from clrx.training.records import EPOCH_COLUMNS, Records, TrainState, add_step, column, flush_steps

NAN, INF = float("nan"), float("inf")


def step(number: int, loss: float, correct: float = 1, images: int = 4, lr: float | None = None) -> Step:
    rate = 0.1 / (1 + number) if lr is None else lr
    return Step(
        progress_at(number, 2, 8),
        rate,
        None,
        torch.tensor(loss),
        torch.tensor(correct),
        images,
        torch.zeros(1),
    )


def test_steps_are_written_as_they_are_taken(tmp_path):
    state = TrainState()
    records = Records(tmp_path, state, block=1)
    for number, loss in enumerate([0.5, 0.25, 1.0]):
        assert add_step(records, state, step(number, loss)) is None
    records.close()
    assert (tmp_path / "steps.csv").read_text() == (
        "step,epoch,lr,momentum,loss\n0,0.0,0.1,,0.5\n1,0.5,0.05,,0.25\n2,1.0,0.03333333333333333,,1.0\n"
    )
    assert (state.step, state.steps, state.lr) == (3, 3, 0.1 / 3)


def test_sums_weigh_by_images(tmp_path):
    state = TrainState()
    records = Records(tmp_path, state, block=2)
    for taken in (step(0, 0.5, 3, 4), step(1, 2.0, 1, 2), step(2, 1.0, 2, 2)):
        add_step(records, state, taken)
    assert (state.loss_sum, state.correct, state.images) == (0.5 * 4 + 2.0 * 2, 4, 6)
    flush_steps(records, state)
    assert (state.loss_sum, state.correct, state.images) == (8.0, 6, 8)
    state.end_epoch()
    assert (state.loss_sum, state.correct, state.images, state.seconds, state.wait) == (0, 0, 0, 0, 0)
    assert state.steps == 3
    records.close()


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_a_block_changes_nothing_of_the_record(tmp_path, block):
    state = TrainState()
    records = Records(tmp_path, state, block)
    for number in range(7):
        add_step(records, state, step(number, number / 8))
        assert len(read_rows(tmp_path / "steps.csv")) == (number + 1) // block * block
    assert flush_steps(records, state) is None
    assert flush_steps(records, state) is None  # nothing is waiting
    records.close()
    assert column(tmp_path / "steps.csv", "step") == list(range(7))
    assert column(tmp_path / "steps.csv", "loss") == [number / 8 for number in range(7)]


@pytest.mark.parametrize("block", [1, 4, 100])
@pytest.mark.parametrize("loss", [NAN, INF, -INF])
def test_the_first_non_finite_step_is_named_and_the_last_one_written(tmp_path, block, loss):
    state = TrainState(steps=100, first_epoch=5)
    for name, rows in (("steps.csv", 100), ("epochs.csv", 0)):
        (tmp_path / name).write_text("step,epoch,lr,momentum,loss\n" + "0,0,0,,0\n" * rows)
    records = Records(tmp_path, state, block)
    losses, bad = [0.1, 0.2, loss, NAN, 0.3], None
    for number, value in enumerate(losses):
        bad = bad or add_step(records, state, step(number, value))
    bad = bad or flush_steps(records, state)
    records.close()
    assert (bad.step, bad.lr) == (102, 0.1 / 3)
    assert column(tmp_path / "steps.csv", "step")[-3:] == [100, 101, 102]
    assert column(tmp_path / "steps.csv", "epoch")[-3:] == [5.0, 5.5, 6.0]  # of the run, not of the phase
    assert str(column(tmp_path / "steps.csv", "loss")[-1]) == str(loss)


def filled(tmp_path, steps: int, epochs: int) -> None:
    state = TrainState()
    records = Records(tmp_path, state, block=1)
    for number in range(steps):
        add_step(records, state, step(number, 0.5))
    rows = [dict.fromkeys(EPOCH_COLUMNS) | {"phase": "a, b", "epoch": n + 1} for n in range(epochs)]
    records.epochs.append(rows)
    records.close()


@pytest.mark.parametrize(("steps", "epochs"), [(0, 0), (3, 1), (5, 2)])
def test_a_run_continues_from_what_its_checkpoint_counts(tmp_path, steps, epochs):
    filled(tmp_path, 5, 2)
    with (tmp_path / "steps.csv").open("a") as file:
        file.write("5,2.5,0.0")  # killed while writing
    state = TrainState(step=steps, steps=steps, epochs=epochs)
    records = Records(tmp_path, state, block=1)
    assert column(tmp_path / "steps.csv", "step") == list(range(steps))
    assert column(tmp_path / "epochs.csv", "epoch") == [1, 2][:epochs]
    add_step(records, state, step(steps, 0.25))
    records.close()
    assert column(tmp_path / "steps.csv", "step") == list(range(steps + 1))
    assert column(tmp_path / "steps.csv", "loss") == [0.5] * steps + [0.25]
    assert [row["phase"] for row in read_rows(tmp_path / "epochs.csv")] == ["a, b"] * epochs


def test_records_that_the_checkpoint_counts_must_be_there(tmp_path):
    filled(tmp_path, 5, 2)
    with pytest.raises(RunError, match=r"steps\.csv has 5 rows, but the checkpoint counts 6"):
        Records(tmp_path, TrainState(steps=6, epochs=2), block=1)


def test_missing_cells_are_none(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,\n,2\n")
    assert column(tmp_path / "a.csv", "x") == [1.0, None]
    assert column(tmp_path / "a.csv", "y") == [None, 2.0]


def test_a_state_is_json_and_back():
    state = TrainState(phase=1, step=7, rate_factor=0.1 + 0.2)
    state.end_phase("first")
    assert TrainState(**json.loads(json.dumps(vars(state)))) == state
    assert vars(state) == asdict(state)


def test_the_next_phase_begins_where_the_last_one_ended():
    state = TrainState(step=20, steps=20, epochs=4, phase_seconds=1.23456)
    state.end_phase("head")
    assert (state.phase, state.step, state.first_epoch, state.phase_seconds) == (1, 0, 4, 0.0)
    assert (state.steps, state.epochs) == (20, 4)
    state.step, state.steps, state.epochs = 6, 26, 6
    state.end_phase("all")
    assert state.phases == [
        {"name": "head", "epochs": 4, "steps": 20, "seconds": 1.235},
        {"name": "all", "epochs": 2, "steps": 6, "seconds": 0.0},
    ]
