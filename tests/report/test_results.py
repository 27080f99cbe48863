"""Numbers of the tables against hand arithmetic and simulation."""

import csv
import io

import numpy as np
import pytest

from clrx.report.comparison import compare
from clrx.report.make import comparison_csv, runs_csv
from clrx.report.results import (
    half_table,
    main_table,
    metrics_table,
    of_patients,
    outcomes,
    sentences,
    shown_groups,
)
from clrx.report.time_to_target import timing_of


def test_two_policies_that_are_one_function_differ_by_exactly_0(sweep, tmp_path):
    values = [0.1 + 0.2, 0.7, 1 / 3]
    comparison = compare([sweep(tmp_path / "s", {"constant": values, "twin": values})])
    found = outcomes(comparison, "auroc")[1].difference
    assert (found.mean, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
    assert main_table(comparison).rows[1][5:] == ("0", "0 to 0", "1.00")


@pytest.mark.parametrize("sign", [1, -1])
def test_an_injected_difference_is_found_with_its_sign(sweep, tmp_path, sign):
    base = [0.80, 0.82, 0.79, 0.83]
    gaps = [0.018, 0.020, 0.022, 0.020]  # mean 0.02, standard deviation sqrt(8e-6 / 3) = 0.001633
    values = {"constant": base, "ours": [b + sign * gap for b, gap in zip(base, gaps, strict=True)]}
    comparison = compare([sweep(tmp_path / "s", values)])
    found = outcomes(comparison, "auroc")[1].difference
    half = 3.182446 * 0.001633 / 2  # t(0.975, 3), from Student's table
    assert found.mean == pytest.approx(sign * 0.02)
    assert (found.low, found.high) == pytest.approx((sign * 0.02 - half, sign * 0.02 + half), abs=1e-6)
    (said,) = sentences(comparison)
    assert said.startswith(f"ours is {'better' if sign > 0 else 'worse'} than constant on 4 seeds")


@pytest.mark.slow
def test_the_interval_covers_the_injected_difference_in_95_of_100_sweeps(sweep, tmp_path):
    """300 sweeps: the share is binomial, with a standard deviation of 1.3 points."""
    rng, covered = np.random.default_rng(1), 0
    for k in range(300):
        base = 0.8 + rng.normal(0, 0.02, 3)
        values = {"constant": list(base), "ours": list(base + 0.01 + rng.normal(0, 0.005, 3))}
        comparison = compare([sweep(tmp_path / str(k), values, curve=[0.5])])
        found = outcomes(comparison, "auroc")[1].difference
        covered += found.low <= 0.01 <= found.high
    assert 0.91 <= covered / 300 <= 0.985


def test_one_seed_has_no_interval_and_the_report_says_so(sweep, tmp_path):
    comparison = compare([sweep(tmp_path / "s", {"constant": [0.8], "triangular": [0.9]})])
    table = main_table(comparison)
    assert table.rows[1] == ("triangular", "1", "0.9000", "–", "–", "+0.1000", "–", "–")
    assert "One seed has no spread" in table.note
    assert sentences(comparison)[0].startswith("1 seed cannot separate triangular from constant")


def test_metrics_at_the_threshold_of_0_5_have_their_own_table_and_can_be_compared(run, tmp_path):
    for seed, value in enumerate((0.60, 0.64)):  # standard deviation 0.04 / sqrt(2)
        run(tmp_path / str(seed), seed=seed, metrics={"f1": 0.5, "f1_at_0.5": value})
    comparison = compare([tmp_path], metric="f1_at_0.5")
    assert half_table(comparison).header == ("configuration", "F1")
    assert half_table(comparison).rows == (("constant", "0.620 ± 0.028"),)
    assert "F1 at threshold 0.5" not in metrics_table(comparison).header
    assert main_table(comparison).rows[0][:3] == ("constant", "2", "0.6200")


def test_the_report_says_what_its_seeds_cannot(sweep, tmp_path):
    """The simulated runs' intervals over patients are 0.1 wide."""
    said = of_patients(compare([sweep(tmp_path / "s", {"constant": [0.8, 0.8], "triangular": [0.8, 0.8]})]))
    assert "one test set" in said
    assert "0.100 wide, the median of 4 runs" in said
    assert of_patients(compare([tmp_path / "s" / "policy=constant,seed=0"])) == ""


def test_holm_over_the_policies_of_the_comparison(sweep, tmp_path):
    rng = np.random.default_rng(0)
    values = {name: list(0.8 + rng.normal(0, 0.01, 5)) for name in ("constant", "a", "b", "c")}
    comparison = compare([sweep(tmp_path / "s", values)])
    found = [each.difference for each in outcomes(comparison, "auroc")[1:]]
    raw = sorted(each.p for each in found)
    by_hand = [min(1, 3 * raw[0]), min(1, max(3 * raw[0], 2 * raw[1]))]
    assert sorted(each.p_holm for each in found)[:2] == pytest.approx(by_hand)


def test_the_csv_files_have_every_digit(sweep, tmp_path):
    values = {"constant": [1 / 3, 2 / 3], "triangular": [0.5, 0.7]}
    comparison = compare([sweep(tmp_path / "s", values, curve=[0.5, 0.6])])
    rows = list(csv.DictReader(io.StringIO(comparison_csv(comparison))))
    (row,) = [row for row in rows if (row["configuration"], row["metric"]) == ("triangular", "auroc")]
    assert float(row["mean"]) == (0.5 + 0.7) / 2
    assert float(row["difference_mean"]) == pytest.approx((0.5 - 1 / 3 + 0.7 - 2 / 3) / 2, abs=1e-15)
    runs = list(csv.DictReader(io.StringIO(runs_csv(comparison, timing_of(comparison)))))
    assert [float(run["auroc"]) for run in runs] == [1 / 3, 2 / 3, 0.5, 0.7]
    assert [(run["epochs_to_target"], run["seconds_to_target"]) for run in runs] == [("2", "4.0")] * 4


def test_runs_that_did_not_complete_are_in_no_mean(run, tmp_path):
    run(tmp_path / "a", seed=0, auroc=0.8)
    run(tmp_path / "b", seed=1, state="diverged", error="the loss became non-finite")
    comparison = compare([tmp_path])
    assert main_table(comparison).rows[0][:3] == ("constant", "1", "0.8000")


def test_of_many_configurations_the_baseline_and_the_best_are_shown(sweep, tmp_path):
    values = {f"p{k:02d}": [0.5 + k / 100] for k in range(20)}
    comparison = compare([sweep(tmp_path / "s", values, curve=[0.5])], baseline="p03")
    assert [group.label for group in shown_groups(comparison)] == [
        "p03",
        *(f"p{k:02d}" for k in range(9, 20)),
    ]
