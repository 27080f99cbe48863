"""The rules on curves whose answers are known, and their intervals on noisy ones."""

import numpy as np
import pytest

from clrx.range_test.curve import Curve, Repeat, RunningMean, fit_weights, points_of
from clrx.range_test.estimate import method, read, suggest
from clrx.range_test.rules import RULES, Missing

DECADES = np.linspace(-7.0, 0.0, 141)  # 20 points a decade


def curve_of(value: np.ndarray, x: np.ndarray = DECADES, diverged: bool = True) -> Curve:
    """A curve that needs no smoothing; its slope per decade by central differences."""
    return Curve(10.0**x, value, np.gradient(value, x), edge=4, diverged=diverged)


def logistic(x, centre=-3.0, width=0.3):
    return 1.0 - 0.6 / (1.0 + np.exp(-(x - centre) / width))


def descent(x, start=-4.0, end=-2.0):
    """Level at 1, a straight fall to 0.5 from 10**start to 10**end, and a straight rise behind it."""
    return np.where(x < end, 1.0 - 0.5 * np.clip((x - start) / (end - start), 0, 1), 0.5 + (x - end))


@pytest.mark.parametrize(
    ("rule", "value", "base_lr", "max_lr"),
    [
        ("steepest", logistic(DECADES) + 10.0 ** (3 * (DECADES + 0.5)), 0.00025, 0.001),
        ("steepest", 1.0 - np.tanh(DECADES + 2.0) + np.maximum(0, DECADES + 0.6) ** 2, 0.0025, 0.01),
        # the fall is 20% done at -4 + 0.2 * 2 decades and 80% at -2.4; half-way between them is -3
        ("valley", descent(DECADES), 0.00025, 0.001),
        ("valley", descent(DECADES, -5.0, -1.0), 0.00025, 0.001),
        ("bottom", (DECADES + 1.523) ** 2, 0.0075, 0.03),
        ("bottom", descent(DECADES), 0.0025, 0.01),
        ("smith2017", descent(DECADES), 10**-3.6, 10**-2.4),
        ("smith2017", descent(DECADES, -5.0, -1.0), 10**-4.2, 10**-1.8),
        ("chopade2021", (DECADES + 1.523) ** 2, 0.0075, 0.03),  # its figure 6 and the bounds of its A5
        ("minimum_tenth", (DECADES + 2.0) ** 2, 0.00025, 0.001),
        ("minimum_tenth", descent(DECADES), 0.00025, 0.001),
    ],
)
def test_rule_on_a_curve_with_a_known_answer(rule, value, base_lr, max_lr):
    found = RULES[rule].read(curve_of(value))
    assert not isinstance(found, Missing)
    assert np.log10(found) == pytest.approx(np.log10([base_lr, max_lr]), abs=0.1)  # a point is 0.05 decades


@pytest.mark.parametrize("tilt", [-1e-3, 0.0, 1e-3])
def test_a_flat_bottom_is_where_the_fall_stops_and_not_where_it_is_lowest(tilt):
    """Without a divergence chance decides which point of a plateau is lowest, the last ones above all."""
    value = logistic(DECADES) + tilt * (DECADES + 3.0)
    value[-3:] -= 0.05
    found = RULES["bottom"].read(curve_of(value, diverged=False))
    assert np.log10(found.max_lr) == pytest.approx(-3.0 + 0.3 * np.log(4.0), abs=0.05)  # 80% of the way


def test_the_first_fall_of_a_new_head_is_not_the_answer():
    """It learns the class shares at 10**-4.5, most of the whole fall, and the rest at 10**-2.5."""
    value = (
        0.8 * logistic(DECADES, -4.5, 0.1) + 0.2 * logistic(DECADES, -2.5, 0.1) + 10.0 ** (3 * (DECADES + 1))
    )
    found = {rule: np.log10(RULES[rule].read(curve_of(value)).max_lr) for rule in ("bottom", "valley")}
    assert -2.5 < found["bottom"] < -1.5
    assert found["valley"] < -4.0


def test_slope_is_per_decade_and_not_per_rate():
    """A slow early fall is the steepest per unit of rate, five decades too low (Lightning since 2.5.3)."""
    value = logistic(DECADES, -2.0, 0.2) - 0.02 * np.clip((DECADES + 6.5) / 0.5, 0, 1)
    lr = 10.0**DECADES
    assert lr[np.gradient(value, lr).argmin()] < 1e-5
    found = RULES["steepest"].read(curve_of(value + 10.0 ** (4 * (DECADES + 0.5))))
    assert np.log10(found.max_lr) == pytest.approx(-2.0, abs=0.06)


@pytest.mark.parametrize(
    ("rule", "value", "diverged", "side"),
    [
        ("steepest", 1.0 + np.exp(-(DECADES + 7.0)), False, "below"),
        ("valley", 1.0 + np.exp(-(DECADES + 7.0)), False, "below"),
        ("smith2017", 1.0 - (DECADES + 7.0) / 14.0, False, "below"),
        ("valley", descent(DECADES, -1.0, 0.5), False, "above"),
        ("bottom", descent(DECADES, -1.0, 0.5), False, "above"),
        ("bottom", logistic(DECADES, -0.3), False, "above"),
        ("bottom", 1.0 + (DECADES + 7.0), True, "below"),
        ("chopade2021", logistic(DECADES, -1.0), False, "above"),
        ("minimum_tenth", logistic(DECADES, -1.0), False, "above"),
        ("smith2017", descent(DECADES, -1.0, 0.5), False, "above"),
        ("smith2017", 1.0 + (DECADES + 7.0), True, "below"),
        ("chopade2021", 1.0 + (DECADES + 7.0), True, "below"),  # it only rises
        ("steepest", 1.0 + (DECADES + 7.0), True, "below"),
        ("minimum_tenth", (DECADES + 6.5) ** 2, True, "below"),  # a tenth of 10**-6.5 was never tried
    ],
)
def test_no_suggestion_where_the_range_hides_it(rule, value, diverged, side):
    found = RULES[rule].read(curve_of(value, diverged=diverged))
    assert isinstance(found, Missing)
    assert found.side == side
    assert found.why


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "value", [logistic(DECADES), descent(DECADES), (DECADES + 2) ** 2, -DECADES, DECADES]
)
@pytest.mark.parametrize("length", [9, 12, 20, 60, 141])
def test_no_rule_ever_names_a_first_or_last_point(rule, value, length):
    curve = curve_of(value[:length], DECADES[:length])
    found = RULES[rule].read(curve)
    tenth = 10.0 if rule == "minimum_tenth" else 1.0
    assert isinstance(found, Missing) or curve.lr[3] < tenth * found.max_lr < curve.lr[-4]


def test_running_mean_by_hand():
    mean = RunningMean(length=1 / np.log(2))  # a value weighs half of the one after it
    assert [mean.add(value) for value in (4.0, 1.0, 2.0)] == pytest.approx(
        [4.0, (2 + 1) / 1.5, (1 + 0.5 + 2) / 1.75]
    )


@pytest.mark.parametrize("length", [1.0, 4.0, 11.5])
def test_smoothing_neither_lags_nor_fills_a_minimum(length):
    level, slope = fit_weights(50, length)
    place = np.arange(50.0)
    assert level @ (3.0 + 2.0 * place) == pytest.approx(3.0 + 2.0 * place)
    assert level @ (place - 20.0) ** 2 == pytest.approx((place - 20.0) ** 2, abs=1e-6)
    assert slope @ (3.0 + 2.0 * place) == pytest.approx(np.full(50, 2.0))


def repeat_of(x, loss, stopped="end", accuracy=None):
    accuracy = 1.0 - loss if accuracy is None else accuracy
    return Repeat(10.0**x, x, {"loss": loss, "accuracy": accuracy}, stopped)


def test_points_reach_as_far_as_every_repeat_and_no_farther():
    x = np.linspace(-4, 0, 100)
    loss = np.linspace(1, 0.5, 100)
    points = points_of(
        [repeat_of(x, loss), repeat_of(x[:70], loss[:70], "the loss was not finite")], "loss", 100, 0.04
    )
    assert points.values.shape == (2, 70)
    assert points.lr[-1] == pytest.approx(10 ** x[69])
    assert points.diverged
    assert points_of([repeat_of(x[:7], loss[:7])], "loss", 100, 0.04) is None


def test_what_diverged_does_not_move_what_came_before():
    x = np.linspace(-7, 0, 100)
    value = logistic(x, -2.5)
    exploded = np.concatenate([value[:96], [3.0, 1e4, 1e12, 1e30]])
    found = {}
    for name, loss in (("quiet", value[:96]), ("exploded", exploded)):
        repeats = [repeat_of(x[: len(loss)], loss, "the loss passed its limit")] * 3
        found[name] = RULES["steepest"].read(points_of(repeats, "loss", 100, 0.04).curve()).max_lr
    assert found["exploded"] == pytest.approx(found["quiet"])


def test_long_tests_are_averaged_over_neighbouring_steps():
    x = np.linspace(-7, 0, 2705)  # five epochs of Chopade's 541 batches
    points = points_of([repeat_of(x, logistic(x))], "loss", 2705, 0.04)
    assert len(points.lr) == 2705 // 14
    assert np.log10(RULES["steepest"].read(points.curve()).max_lr) == pytest.approx(-3.0, abs=0.05)


def test_curves_measured_now_and_then():
    x = np.linspace(-7, 0, 200)
    seen = np.where(np.arange(200) % 5 == 0, 1.0 - logistic(x), np.nan)
    points = points_of([Repeat(10.0**x, x, {"val_accuracy": seen}, "end")] * 2, "val_accuracy", 200, 0.04)
    assert points.values.shape == (2, 40)
    assert points.values[0, 0] == pytest.approx(1.0, abs=1e-5)  # lower is better: one minus the accuracy
    assert np.log10(RULES["steepest"].read(points.curve()).max_lr) == pytest.approx(-3.0, abs=0.2)


def noisy(rng: np.random.Generator, repeats: int = 5, steps: int = 100) -> list[Repeat]:
    """A test as batch noise makes them: each repeat falls elsewhere (0.1 decades), noise is a fifth of the fall."""
    x, found = np.linspace(-7, 0, steps), []
    for _ in range(repeats):
        shift, noise = 0.1 * rng.normal(), 0.12 * rng.normal(size=steps)
        loss = logistic(x, -2.5 + shift, 0.35) + np.minimum(np.exp((x + 0.4) / 0.12), 20.0) + noise
        end = int((loss > 2.5).argmax()) or steps
        found.append(repeat_of(x[:end], loss[:end], "the loss passed its limit"))
    return found


def cover(tests: int) -> float:
    rng, hits = np.random.default_rng(7), 0
    for number in range(tests):
        points = points_of(noisy(rng), "loss", 100, 0.04)
        rate = suggest({"loss": read(points, number), "accuracy": None}, ["steepest"])[0].max_lr
        hits += rate.low <= 10**-2.5 <= rate.high
    return hits / tests


def test_interval_covers_the_true_steepest_point():
    assert cover(30) >= 0.9


@pytest.mark.slow
def test_interval_covers_the_true_steepest_point_in_two_hundred_tests():
    assert cover(200) >= 0.9


def test_interval_narrows_with_repeats_and_is_the_same_twice():
    rng = np.random.default_rng(1)
    repeats = noisy(rng, repeats=24)

    def width(count):
        found = suggest(
            {"loss": read(points_of(repeats[:count], "loss", 100, 0.04), 0), "accuracy": None}, ["valley"]
        )
        return np.log10(found[0].max_lr.high / found[0].max_lr.low)

    assert width(24) < width(6) < width(3)
    assert width(6) == width(6)


def test_method_says_what_the_interval_knows():
    assert "Student's factor for 5 repeats" in method(5)
    assert "1.45" in method(5)  # 2.1318 (t, 4 degrees) / 1.6449 * sqrt(5 / 4)
    assert "within a repeat alone" in method(1)
