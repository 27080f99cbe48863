"""How often a checkpoint is written."""

import pytest
from nodes import composed

from clrx.config.load import load
from clrx.core.errors import UserError
from clrx.run import interval
from clrx.run.interval import interval_of


def parsed(text, steps_per_epoch):
    raw = composed()
    raw.checkpoint.every = text
    return interval_of(load(raw).checkpoint.every, steps_per_epoch)


@pytest.mark.parametrize(
    ("text", "steps", "seconds"),
    [
        ("1 step", 1, None),
        ("20 steps", 20, None),
        ("20steps", 20, None),
        ("1 epoch", 8, None),
        (" 2 epochs ", 16, None),
        ("0.5 epochs", 4, None),
        (".5 epoch", 4, None),
        ("0.01 epochs", 1, None),  # never less than a step
        ("1 minute", None, 60.0),
        ("0.5 minutes", None, 30.0),
    ],
)
def test_what_an_interval_may_be(text, steps, seconds):
    found = parsed(text, steps_per_epoch=8)
    assert (found.steps, found.seconds) == (steps, seconds)


@pytest.mark.parametrize(
    "text",
    ["", "5", "steps", "0 steps", "0.0 minutes", "-1 steps", "1 hour", "1e3 steps", "1 minute 3", None],
)
def test_what_it_may_not(text):
    with pytest.raises(UserError, match=r"checkpoint\.every=") as caught:
        parsed(text, 8)
    assert caught.value.allowed == "'N steps' (N whole), 'N epochs' or 'N minutes' with N > 0"


@pytest.mark.parametrize("text", ["0.5 steps", "1.5 steps", f"{'9' * 400} minutes", f"{'9' * 400} steps"])
def test_numbers_that_no_run_can_keep(text):
    with pytest.raises(UserError, match=r"checkpoint\.every="):
        parsed(text, 8)


def test_due_every_so_many_steps_wherever_a_run_starts():
    found = parsed("3 steps", 8)
    assert [step for step in range(1, 10) if found.due(step)] == [3, 6, 9]


def test_due_when_the_minutes_have_passed(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(interval.time, "monotonic", lambda: clock[0])
    found = interval.Interval(None, 60.0, began=100.0)
    clock[0] = 159.9
    assert not found.due(1)
    clock[0] = 160.0
    assert found.due(1)
    assert found.due(2)
    found.restart()
    assert not found.due(3)
