"""Time to a target, counted by hand."""

import pytest

from clrx.report.comparison import compare
from clrx.report.time_to_target import fastest, never_reached, timing_of, timing_table

SLOW, FAST = [0.5, 0.6, 0.7, 0.8], [0.6, 0.8, 0.7, 0.9]  # each epoch: 5 steps, 2 s


@pytest.fixture
def comparison(run, tmp_path):
    for seed in (0, 1, 2):
        run(tmp_path / f"constant{seed}", seed=seed, curve=SLOW)
        run(tmp_path / f"triangular{seed}", policy="triangular", seed=seed, curve=FAST if seed else [0.5] * 4)
    return lambda **options: compare([tmp_path], **options)


def test_the_target_is_the_baselines_final_value(comparison):
    found = comparison()
    timing = timing_of(found)
    assert (timing.column, timing.target, timing.given) == ("val_auroc", pytest.approx(0.8), False)
    rows = timing_table(found, timing).rows
    assert rows[0] == ("constant", "3 of 3", "4", "20", "8.00 s", "1.00×", "1.00×")
    assert rows[1] == ("triangular", "2 of 3", "2", "10", "4.00 s", "2.00×", "2.00×")  # median of 2, 2, never
    assert never_reached(timing) == ["triangular: seed 0 never reached it"]
    said = (
        "triangular reached validation AUROC of 0.800 first, in 2 epochs (median of 3 runs); constant in 4."
    )
    assert fastest(found, timing).endswith(said)


def test_a_given_target_that_only_one_reaches(comparison):
    found = comparison(target=0.85)
    rows = timing_table(found, timing_of(found)).rows
    assert rows[0][1:] == ("0 of 3", "never", "never", "never", "–", "–")
    assert rows[1][1:] == ("2 of 3", "4", "20", "8.00 s", "baseline never", "baseline never")
    assert fastest(found, timing_of(found)).endswith("; constant never.")


def test_one_of_two_is_not_by_half_and_not_never(run, tmp_path):
    for seed in (0, 1):
        run(tmp_path / f"constant{seed}", seed=seed, curve=SLOW if seed else [0.5] * 4)
        run(tmp_path / f"triangular{seed}", policy="triangular", seed=seed, curve=FAST)
    found = compare([tmp_path], target=0.8)
    rows = timing_table(found, timing_of(found)).rows
    assert rows[0][1:] == ("1 of 2", "not by half", "not by half", "not by half", "–", "–")
    assert rows[1][1:] == ("2 of 2", "2", "10", "4.00 s", "baseline not by half", "baseline not by half")


def test_nobody_reaches_it(comparison):
    found = comparison(target=0.99)
    assert {row[1] for row in timing_table(found, timing_of(found)).rows} == {"0 of 3"}
    assert fastest(found, timing_of(found)) == ""


def test_one_configuration_is_timed_only_to_a_given_target(run, tmp_path):
    run(tmp_path / "a")
    assert timing_of(compare([tmp_path])) is None
    assert timing_of(compare([tmp_path], target=0.6)).target == 0.6
