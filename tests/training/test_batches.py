"""The order of an epoch, its cutting into batches, and sampling by weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clrx.core.errors import UserError
from clrx.training.batches import Clock, batches_per_epoch, cut, epoch_order, sample_weights, steps_per_epoch


@given(seed=st.integers(0, 2**40), epoch=st.integers(0, 10**6), n=st.integers(0, 300))
def test_every_image_comes_once_an_epoch(seed, epoch, n):
    order = epoch_order(seed, epoch, n)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(n))


def test_order_depends_on_seed_and_epoch_alone():
    first = epoch_order(0, 0, 500)
    assert np.array_equal(first, epoch_order(0, 0, 500))
    assert not np.array_equal(first, epoch_order(0, 1, 500))
    assert not np.array_equal(first, epoch_order(1, 0, 500))


def test_positions_are_uniform_over_seeds():
    """Image 0 stands equally often at each of 5 places: within 5 sigma of 2,000 / 5."""
    places = np.array([np.flatnonzero(epoch_order(seed, 3, 5) == 0)[0] for seed in range(2000)])
    assert np.abs(np.bincount(places, minlength=5) - 400).max() < 5 * np.sqrt(2000 * 0.2 * 0.8)


@pytest.mark.parametrize(
    ("n", "size", "drop_single", "sizes"),
    [
        (10, 4, True, [4, 4, 2]),
        (8, 4, True, [4, 4]),
        (9, 4, True, [4, 4]),
        (9, 4, False, [4, 4, 1]),
        (1, 4, True, [1]),
        (3, 4, True, [3]),
        (3, 1, True, [1, 1, 1]),
        (1, 1, True, [1]),
        (0, 4, True, []),
    ],
)
def test_cut(n, size, drop_single, sizes):
    order = np.arange(n)[::-1].copy()
    batches = cut(order, size, drop_single)
    assert [len(batch) for batch in batches] == sizes
    assert batches_per_epoch(n, size, drop_single) == len(sizes)
    assert [row for batch in batches for row in batch] == list(order[: sum(sizes)])


def test_batch_size_of_none_is_refused():
    with pytest.raises(UserError, match="batch_size=0"):
        cut(np.arange(3), 0)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 0, 0, 1], [1 / 3, 1 / 3, 1 / 3, 1]),
        ([5, 2, 2, 5, 5], [1 / 3, 1 / 2, 1 / 2, 1 / 3, 1 / 3]),
        # findings: 2, 1, 0 images; none: 1 image
        ([[1, 0, 0], [1, 1, 0], [0, 0, 0]], [1 / 2, 1, 1]),
        # every image has a finding: no class of those without
        ([[1, 0], [1, 0], [0, 1]], [1 / 2, 1 / 2, 1]),
    ],
)
def test_sample_weights_are_one_over_the_class_count(labels, expected):
    np.testing.assert_allclose(sample_weights(np.array(labels)), expected)


def test_weighted_order_draws_classes_equally_often():
    """Skew 1/36, as Alyafi's: over 20 epochs both classes come within 5 sigma of half."""
    labels = (np.arange(3700) % 37 == 0).astype(np.int64)
    weights = sample_weights(labels)
    draws = np.concatenate([labels[epoch_order(1, epoch, 3700, weights)] for epoch in range(20)])
    assert abs(draws.mean() - 0.5) < 5 * np.sqrt(0.25 / len(draws))


def test_weighted_order_is_in_proportion_and_stateless():
    weights = np.array([0.0, 1.0, 3.0, 0.0, 6.0, 0.0])
    orders = [epoch_order(2, epoch, 6, weights) for epoch in range(4000)]
    assert all(order.dtype == np.int64 and len(order) == 6 for order in orders)
    share = np.bincount(np.concatenate(orders), minlength=6) / 24_000
    np.testing.assert_allclose(share, weights / 10, atol=5 * np.sqrt(0.25 / 24_000))
    assert share[[0, 3, 5]].sum() == 0  # weight 0 is never drawn
    assert np.array_equal(orders[7], epoch_order(2, 7, 6, weights))


@pytest.mark.parametrize("weights", [[1.0, -1.0], [0.0, 0.0], [1.0, np.nan], [1.0, np.inf]])
def test_bad_weights_are_refused(weights):
    with pytest.raises(UserError, match="sampling weights"):
        epoch_order(0, 0, 2, np.array(weights))


def test_weights_of_another_length_are_refused():
    with pytest.raises(ValueError, match="3 images"):
        epoch_order(0, 0, 3, np.ones(2))


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
