"""The order of an epoch, its cutting into batches, and sampling by weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clrx.core.errors import UserError
from clrx.train.batches import batches_per_epoch, cut, epoch_order, sample_weights


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
