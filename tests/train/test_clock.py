"""Which images a step sees, and when it is: a run can start anywhere and see the same."""

import numpy as np
import pytest

from clrx.core.errors import UserError
from clrx.train.clock import Clock, steps_per_epoch


@pytest.mark.parametrize(
    ("images", "batch_size", "accumulate", "steps"),
    [
        (10, 5, 1, 2),
        (11, 5, 1, 2),  # a last batch of one image is left out
        (12, 5, 1, 3),
        (12, 5, 2, 2),  # 5+5, 2
        (12, 5, 3, 1),
        (12, 5, 4, 1),  # more than there are: one step
        (11, 5, 2, 1),
        (1, 5, 1, 1),  # unless it is the only one
        (3, 1, 1, 3),  # or asked for
        (21, 5, 2, 2),  # 5+5, 5+5 and the single image is gone
    ],
)
def test_steps_an_epoch(images, batch_size, accumulate, steps):
    assert steps_per_epoch(images, batch_size, accumulate) == steps
    clock = Clock(images, batch_size, epochs=2, seed=0, accumulate=accumulate)
    assert (clock.steps_per_epoch, clock.total_steps) == (steps, 2 * steps)
    assert len(clock.groups(0)) == steps
    assert len(list(clock.groups_from(0))) == 2 * steps


def test_no_batch_is_no_clock():
    with pytest.raises(UserError, match="batch_size=0"):
        Clock(10, 0, 1, 0).steps_per_epoch  # noqa: B018


def test_an_epoch_has_every_image_once_in_batches_grouped_by_step():
    clock = Clock(images=12, batch_size=5, epochs=3, seed=4, accumulate=2)
    for epoch in range(3):
        groups = clock.groups(epoch)
        assert [[len(batch) for batch in group] for group in groups] == [[5, 5], [2]]
        positions = np.concatenate([batch for group in groups for batch in group])
        assert positions.dtype == np.int64
        assert sorted(positions) == list(range(12))


def flat(groups):
    return [[batch.tolist() for batch in group] for group in groups]


def test_epochs_seeds_and_phases_have_orders_of_their_own():
    clock = Clock(images=50, batch_size=50, epochs=4, seed=0)
    orders = {str(flat(clock.groups(epoch))) for epoch in range(4)}
    orders |= {str(flat(Clock(50, 50, 4, seed=1).groups(0)))}
    assert len(orders) == 5
    later = Clock(images=50, batch_size=50, epochs=4, seed=0, first_epoch=2)
    assert flat(later.groups(1)) == flat(clock.groups(3))  # of the run, not of the phase


@pytest.mark.parametrize("weights", [None, np.arange(23.0)])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_started_anywhere_the_groups_are_the_same(accumulate, weights):
    clock = Clock(23, 4, epochs=3, seed=7, accumulate=accumulate, first_epoch=5, weights=weights)
    whole = flat(clock.groups_from(0))
    assert len(whole) == clock.total_steps
    for start in range(clock.total_steps + 1):
        assert flat(clock.groups_from(start)) == whole[start:]


def test_weights_draw_with_replacement_and_never_what_weighs_nothing():
    weights = np.array([0.0, 1.0, 0.0, 3.0] * 500)
    groups = Clock(2000, 100, 1, seed=0, weights=weights).groups(0)
    drawn = np.concatenate([batch for group in groups for batch in group])
    assert len(drawn) == 2000
    assert set(drawn % 4) == {1, 3}
    assert len(set(drawn)) < 1000  # some twice
    assert np.mean(drawn % 4 == 3) == pytest.approx(0.75, abs=5 * (0.75 * 0.25 / 2000) ** 0.5)


@pytest.mark.parametrize(
    ("step", "epoch", "fraction"),
    [(0, 0.0, 0.0), (1, 1 / 3, 1 / 6), (3, 1.0, 0.5), (5, 5 / 3, 5 / 6)],
)
def test_the_time_of_a_step_counts_within_the_phase(step, epoch, fraction):
    clock = Clock(images=12, batch_size=4, epochs=2, seed=0, first_epoch=9)
    assert clock.at(step) == pytest.approx((step, epoch, fraction))
