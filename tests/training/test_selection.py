"""Which epoch was best, and when to stop."""

import math

import pytest

from clrx.training.selection import best_epoch, by_cycle, column_of, oriented, patience_spent, should_stop

NONE = -math.inf


@pytest.mark.parametrize(
    ("metric", "task", "column"),
    [
        ("auto", "binary", "val_auroc"),
        ("auto", "multilabel", "val_auroc"),
        ("auto", "multiclass", "val_accuracy"),
        ("loss", "binary", "val_loss"),
        ("val_loss", "binary", "val_loss"),
        ("train_loss", "binary", "train_loss"),
        ("f1", "multiclass", "val_f1"),
    ],
)
def test_the_column_of_a_metric(metric, task, column):
    assert column_of(metric, task) == column


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("val_auroc", [0.5, None, float("nan"), 0.7], [0.5, NONE, NONE, 0.7]),
        ("val_loss", [0.5, None, float("nan"), 0.7], [-0.5, NONE, NONE, -0.7]),
        ("train_loss", [2], [-2]),
    ],
)
def test_larger_is_better_and_missing_is_worst(column, values, expected):
    assert oriented(column, values) == expected


@pytest.mark.parametrize(
    ("values", "best"),
    [([1], 0), ([1, 3, 2], 1), ([1, 3, 3], 1), ([2, 2], 0), ([NONE, NONE], 0), ([NONE, -5.0, NONE], 1)],
)
def test_the_best_epoch_is_the_first_of_the_largest(values, best):
    assert best_epoch(values) == best


@pytest.mark.parametrize(
    ("values", "patience", "min_delta", "spent"),
    [
        ([], 1, 0, False),
        ([0.5], 1, 0, False),  # nothing to be better than
        ([0.5, 0.5], 1, 0, True),  # as good is not better
        ([0.5, 0.6], 1, 0, False),
        ([0.5, 0.4], 2, 0, False),
        ([0.5, 0.4, 0.4], 2, 0, True),
        ([0.5, 0.4, 0.6, 0.1, 0.2], 2, 0, True),
        ([0.5, 0.4, 0.6, 0.1, 0.7], 2, 0, False),
        (
            [0.5, 0.75],
            1,
            0.25,
            True,
        ),  # exactly the change asked for is not more than it (Keras: current - delta > best)
        ([0.5, 0.76], 1, 0.25, False),
        ([0.5, NONE, NONE], 2, 0, True),
        ([NONE, 0.1], 1, 0, False),
        ([NONE, NONE], 1, 0, True),
    ],
)
def test_patience_in_epochs(values, patience, min_delta, spent):
    assert patience_spent(values, patience, min_delta) is spent
    assert should_stop(values, patience, min_delta) is spent
    assert should_stop(values, None, min_delta) is False


@pytest.mark.parametrize(
    ("values", "ends", "expected"),
    [
        ([1, 5, 2, 3], (2, 4), [5, 3]),
        ([1, 5, 2], (2, 4), [5]),  # the second cycle is not over
        ([1], (2, 4), []),
        ([1, 5, 2, 3, 9, 1, 1], (1, 3, 7), [1, 5, 9]),  # SGDR: 1, 2, 4 epochs
        ([1, 2, 3], (1.5, 3.0), [2, 3]),  # a cycle ends within an epoch: at that epoch's end
        ([1, 2], (0.5, 1.0, 1.5, 2.0), [1, 2]),  # two cycles an epoch have one value
    ],
)
def test_a_cycle_is_worth_its_best_epoch(values, ends, expected):
    assert by_cycle(values, ends) == expected


ENDS = (4, 8, 12)


@pytest.mark.parametrize(
    ("values", "patience", "stop"),
    [
        ([0.9, 0.1, 0.1, 0.1], 1, False),  # one cycle has nothing before it
        ([0.9, 0.1, 0.1, 0.1, 0.1, 0.1], 1, False),  # never within a cycle
        ([0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 1, True),
        ([0.1, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 0.6], 1, False),
        ([0.1, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 0.5], 2, False),
        ([0.1, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 0.5], 2, True),
        (
            [0.5] * 9,
            1,
            False,
        ),  # eight would have stopped; a resumed run in the third cycle goes on to its end
    ],
)
def test_patience_in_whole_cycles(values, patience, stop):
    assert should_stop(values, patience, 0, ENDS) is stop
