"""The model card of a run: what it is for, what it was trained and tested on, how well it does, and where it ends.

Headings: Mitchell et al., Model cards for model reporting, FAT* 2019 (arXiv:1810.03993), section 4. What only a person
can say is marked FILL IN.
"""

from collections.abc import Iterator
from typing import Any

from clrx.bundle.description import Description
from clrx.metrics.weighted import HALF
from clrx.run.read import Record

FILL = "**FILL IN**"
LIMITS = {  # of data sets whose labels are known to be noisy; by the beginning of their names
    "chestxray14": "Labels of ChestX-ray14 were mined from reports by software. Its makers expect them to be over 90% "
    "accurate (Wang et al., CVPR 2017); a radiologist who looked at images found far less for several findings, and "
    "treated patients (chest tubes) among the positive ones (Oakden-Rayner, Academic Radiology 27:106, 2020).",
    "csv": "What the labels of this table rest on is not known to the program.",
}
LICENCES = {
    "chestxray14": "NIH Clinical Center: free use, with attribution to the Center and to Wang et al. 2017",
    "cifar10": "no licence is given by its authors (Krizhevsky 2009)",
    "phantom": "drawn by clrx itself, MIT",
}
SPLITS = {
    "image": "Images were divided one by one: images of one patient may be in training and in test, and the "
    "metrics say nothing about new patients.",
    "group": "Whole groups (patients, where they are known) were divided: none is in training and in test. All come "
    "from the same source, so the metrics say nothing about other hospitals or machines.",
}


def model_card(run: Record, description: Description) -> str:
    """The card of a run in Markdown."""
    sections = {
        "Model details": _details(run, description),
        "Intended use": _use(description),
        "Factors": _factors(run),
        "Metrics": _metric_notes(run, description),
        "Evaluation data": _data(run, "test"),
        "Training data": _data(run, "train"),
        "Quantitative analyses": _results(run),
        "Ethical considerations": [
            f"{FILL}: consent, privacy, who may be harmed by a wrong answer, and how."
        ],
        "Caveats and recommendations": _limits(run, description),
    }
    title = (
        f"# Model card: {' or '.join(description.classes)}"
        if len(description.classes) <= 3
        else "# Model card"
    )
    lines = [title, ""]
    if description.synthetic:
        lines += ["**Trained on synthetic images: nothing here says anything about patients.**", ""]
    for name, content in sections.items():
        lines += [f"## {name}", "", *content, ""]
    return "\n".join(lines)


def _details(run: Record, d: Description) -> Iterator[str]:
    facts, config = run.facts, run.config
    architecture = ", ".join(f"{key}={value}" for key, value in d.architecture.items() if key != "_target_")
    settings = ("epochs", "batch_size", "accumulate", "seed", "weight_decay", "ema", "precision", "selection")
    yield f"- Network: {facts.get('model')} ({d.architecture['_target_']}{'; ' if architecture else ''}{architecture})"
    yield f"- Input: {d.size} x {d.size} pixels, {'grey' if d.channels == 1 else 'colour'}; {d.resize}"
    yield f"- Weights: {run.metrics.get('weights')}, from {(config.get('model') or {}).get('weights') or 'fresh ones'}"
    yield f"- Learning-rate policy: {facts.get('policy')}"
    yield f"- Training: {', '.join(f'{key}={config[key]}' for key in settings if config.get(key) is not None)}"
    yield f"- Trained: {facts.get('started')} to {facts.get('finished') or 'now'}, clrx {d.clrx}"
    yield f"- Run: `{d.run}`; data `{facts.get('data_hash')}`; split `{facts.get('split_hash')}`"
    yield f"- Made by, licence of the weights, contact: {FILL}"


def _use(d: Description) -> Iterator[str]:
    yield f"It scores an image for {', '.join(d.columns)}."
    yield ""
    yield f"- Primary use and users: {FILL}"
    yield f"- Out of scope: diagnosis of patients, unless it has been validated and approved for that. {FILL}"


def _factors(run: Record) -> Iterator[str]:
    yield "Age, sex, view and machine may matter; `clrx evaluate RUN ... subgroups=sex,view` tables them."
    if notes := run.facts.get("notes"):
        yield ""
        yield from (f"- {note}" for note in notes)
    yield ""
    yield f"- Other factors that matter here: {FILL}"


def _metric_notes(run: Record, d: Description) -> Iterator[str]:
    level = run.metrics.get("level", 0.95)
    if d.task != "multiclass":
        yield f"Decisions: positive when the score is at least {d.threshold:.6g} ({d.threshold_rule}), frozen for test."
    else:
        yield "Decisions: the class with the largest score."
    yield f"Intervals: {level:.0%}, percentile bootstrap over whole groups."


def _data(run: Record, part: str) -> Iterator[str]:
    facts = run.facts
    name, images = str(facts.get("dataset")), facts.get("images") or {}
    by = str((run.config.get("dataset") or {}).get("split"))
    licence = next((text for key, text in LICENCES.items() if name.startswith(key)), FILL)
    yield f"- Data: {name}; licence: {licence}"
    yield f"- Images: {images.get(part)} of {sum(images.values())}"
    if part == "test":
        yield f"- Split ({by}): {SPLITS.get(by, SPLITS['group'])}"
    else:
        yield f"- Validation, which chose weights and threshold: {images.get('validation')} images"
        yield from (f"- {key}: {value}" for key, value in dict(facts.get("facts") or {}).items())


def _results(run: Record) -> Iterator[str]:
    yield "| metric | test | low | high | remark |"
    yield "|---|---|---|---|---|"
    for name, entry in (run.metrics.get("test") or {}).items():
        if not name.endswith(HALF):
            cells = [_number(entry.get(key)) for key in ("value", "low", "high")]
            yield f"| {name} | {' | '.join(cells)} | {entry.get('reason', '')} |"
    if run.scores is not None:
        error = calibration_error(run.scores.view.truth, run.scores.view.scores)
        yield ""
        yield f"Expected calibration error on test: {error:.4f} (10 bins of equal width)."
    yield ""
    yield "Subgroups: none were evaluated with this card."


def _limits(run: Record, d: Description) -> Iterator[str]:
    name = str(run.facts.get("dataset"))
    yield from (f"- {text}" for key, text in LIMITS.items() if name.startswith(key))
    yield "- Evaluated on the test part of one data set; `clrx evaluate` measures it on another."
    yield "- Scores are no probabilities of disease where the share of the sick differs from that in training."
    if run.facts.get("scale", 1) != 1:
        yield f"- A rehearsal: trained at scale {run.facts['scale']}."
    if run.facts.get("selection") == "test":
        yield "- The best epoch was chosen on the test set: its metrics are too good."
    yield f"- {FILL}"


def calibration_error(truth: Any, scores: Any, bins: int = 10) -> float:
    """Expected calibration error: |share of positives - mean score|, averaged over bins by their images and columns.

    truth, scores: (N, K). Source: Naeini, Cooper, Hauskrecht, AAAI 2015.
    """
    import numpy as np

    total = 0.0
    for yes, score in zip(np.asarray(truth).T, np.asarray(scores).T, strict=True):
        index = np.minimum((score * bins).astype(int), bins - 1)
        count = np.bincount(index, minlength=bins)
        gap = np.bincount(index, yes, minlength=bins) - np.bincount(index, score, minlength=bins)
        total += float(np.abs(gap).sum() / count.sum())
    return total / np.asarray(truth).shape[1]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
