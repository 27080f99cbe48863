"""`clrx evaluate`: test a trained network on another dataset.

usage: clrx evaluate RUN dataset=NAME dataset.root=PATH [key=value ...]

Weights, threshold and calibration stay as training chose them; the dataset's classes are matched by name, or mapped:
'classes={PNEUMONIA: Pneumonia}'. Patients that training has seen are found by hash and left out. The metrics have
intervals over whole patients, and so has their difference from the run's own test; subgroups=sex,view tables parts.
What it writes is a run directory: `clrx report RUN EVALUATION` sets both side by side. `clrx data --help` lists data.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from omegaconf import DictConfig

from clrx.bundle.export import TEST, VALIDATION
from clrx.bundle.open import Bundle
from clrx.bundle.seen import read_seen
from clrx.config.compose import run_hydra
from clrx.config.load import Invocation, invocation, load, recorded
from clrx.config.options import split_config_dir
from clrx.config.use import EvaluateOptions, is_option, read_options
from clrx.core.console import open_screen, say
from clrx.core.errors import ClrxError, UserError
from clrx.core.files import write_bytes, write_json, write_text
from clrx.core.machine import hardware, versions
from clrx.core.paths import conf_dir, path_of
from clrx.core.signals import listening
from clrx.data.cache.open import Cache, open_cache
from clrx.data.open import load_source
from clrx.data.source import Source
from clrx.metrics.measure import confusion
from clrx.metrics.predictions import Predictions, read_predictions, write_predictions
from clrx.predict.external import Settings, calibrations, drops, metrics_of, predictive, subgroups
from clrx.predict.external_page import page
from clrx.predict.labels import Known, labels_for, seen_rows
from clrx.predict.score import Scorer, make_scorer, shape_of
from clrx.run.directory import open_run
from clrx.task.predict import open_bundles, runs_and_images


def main(arguments: list[str]) -> int:
    """Score the dataset that the words name and write the evaluation's directory."""
    folders, words = split_config_dir(arguments)
    options = read_options(
        "evaluate", EvaluateOptions, [word for word in words if is_option("evaluate", word)]
    )
    rest = [word for word in words if not is_option("evaluate", word)]
    named = [word for word in rest if "=" not in word or path_of(word).exists()]
    runs, more = runs_and_images("evaluate", named)
    if more:
        raise UserError(
            f"'{more[0]}' is no run and no key=value", where="clrx evaluate", fix="clrx evaluate --help"
        )
    keys = [word for word in rest if word not in named]
    if not any(word.startswith("dataset=") for word in keys):
        fix = "clrx evaluate RUN dataset=csv dataset.root=TABLE.csv"
        raise UserError("on which dataset?", where="clrx evaluate", fix=fix)
    bundles = open_bundles(runs, options, folders)
    d = bundles[0].description
    for key, value in (("dataset.size", d.size), ("dataset.channels", d.channels)):
        if any(word.startswith(f"{key}=") for word in keys):
            raise UserError(f"{key} is the network's own: {value}", where=key, fix="leave it out")
        keys.append(f"{key}={value}")
    if options.out:
        keys.append(f"hydra.run.dir={path_of(options.out).absolute()}")
    keys += [f"--config-dir={folder}" for folder in folders]
    return run_hydra("evaluate", lambda raw: evaluate(raw, bundles, options), keys, conf_dir())


def evaluate(raw: DictConfig, bundles: list[Bundle], options: EvaluateOptions) -> int:
    """Evaluate the average of the bundles on the dataset of a composed configuration."""
    about, cfg = invocation(raw), load(raw)
    scorer = make_scorer(bundles, options.device, options.batch_size, options.flips)
    with open_screen() as screen, listening():
        source = load_source(cfg.dataset)
        labels = labels_for(scorer.description, source, options.classes)
        size, channels = shape_of(scorer.description)
        if len(scorer.shapes) > 1:
            raise UserError("networks of one input size are evaluated together", where="clrx evaluate")
        cache = open_cache(
            source, size, channels, cfg.dataset.unreadable, None, options.workers, screen.decoding()
        )
        source, labels = source.take(cache.kept), labels[cache.kept]
        known = _known(bundles, source, cache)
        rows = _chosen(known, options)
        scores = scorer.score({(size, channels): cache.array[rows]})
        data = _predictions(scorer, source, labels, rows, scores)
        record = _record(scorer, bundles, source.take(rows), data, known, options)
    _write(about, raw, bundles[0], scorer, source, cache, data, record, options)
    say(page(record))
    say(f"evaluation: {about.directory}")
    return 0


def _known(bundles: list[Bundle], source: Source, cache: Cache) -> Known:
    """The rows that any of the networks has seen."""
    found = []
    for bundle in bundles:
        text = bundle.read("seen.json")
        seen = read_seen(text, str(bundle.path)) if text is not None else None
        found.append(seen_rows(seen, source, cache.digests))
    rows = np.any([one.rows for one in found], axis=0)
    return Known(rows, max(one.patients for one in found), found[0].note)


def _chosen(known: Known, options: EvaluateOptions) -> np.ndarray:
    """The rows to evaluate on."""
    if known.patients and options.seen == "refuse":
        fix = "seen=drop leaves their images out"
        raise UserError(known.note, where="seen", fix=fix)
    rows = np.flatnonzero(~known.rows) if options.seen == "drop" else np.arange(len(known.rows))
    if not len(rows):
        raise UserError(
            "no image is left: training has seen every patient", where="dataset", fix="seen=keep, or others"
        )
    return rows


def _predictions(
    scorer: Scorer, source: Source, labels: np.ndarray, rows: np.ndarray, scores: np.ndarray
) -> Predictions:
    d, table = scorer.description, source.table.iloc[rows]
    names, patients = (table[column].to_numpy(str) for column in ("image", "group"))
    return Predictions(d.task, d.classes, names, patients, labels[rows], scores.astype(np.float64))


def _record(
    scorer: Scorer,
    bundles: list[Bundle],
    source: Source,
    data: Predictions,
    known: Known,
    options: EvaluateOptions,
) -> dict[str, Any]:
    """evaluation.json."""
    d = scorer.description
    s = Settings(scorer.threshold, options.seed, options.resamples, options.level)
    own, validation = (
        own_scores(bundles, names)
        for names in (("predictions.csv", TEST), ("predictions_validation.csv", VALIDATION))
    )
    tables = source.table.drop(columns=["image", "group"], errors="ignore")
    return {
        "format": 1,
        "network": ", ".join(bundle.path.name for bundle in bundles),
        "run": [bundle.description.run for bundle in bundles],
        "trained_on": d.dataset,
        "dataset": source.name,
        "classes": dict(options.classes or {}),
        "images": len(data.images),
        "patients": len(set(data.patients)),
        "seen": {"patients": known.patients, "note": known.note, "action": options.seen},
        "notes": list(source.notes),
        "threshold": scorer.threshold,
        "threshold_rule": d.threshold_rule,
        "level": options.level,
        "metrics": metrics_of(d, data, s),
        "drop": drops(d, own, data, s),
        "subgroups": subgroups(d, data, tables, options.subgroups, options.small, s),
        "calibration": calibrations(d, validation, data, scorer.threshold),
        "predictive_values": predictive(d, data, options.prevalence, s),
    }


def own_scores(bundles: list[Bundle], names: tuple[str, ...]) -> Predictions | None:
    """The scores of a run's own test or validation, the first of the names that is there; None for several networks."""
    if len(bundles) > 1:
        return None
    for name in names:
        if (content := bundles[0].read(name)) is not None:
            with TemporaryDirectory() as folder:
                file = Path(folder) / name
                write_bytes(file, content)
                try:
                    return read_predictions(file, bundles[0].description.classes)
                except (ClrxError, ValueError, KeyError):
                    return None
    return None


def _write(
    about: Invocation,
    raw: DictConfig,
    bundle: Bundle,
    scorer: Scorer,
    source: Source,
    cache: Cache,
    data: Predictions,
    record: dict[str, Any],
    options: EvaluateOptions,
) -> None:
    """The directory: a run's files, evaluation.json and evaluation.md, figures."""
    path, d, run = about.directory, scorer.description, bundle.record
    config = {**(run.config if run else recorded(raw)), "dataset": recorded(raw)["dataset"]}
    facts = _facts(about, bundle, scorer, source, cache, record)
    metrics = {
        "test": record["metrics"],
        "threshold": scorer.threshold,
        "threshold_rule": d.threshold_rule,
        "level": options.level,
        "weights": bundle.weights,
        "scale": facts["scale"],
        "phases": [],
        "confusion": {"test": confusion(d.task, data.labels, data.scores, scorer.threshold)},
    }
    with open_run(path, config, facts):
        file = path / "predictions.csv"
        write_predictions(file, d.task, d.classes, data.images, data.patients, data.labels, data.scores)
        write_json(path / "metrics.json", metrics)
        write_json(path / "evaluation.json", record)
        write_text(path / "evaluation.md", page(record))


def _facts(
    about: Invocation, bundle: Bundle, scorer: Scorer, source: Source, cache: Cache, record: dict[str, Any]
) -> dict[str, Any]:
    """run.json of an evaluation: that of the run, on other data; without the hashes that a report has agree."""
    d, run = scorer.description, bundle.record
    before = run.facts if run else {}
    return {
        **{name: before[name] for name in ("policy", "model", "selection", "config_dir") if name in before},
        "scale": before.get("scale", 1.0),
        "kind": "evaluate",
        "command": about.command,
        "choices": {**before.get("choices", {}), "dataset": about.choices.get("dataset")},
        "seed": before.get("seed", 0),
        "dataset": source.name,
        "task": d.task,
        "classes": list(d.classes),
        "synthetic": source.synthetic or d.synthetic,
        "external_data_hash": cache.hash,
        "images": {"train": 0, "validation": 0, "test": record["images"]},
        "notes": [f"external evaluation of {record['network']}", record["seen"]["note"], *source.notes],
        "facts": dict(source.facts),
        "versions": versions(),
        "hardware": hardware(str(scorer.device)),
    }
