"""Run a range test in a run directory: its curves, what the rules say of them, the verdict, the picture."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clrx.config.phases import Phase
from clrx.config.schema import TrainConfig
from clrx.core.console import Screen
from clrx.core.files import CsvLog, write_json
from clrx.range_test.curve import GAINS, MEASURED, Repeat, points_of
from clrx.range_test.estimate import Reading, Suggestion, method, read, suggest
from clrx.range_test.ramp import Ramp, ramp_of
from clrx.range_test.repeats import RangeTest, run_repeats
from clrx.range_test.rules import RULES
from clrx.range_test.verdict import Verdict, verdict_on
from clrx.training.setup import Setup

log = logging.getLogger("clrx")
STEP_COLUMNS = ("repeat", "step", "epoch", "lr", "loss", "smoothed", "accuracy", *MEASURED)
MEAN_COLUMNS = ("curve", "lr", "value", "low", "high", "slope")


@dataclass(frozen=True)
class Found:
    """All that a range test came to."""

    repeats: Sequence[Repeat]
    readings: dict[str, Reading | None]  # of the curve asked for, and of accuracy
    suggestions: Sequence[Suggestion]
    verdict: Verdict


def find_range(cfg: TrainConfig, setup: Setup, phase: Phase, path: Path, screen: Screen) -> dict[str, Any]:
    """Test the range for what `phase` trains and write everything below `path`; what suggestions.json says.

    The network of the setup is left as it was.
    """
    began = time.perf_counter()
    ramp = ramp_of(cfg, len(setup.data.train))
    repeats = []
    for repeat in run_repeats(RangeTest(cfg, setup, phase, ramp), screen):
        repeats.append(repeat)
        log.info("repeat %d: %s", len(repeats), _told(repeat, ramp))
    found = read_repeats(cfg, ramp, repeats)
    record = {**_record(cfg, ramp, found), "seconds": round(time.perf_counter() - began, 3)}
    _write_steps(path / "curves.csv", repeats)
    _write_means(path / "mean_curves.csv", found)
    write_json(path / "suggestions.json", record)
    return record


def read_repeats(cfg: TrainConfig, ramp: Ramp, repeats: Sequence[Repeat]) -> Found:
    """The suggestions of every rule, and the verdict on `range_test.rule`."""
    asked = cfg.range_test
    gains = asked.curve if asked.curve in GAINS else "accuracy"
    readings = {}
    for kind, name in (("loss", asked.curve), ("accuracy", gains)):
        points = points_of(repeats, name, ramp.steps, asked.smoothing)
        readings[kind] = None if points is None else read(points, cfg.seed)
    suggestions = suggest(readings)
    chosen = next(one for one in suggestions if one.rule == asked.rule)
    verdict = verdict_on(cfg, ramp, repeats, readings[RULES[asked.rule].reads], chosen)
    return Found(repeats, readings, suggestions, verdict)


def _told(repeat: Repeat, ramp: Ramp) -> str:
    taken = f"{len(repeat.lr)} of {ramp.steps} steps"
    if not len(repeat.lr):
        return f"{taken}: {repeat.stopped}"
    best = repeat.lr[int(repeat.values["smoothed"].argmin())]
    ended = "" if repeat.stopped == "end" else f", where {repeat.stopped}"
    return f"{taken}, to a rate of {repeat.lr[-1]:.3g}{ended}; lowest loss at {best:.3g}"


def _record(cfg: TrainConfig, ramp: Ramp, found: Found) -> dict[str, Any]:
    """suggestions.json: the bounds of `range_test.rule` where they can be used, all suggestions, the verdict."""
    rule, verdict = cfg.range_test.rule, found.verdict
    suggestions = {one.rule: _entry(one) for one in found.suggestions}
    bounds = (
        {name: suggestions[rule][name]["value"] for name in ("base_lr", "max_lr")} if verdict.usable else None
    )
    return {
        "bounds": bounds,
        "rule": rule,
        "verdict": {"usable": verdict.usable, **verdict._asdict()},
        "suggestions": suggestions,
        "curve": cfg.range_test.curve,
        "ramp": {"shape": ramp.shape, "start": ramp.start, "end": ramp.end, "steps": ramp.steps},
        "repeats": [{"steps": len(r.lr), "stopped": r.stopped} for r in found.repeats],
        "interval": method(len(found.repeats)),
        "steps": sum(len(repeat.lr) for repeat in found.repeats),
    }


def _entry(one: Suggestion) -> dict[str, Any]:
    rates = {"base_lr": one.base_lr, "max_lr": one.max_lr}
    return {
        **{
            name: rate and {key: rounded(value) for key, value in rate._asdict().items()}
            for name, rate in rates.items()
        },
        "missing": one.missing.why if one.missing else None,
        "found_in": round(one.found, 3),
        "single_repeats": [rate and rounded(rate) for rate in one.single],
        "says": RULES[one.rule].says,
        "source": RULES[one.rule].source,
    }


def rounded(rate: float) -> float:
    """Three digits: what is printed, pasted and used is one number."""
    return float(f"{rate:.3g}")


def _write_steps(path: Path, repeats: Sequence[Repeat]) -> None:
    """curves.csv: every step of every repeat."""
    log_file = CsvLog(path, STEP_COLUMNS)
    for number, repeat in enumerate(repeats):
        columns = {"lr": repeat.lr, "epoch": repeat.epoch, **repeat.values}
        rows = ({name: _number(values[i]) for name, values in columns.items()} for i in range(len(repeat.lr)))
        log_file.append({"repeat": number, "step": i, **row} for i, row in enumerate(rows))
    log_file.close()


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _write_means(path: Path, found: Found) -> None:
    """mean_curves.csv: the smoothed mean of the repeats, the band of the single ones, the slope per decade."""
    log_file = CsvLog(path, MEAN_COLUMNS)
    of_each = {reading.points.name: reading for reading in found.readings.values() if reading}
    for name, reading in of_each.items():
        smoothed, mean = reading.points.smoothed, reading.curve
        columns = (mean.lr, mean.value, smoothed.min(axis=0), smoothed.max(axis=0), mean.slope)
        log_file.append(
            dict(zip(MEAN_COLUMNS, (name, *map(float, row)), strict=True))
            for row in zip(*columns, strict=True)
        )
    log_file.close()
